"""Every JSON document of ours is as its schema says, and has no key that the schema does not describe."""

from __future__ import annotations

import copy
import json
import re

import numpy as np
import pytest
from jsonschema import Draft202012Validator, ValidationError

import cutline as cl
from cutline.cli import main
from cutline.errors import UnknownName
from cutline.report import schema
from cutline.report.schemas import FORMS, REPORT, SCHEMAS
from tests.examples import HOSTILE, binary, several

CERTIFIED = cl.maximize(cl.recall, subject_to=[cl.precision >= 0.8], confidence=0.9)
COST = cl.minimize(cl.cost(fp=1, fn=3, abstain=0.4))


def points():
    rows = binary(1500, seed=1)
    return {
        "certified": CERTIFIED.choose(rows),
        "cost": cl.minimize(cl.cost(fp=1, fn=25)).choose(rows),
        "band": COST.choose(rows),
        "capacity": cl.capacity(rate=0.1).choose(rows),
        "several": cl.minimize(cl.cost(matrix="zero-one")).choose(several(seed=1)),
    }


def evaluations():
    made = {
        "short": cl.evaluate(binary()),
        "slices": cl.evaluate(
            binary(slices={"half": np.arange(600) % 2, "few": np.where(np.arange(600) < 9, None, "x")})
        ),
        "slices of several": cl.evaluate(several(slices={"half": np.arange(400) % 2})),
        "one class": cl.evaluate(
            cl.Scores(y_true=[1, 1], y_score=[0.2, 0.7], classes=cl.Classes((0, 1), 1), kind="probability")
        ),
        "weighted": cl.evaluate(binary(weight=np.linspace(0.5, 2, 600))),
        "clusters": cl.evaluate(binary(groups=np.arange(600) // 3)),
        "rank": cl.evaluate(binary(kind="rank")),
        "labels": cl.evaluate(binary(kind="label")),
        "found": cl.evaluate(binary().with_score(1 - binary().score, "probability")),
        "several": cl.evaluate(several()),
        "ordered": cl.evaluate(several(names=HOSTILE[:4])),
    }
    assessed = {
        name: point.assess(several() if name == "several" else binary(seed=2)) for name, point in points().items()
    }
    return made | assessed


EVALUATIONS = evaluations()


def documents():
    """(schema, what, document) of everything that is JSON."""
    for name, evaluation in EVALUATIONS.items():
        yield "evaluation", name, evaluation.to_dict()
        yield "report", name, json.loads(cl.report(evaluation).to_json())
    yield "report", "mistakes", json.loads(cl.report(binary(ids=np.arange(600)), mistakes=3, unit="EUR").to_json())
    sides = {"a": binary(), "b": binary().with_score(binary(seed=5).score, "probability")}
    yield "report", "comparison", json.loads(cl.report(sides).to_json())
    kinds = {"a": several(), "b": several().with_score(several(seed=0).score ** 2, "rank")}
    yield "report", "comparison of several classes", json.loads(cl.report(kinds).to_json())
    rng = np.random.default_rng(0)
    sets = cl.MultiLabel(
        y_true=rng.random((200, 3)) < 0.4, y_score=rng.random((200, 3)), labels=["a", "b", "c"], kind="probability"
    )
    yield "report", "label sets", json.loads(cl.report(sets).to_json())
    for name, point in points().items():
        yield "point", name, point.to_dict()
    models = {"a": binary(), "b": binary(seed=0).with_score(binary(seed=5).score, "probability")}
    yield "comparison", "auc", cl.compare(models, metric=cl.roc_auc).to_dict()
    yield "comparison", "margin", cl.compare(models, metric=cl.roc_auc, reference="a", margin=0.05).to_dict()
    yield "calibrator", "two", cl.calibrate(binary()).to_dict()
    yield "calibrator", "several", cl.calibrate(several()).to_dict()
    yield "explanation", "two", cl.explain(0.9, classes=["ham", "spam"], threshold=0.3).to_dict()
    yield "explanation", "three", cl.explain([0.2, 0.3, 0.5], classes=["a", "b", "c"]).to_dict()
    valid, three = binary(), several()
    yield "explanation", "region", cl.explain(0.9, cl.maximize(cl.f1).choose(valid), rows=valid).to_dict()
    grouped = valid.with_groups(np.arange(valid.n) // 2)
    yield "explanation", "clusters", cl.explain(0.9, cl.capacity(rate=0.1).choose(valid), rows=grouped).to_dict()
    priced = cl.minimize(cl.cost(matrix="quadratic")).choose(three)
    yield "explanation", "costs", cl.explain(np.eye(three.classes.k)[0], priced, rows=three).to_dict()
    rng = np.random.default_rng(0)
    table = {"a": rng.normal(size=120), "y": rng.choice(["no", "yes"], 120)}
    model = cl.fit(table, target="y", positive="yes", families=["linear", "network"], budget=None)
    yield "explanation", "row", model.explain({"a": 1.0, "b": 3}).to_dict()
    for name, scores in (("clean", binary(1500)), ("reversed", binary().with_score(1 - binary().score, "probability"))):
        yield "findings", name, cl.check(scores).to_dict()
    for name, asked in (("short", ["recall>=0.2", "fpr<=0.5"]), ("several", "precision[class 1]>=0.1")):
        yield "gates", name, cl.gate(EVALUATIONS[name], asked).to_dict()


DOCUMENTS = list(documents())


def undescribed(document, described, path=""):
    """Keys that no schema speaks of."""
    for part in [*described.get("anyOf", ()), *(p["then"] for p in described.get("allOf", ()) if holds(p, document))]:
        described = {**described, **{k: v for k, v in part.items() if k not in ("properties", "type")}} | {
            "properties": {**described.get("properties", {}), **part.get("properties", {})}
        }
    if isinstance(document, list):
        for item in document:
            yield from undescribed(item, described.get("items", {}), f"{path}[]")
    if isinstance(document, dict) and described.get("properties"):
        for key, value in document.items():
            if key not in described["properties"]:
                yield f"{path}.{key}"
            else:
                yield from undescribed(value, described["properties"][key], f"{path}.{key}")


def holds(part, document):
    return all(document.get(key) == rule["const"] for key, rule in part["if"]["properties"].items())


@pytest.mark.parametrize(("name", "what", "document"), DOCUMENTS, ids=[f"{n}-{w}" for n, w, _ in DOCUMENTS])
def test_every_document_is_as_its_schema_says(name, what, document):
    plain = json.loads(json.dumps(document, allow_nan=False))
    Draft202012Validator(schema(name)).validate(plain)
    # Parts that belong to a saved rule or calibrator are for cutline alone to read, and open.
    inside = re.compile(r"\.(policy|rule|calibrator|chosen_on|certified_on|fitted_on|candidates)\b")
    missing = sorted({key for key in undescribed(plain, schema(name)) if not inside.search(key.rpartition(".")[0])})
    assert not missing, f"describe these in report/schemas.py: {missing}"


def test_every_kind_of_document_is_tried():
    assert {name for name, _, _ in DOCUMENTS} | {"metrics"} == set(SCHEMAS)
    assert {d["form"] for name, _, d in DOCUMENTS if name == "report"} == set(FORMS)


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_schemas_are_schemas(name):
    Draft202012Validator.check_schema(schema(name))
    assert schema(name)["title"] == f"cutline {name}"
    schema(name)["properties"].clear()
    assert schema(name)["properties"], "what is handed out is a copy"


def test_a_document_that_is_not_as_the_schema_says_is_refused():
    check = Draft202012Validator(schema())
    data = json.loads(cl.report(EVALUATIONS["short"]).to_json())
    for key in [*REPORT, *FORMS["binary"]]:
        with pytest.raises(ValidationError, match=key):
            check.validate({k: v for k, v in data.items() if k != key})
    for path, value in (
        (("points", "tp"), "many"),
        (("form",), "page"),
        (("confidence",), 95),
        (("estimates", 0, "value"), "0.9"),
        (("schema_version",), 2),
    ):
        broken = copy.deepcopy(data)
        at = broken
        for step in path[:-1]:
            at = at[step]
        at[path[-1]] = value
        with pytest.raises(ValidationError):
            check.validate(broken)
    check.validate({**data, "added": "later"})


def test_the_command_prints_them(capsys):
    assert main(["schema", "gates"]) == 0
    assert json.loads(capsys.readouterr().out) == schema("gates")
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out) == schema("report")
    assert main(["schema", "gate"]) == 2
    assert "gates" in capsys.readouterr().err
    assert main(["metrics", "--json"]) == 0
    Draft202012Validator(schema("metrics")).validate(json.loads(capsys.readouterr().out))


def test_keys_without_a_description_are_found():
    found = schema("report")
    for keys in (
        found["properties"],
        found["properties"]["scored"]["properties"],
        found["allOf"][0]["then"]["properties"],
    ):
        keys.pop(next(key for key in ("title", "rows", "cost_given") if key in keys))
    found["allOf"][0]["then"]["properties"]["reliability"]["anyOf"][0]["items"]["properties"].pop("rate")
    document = cl.report(EVALUATIONS["short"]).data
    assert set(undescribed(document, found)) == {".title", ".scored.rows", ".cost_given", ".reliability[].rate"}


def test_an_unknown_document_is_named():
    with pytest.raises(UnknownName, match="did you mean 'evaluation'"):
        schema("evaluate")
