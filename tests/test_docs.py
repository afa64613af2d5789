"""The documentation: examples run, and print what is shown; every public name has its place; links lead somewhere."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys

import pytest

import cutline as cl
from tests import pages

ROOT = pages.DOCS.parent
CONFIG = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
NEEDS_KERAS = {"keras.md"}


def module(name):
    """A script of docs/."""
    spec = importlib.util.spec_from_file_location(name, pages.DOCS / f"{name}.py")
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


@pytest.fixture(scope="module")
def furnished(tmp_path_factory):
    where = tmp_path_factory.mktemp("furnished")
    pages.furnish(where)
    return where


@pytest.mark.parametrize("path", pages.with_examples(), ids=lambda path: path.relative_to(pages.DOCS).as_posix())
def test_the_examples_print_what_the_page_shows(path, furnished, tmp_path, monkeypatch):
    if path.name in NEEDS_KERAS:
        monkeypatch.setenv("KERAS_BACKEND", "jax")
        pytest.importorskip("jax")
        pytest.importorskip("keras")
    monkeypatch.setenv("COLUMNS", "")  # set by the run; put back after it
    shutil.copytree(furnished, tmp_path, dirs_exist_ok=True)
    page = path.read_text(encoding="utf-8")
    for example, came in pages.outputs(page, tmp_path):
        if example.shown is not None:
            where = f"{path.name}, line {example.line}; if this is right: python docs/make_outputs.py {path}"
            assert pages.agree(example.shown, came, pages.tolerance(page)), f"{where}\n{came}"


def test_outputs_agree_but_for_numbers_within_the_tolerance():
    assert pages.agree("a 1.00 b\n", "a 1.00 b\n")
    assert not pages.agree("a 1.00 b\n", "a 1.01 b\n")
    assert pages.agree("a 1.00  b\n", "a 1.01 b\n", 0.02)
    assert not pages.agree("a 1.00 b\n", "a 1.05 b\n", 0.02)
    assert not pages.agree("a 1.00 b\n", "a 1.00 c\n", 0.02)
    assert pages.agree("first\n...\nlast\n", "first\nmore\nand more\nlast\n")
    assert not pages.agree("first\n...\nlast\n", "first\nmore\nanother\n")


def test_what_is_not_run_says_why():
    for path in pages.DOCS.rglob("*.md"):
        for why in re.findall(r"<!-- not run: (.*?) -->", path.read_text(encoding="utf-8")):
            assert len(why.split()) > 3, (path, why)


def test_every_public_name_is_in_the_reference():
    text = "\n".join(module("make_api").pages().values())
    shown = {path.rpartition(".")[2] for path in re.findall(r"^::: (\S+)$", text, flags=re.MULTILINE)}
    shown |= set(re.findall(r"^## (keras)\.ThresholdMetrics", text, flags=re.MULTILINE))  # made when Keras is there
    metrics = set(re.findall(r"^\| `(\w+)` \|", text, flags=re.MULTILINE))
    assert metrics == set(cl.METRICS)
    values = {name for name in cl.__all__ if isinstance(getattr(cl, name), cl.Metric)}
    assert set(cl.__all__) - values - {"METRICS"} <= shown
    assert "cl.METRICS" in text


def test_every_page_is_on_the_map_and_every_page_of_the_map_is_there():
    found = {path.relative_to(pages.DOCS).as_posix() for path in pages.DOCS.rglob("*.md")}
    found = {name for name in found if not name.startswith("reference/")}
    found |= {f"reference/{part}.md" for part in module("make_api").pages()}
    assert set(re.findall(r"(\S+\.md)$", CONFIG, flags=re.MULTILINE)) == found


def test_pictures_are_there_and_said_in_words():
    for path in pages.DOCS.rglob("*.md"):
        for words, target in re.findall(r"!\[(.*?)\]\((\S+?)\)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).is_file(), (path, target)
            assert len(words) > 20, (path, target)


def build(where):
    command = [sys.executable, "-m", "zensical", "build", "--strict"]
    return subprocess.run(command, cwd=where, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """What the site is made of, built once."""
    pytest.importorskip("zensical", reason="zensical builds the site: pip install 'cutline[docs]'")
    where = tmp_path_factory.mktemp("project")
    for name in ("docs", "src"):
        shutil.copytree(ROOT / name, where / name, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    shutil.copy(ROOT / "mkdocs.yml", where)
    subprocess.run([sys.executable, where / "docs" / "make_api.py"], check=True, cwd=where)
    done = build(where)
    assert done.returncode == 0, done.stdout + done.stderr
    return where


def test_the_site_is_whole_and_loads_nothing_from_elsewhere(project):
    site = project / "build" / "site"
    for page in ("index", "tutorial", "commands", "reference/decision", "how-to/cost"):
        assert "<h1 id=" in (site / f"{page}.html").read_text(encoding="utf-8"), page
    for page in site.rglob("*.html"):
        loaded = re.findall(r'<(?:script|img|link)[^>]+(?:src|href)="(https?:[^"]+)', page.read_text(encoding="utf-8"))
        assert not loaded, (page.name, loaded)
    assert 'id="cutline.decision.explain.explain"' in (site / "reference" / "decision.html").read_text(encoding="utf-8")


def test_the_search_works_from_a_folder(project, browser):
    page = browser.new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((project / "build" / "site" / "how-to" / "cost.html").as_uri())
    page.keyboard.press("Control+k")
    box = page.get_by_placeholder("Search").last
    box.press_sequentially("guarantee means", delay=50)
    page.get_by_text(re.compile(r"^[1-9]\d* results?$")).wait_for(state="visible")
    assert box.input_value() == "guarantee means"
    page.close()
    assert not [url for url in asked if not url.startswith(("file:", "about:"))], asked


def test_broken_links_stop_the_site(project):
    (project / "docs" / "index.md").write_text("# cutline\n\n[nowhere](nowhere.md)\n", encoding="utf-8")
    done = build(project)
    assert done.returncode != 0
    assert "page does not exist" in done.stdout + done.stderr
