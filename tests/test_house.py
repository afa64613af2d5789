"""The house stands as designed: who imports whom, what importing loads, what is public and documented."""

from __future__ import annotations

import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import cutline

PACKAGE = Path(cutline.__file__).parent
ROOT = PACKAGE.parents[1]
FILES = sorted(PACKAGE.rglob("*.py"))

# Top to bottom is the way of the data. A part imports from the parts named, and from itself.
SPINE = ["errors", "core", "labels", "scores", "metrics", "evidence", "calibration", "decision", "checks", "evaluation"]
TABLE = {
    "errors": [],
    "core": ["errors"],
    "labels": ["errors"],
    "scores": ["labels", "core", "errors"],
    "metrics": ["scores", "labels", "core", "errors"],
    "evidence": ["metrics", "scores", "labels", "core", "errors"],
    "calibration": ["evidence", "metrics", "scores", "labels", "core", "errors"],
    "decision": ["evidence", "calibration", "metrics", "scores", "labels", "core", "errors"],
    "checks": [*SPINE[:8], "data"],
    "evaluation": SPINE[:9],
    "data": ["scores", "labels", "metrics", "core", "errors"],
    "model": [*SPINE, "data"],
    "report": [*(part for part in SPINE if part != "core"), "data", "model"],
}
PUBLIC_ONLY = ("serve", "cli", "__main__")
# `point.assess(scores)` is promised on the decision object; it calls the layer above, at run time only.
UPWARD = {("decision/point.py", "evaluation", "assess")}

HEAVY = [
    "PIL",
    "catboost",
    "cyclopts",
    "jax",
    "keras",
    "lightgbm",
    "matplotlib",
    "narwhals",
    "onnx",
    "onnxruntime",
    "pandas",
    "playwright",
    "polars",
    "pyarrow",
    "pyspark",
]
HEAVY += ["rich", "scipy.stats", "skops", "sklearn", "tokenizers", "torch"]


def part_of(path):
    relative = path.relative_to(PACKAGE)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


def imports(path):
    """(module, names, function or "", for typing only) of every import of ours in a file."""
    tree = ast.parse(path.read_text())
    found = []

    def walk(node, function, typing):
        for child in ast.iter_child_nodes(node):
            inside = typing or (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test))
            if isinstance(child, ast.Import):
                found.extend((a.name, (), function, typing) for a in child.names if a.name.split(".")[0] == "cutline")
            elif isinstance(child, ast.ImportFrom):
                assert child.level == 0, f"{path}: relative import"
                if child.module.split(".")[0] == "cutline":
                    found.append((child.module, tuple(a.name for a in child.names), function, typing))
            named = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
            walk(child, child.name if named else function, inside)

    walk(tree, "", False)
    return found


def parts_of(module, names):
    """Parts that an import reaches; "" is the package itself."""
    if module != "cutline":
        return [module.split(".")[1]]
    return [name if (PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").exists() else "" for name in names] or [""]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_the_import_table(path):
    part, name = part_of(path), str(path.relative_to(PACKAGE))
    if part == "__init__":
        return
    for module, names, function, typing in imports(path):
        for other in parts_of(module, names):
            if part in PUBLIC_ONLY:
                if module == "cutline":
                    allowed = {*cutline.__all__, "__version__", *PUBLIC_ONLY}
                    assert set(names) <= allowed, f"{name} imports {names}, not all public"
                elif other not in PUBLIC_ONLY:
                    found = importlib.import_module(module)
                    public = [n for n in vars(found) if n[0] != "_"] if other == "errors" else found.__all__
                    assert set(names) <= set(public), f"{name} imports {set(names) - set(public)} from {module}"
            else:
                fine = other == part or other in TABLE[part] or typing or (name, other, function) in UPWARD
                fine = fine or (module == "cutline" and names == ("__version__",))
                assert fine, f"{name} imports {module} in {function or 'the module'}: not in the table"


@pytest.mark.parametrize("name", PUBLIC_ONLY)
def test_the_command_line_uses_public_names_only(name):
    paths = [path for path in FILES if part_of(path) == name]
    if not paths:
        pytest.skip(f"there is no {name} yet")
    for path in paths:
        tree = ast.parse(path.read_text())
        aliases = {
            a.asname or a.name
            for n in ast.walk(tree)
            if isinstance(n, ast.Import)
            for a in n.names
            if a.name == "cutline"
        }
        used = {
            n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute) and getattr(n.value, "id", None) in aliases
        }
        assert used <= {*cutline.__all__, "__version__"}, path


def test_the_exception_is_still_needed():
    upward = {
        (str(path.relative_to(PACKAGE)), other, function)
        for path in FILES
        for module, names, function, typing in imports(path)
        for other in parts_of(module, names)
        if not typing and other and part_of(path) in TABLE and other not in (part_of(path), *TABLE[part_of(path)])
    }
    assert upward == UPWARD


def test_every_part_is_in_the_table():
    assert {part_of(path) for path in FILES} <= {*TABLE, *PUBLIC_ONLY, "__init__"}


def test_reports_estimate_nothing():
    banned = {"estimate", "delong", "wilson", "clopper_pearson", "calibrate", "reliability", "count_ingredients"}
    for path in FILES:
        if part_of(path) == "report":
            called = {
                getattr(n.func, "id", getattr(n.func, "attr", ""))
                for n in ast.walk(ast.parse(path.read_text()))
                if isinstance(n, ast.Call)
            }
            # words.py holds the twin of the one sentence that the page's slider changes, interval included; figures.py
            # draws a band about the points it is given, as the page's script does.
            allowed = {"wilson"} if path.name in ("words.py", "figures.py") else set()
            assert not called & banned - allowed, f"{path.name} calls {called & banned}"


def test_only_core_touches_the_extension():
    for path in FILES:
        if part_of(path) != "core":
            assert "_kernels" not in path.read_text(), path


def test_importing_loads_nothing_heavy():
    code = f"""
import sys, cutline
cutline.Scores(y_true=[0, 1], y_score=[0.1, 0.9], kind="probability"), cutline.maximize(cutline.f1)
print(sorted(set({HEAVY!r}) & set(sys.modules)))
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"


def in_order(names):
    """Constants, then classes, then functions and values, each by the alphabet."""
    return sorted(names, key=lambda n: (0 if n.isupper() else 1 if n[0].isupper() else 2, n))


def test_the_public_names():
    assert cutline.__all__ == in_order(cutline.__all__)
    assert len(set(cutline.__all__)) == len(cutline.__all__)
    for name in cutline.__all__:
        assert getattr(cutline, name) is not None
    assert set(dir(cutline)) == set(cutline.__all__)
    with pytest.raises(AttributeError, match="no attribute 'evalute'"):
        _ = cutline.evalute
    defined = {
        alias.asname or alias.name
        for node in ast.parse((PACKAGE / "__init__.py").read_text()).body
        if isinstance(node, ast.ImportFrom) and node.module.startswith("cutline")
        for alias in node.names
    } | set(cutline._LAZY)
    assert set(cutline.__all__) == defined


PARTS = sorted(p.parent.name for p in PACKAGE.glob("*/__init__.py"))


@pytest.mark.parametrize("part", PARTS)
def test_the_names_of_a_part(part):
    module = importlib.import_module(f"cutline.{part}")
    names = module.__all__
    assert list(names) == in_order(names)
    for name in names:
        assert getattr(module, name, None) is not None
        assert not name.startswith("_")


def test_no_file_is_named_for_nothing():
    for path in (*FILES, *ROOT.glob("tests/*.py")):
        assert path.stem not in {"utils", "util", "helpers", "misc", "common"}


def undocumented(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            for child in ast.iter_child_nodes(node):
                named = isinstance(child, ast.ClassDef | ast.FunctionDef)
                nested = isinstance(node, ast.FunctionDef)
                private = isinstance(node, ast.ClassDef) and node.name.startswith("_")
                if (
                    named
                    and not nested
                    and not private
                    and not child.name.startswith("_")
                    and not ast.get_docstring(child)
                ):
                    yield child.name


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_everything_public_is_documented(path):
    assert ast.get_docstring(ast.parse(path.read_text())), "the module itself"
    assert not list(undocumented(path))


VALUES = [cutline.Classes, cutline.Scores, cutline.Counts, cutline.ThresholdTable, cutline.Metric, cutline.Estimate]
VALUES += [cutline.OperatingPoint, cutline.Policy, cutline.Calibration, cutline.Evaluation, cutline.Explanation]
VALUES += [cutline.Finding, cutline.Findings]


@pytest.mark.parametrize("kind", VALUES)
def test_every_type_is_frozen_slotted_and_shows_itself(kind):
    assert kind.__dataclass_params__.frozen
    assert hasattr(kind, "__slots__")
    for name in ("__repr__", "_repr_html_", "to_dict"):
        assert getattr(kind, name, None) is not None, name


def test_pairs_of_arrays_are_keyword_only():
    for name in cutline.__all__:
        thing = getattr(cutline, name)
        if callable(thing) and not isinstance(thing, cutline.Metric):
            try:
                parameters = inspect.signature(thing).parameters.values()
            except ValueError:
                continue
            for p in parameters:
                if p.name in ("y_true", "y_score"):
                    assert p.kind is p.KEYWORD_ONLY, name


def tracked():
    try:
        out = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return [ROOT / name for name in out.split("\0") if name]


def test_no_tracked_file_names_a_workplace():
    # .ci/run may point the tests at material beside the checkout; nothing else may.
    words = [word.encode() for word in ("/" + "work/", "shared" + "/")]
    for path in tracked():
        if path.relative_to(ROOT).as_posix() == ".ci/run":
            continue
        if path.exists() and path.suffix not in {".png", ".gz", ".parquet", ".so"}:
            text = path.read_bytes()
            assert not [w.decode() for w in words if w in text], path.relative_to(ROOT)
