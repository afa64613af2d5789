"""JSON Schemas of every document that cutline prints or saves as JSON: what keys there are, and what they mean.

One declaration: `schema` wraps it, a test validates every document against it and finds keys that it lacks.
A new key of the report is one line in `REPORT`, or in its form's entry of `FORMS`.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from cutline.errors import UnknownName

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
FLAG: Schema = {"type": "boolean"}
NUMBER: Schema = {"type": "number"}
WHOLE: Schema = {"type": "integer", "minimum": 0}
COUNT: Schema = {"type": "number", "minimum": 0, "description": "rows; a sum of weights when rows are weighted"}
SHARE: Schema = {"type": "number", "minimum": 0, "maximum": 1}
NAME: Schema = {"type": ["string", "number", "boolean"], "description": "a class, as the data name it"}
VERSION: Schema = {"const": 1, "description": "goes up when a key changes its meaning or goes away"}


def said(what: Schema, about: str) -> Schema:
    """The same with a description."""
    return {**what, "description": about}


def maybe(what: Schema) -> Schema:
    """That, or null."""
    return {"anyOf": [what, {"type": "null"}]}


def many(what: Schema) -> Schema:
    """A list of these."""
    return {"type": "array", "items": what}


def record(keys: Mapping[str, Schema], about: str = "") -> Schema:
    """An object with all these keys; what else it has may be ignored."""
    made: Schema = {"type": "object", "required": list(keys), "properties": dict(keys)}
    return said(made, about) if about else made


def one_of(*values: str) -> Schema:
    """One of these words."""
    return {"enum": list(values)}


STATE = said(
    one_of("ok", "undefined", "degenerate", "insufficient"), "undefined: 0/0; insufficient: too few rows to trust it"
)
KIND = one_of("probability", "logit", "rank", "label")
ROLE = said(TEXT, "what the rows were used for: test, tune, train, out-of-fold, in-sample; empty when nobody said")
ESTIMATE = record(
    {
        "metric": said(TEXT, "name, as cutline metrics lists it"),
        "label": said(TEXT, "as shown to people"),
        "value": said(maybe(NUMBER), "null when undefined"),
        "low": said(maybe(NUMBER), "lower limit; null without an interval"),
        "high": maybe(NUMBER),
        "confidence": said(SHARE, "level of the interval, two-sided"),
        "n": said(NUMBER, "rows it rests on"),
        "n_pos": maybe(NUMBER),
        "method": said(TEXT, "of the interval"),
        "state": STATE,
        "role": ROLE,
        "threshold": said(maybe(NUMBER), "of a figure of counts"),
        "note": TEXT,
    },
    "one figure with its interval",
)
CLASSES = record(
    {"names": many(NAME), "positive": said(maybe(NAME), "null with more than two classes"), "ordered": FLAG}
)
COUNTS = record({"tp": COUNT, "fp": COUNT, "fn": COUNT, "tn": COUNT})
MATRIX = said(many(many(COUNT)), "truth in rows, decisions in columns")
BIN = record(
    {"mean": NUMBER, "n": WHOLE, "positives": WHOLE, "rate": NUMBER, "low": NUMBER, "high": NUMBER},
    "rows of similar probability: their mean probability, the observed share of positives and its limits",
)
REGION = record(
    {
        "class": NAME,
        "n": WHOLE,
        "lowest": SHARE,
        "highest": SHARE,
        "mean": SHARE,
        "rate": said(SHARE, "the share of them that were of the class"),
        "low": said(maybe(SHARE), "95 % Wilson limits; null where rows come in clusters"),
        "high": maybe(SHARE),
        "agrees": said(maybe(FLAG), "whether the mean lies within the limits"),
        "rows": said(TEXT, "whose rows they are"),
        "beyond": said(one_of("", "high", "low"), "no row was scored as high, or as low, as this"),
    },
    "rows with a label that were scored like this one, by their probability of the class",
)
WEIGHTED = many(record({"name": TEXT, "weight": SHARE}))
CONTRIBUTIONS = record(
    {
        "class": NAME,
        "against": NAME,
        "scale": TEXT,
        "base": NUMBER,
        "total": said(NUMBER, "base and all amounts"),
        "features": many(record({"feature": TEXT, "value": TEXT, "amount": NUMBER})),
        "members": said(WEIGHTED, "that were taken apart; the weights add up to 1"),
        "left_out": said(WEIGHTED, "that could not be, with their weights in the blend"),
    },
    "what each feature added to the log-odds of the class against the other",
)
RULE_CONSTRAINT = record(
    {
        "constraint": said(TEXT, "such as precision >= 0.9"),
        "certified": FLAG,
        "value": said(maybe(NUMBER), "on the rows it was chosen on"),
        "cross_fitted": maybe(NUMBER),
        "held": said(maybe(NUMBER), "on rows that nothing was chosen on"),
        "bound": said(maybe(NUMBER), "what is certified"),
        "p_value": maybe(NUMBER),
        "confidence": maybe(SHARE),
    }
)
POINT = record(
    {
        "schema_version": VERSION,
        "rule": record(
            {"rule": TEXT}, "how it decides; floats as hexadecimal text, so that they come back bit for bit"
        ),
        "threshold": said(maybe(NUMBER), "positive iff score >= threshold; null when the rule is no threshold"),
        "policy": record({}, "what was asked for, for cutline to read"),
        "policy_text": TEXT,
        "grade": one_of("plug-in", "cross-fitted", "guaranteed"),
        "why": TEXT,
        "classes": CLASSES,
        "kind": KIND,
        "constraints": many(RULE_CONSTRAINT),
        "aim": maybe(
            record({"name": TEXT, "value": maybe(NUMBER), "cross_fitted": maybe(NUMBER), "held": maybe(NUMBER)})
        ),
        "plateau": said(maybe(many(maybe(NUMBER))), "thresholds that do equally well, from and to"),
        "chosen_on": said(maybe(record({})), "fingerprint of the rows"),
        "certified_on": maybe(record({})),
        "notes": many(TEXT),
    },
    "an operating point: what cutline choose saves",
)
FINDING = record(
    {
        "code": said(TEXT, "of the trap, CT01 to CT20"),
        "name": TEXT,
        "seen": said(TEXT, "what was seen, with numbers"),
        "why": said(TEXT, "why it matters"),
        "fix_code": said(TEXT, "the fix, as Python"),
        "silence": said(TEXT, "how to silence it"),
        "fixable": said(FLAG, "whether finding.fix() computes what is mended"),
    },
    "a trap that was found",
)
EVALUATION = record(
    {
        "schema_version": VERSION,
        "classes": CLASSES,
        "n": said(WHOLE, "rows that count"),
        "missing": said(WHOLE, "rows without a label"),
        "n_pos": maybe(WHOLE),
        "kind": KIND,
        "role": ROLE,
        "weighted": FLAG,
        "fingerprint": said(TEXT, "digest of the rows, whatever their order"),
        "confidence": SHARE,
        "threshold": maybe(NUMBER),
        "estimates": many(ESTIMATE),
        "counts": said(maybe(COUNTS), "of two classes, at the decision"),
        "confusion": maybe(MATRIX),
        "reliability": said(maybe(many(BIN)), "of probabilities of two classes"),
        "per_class": many(record({"name": NAME, "support": COUNT, "estimates": many(ESTIMATE)})),
        "slices": many(
            record(
                {
                    "partition": TEXT,
                    "slice": maybe(NAME),
                    "n": WHOLE,
                    "n_pos": maybe(WHOLE),
                    "reason": TEXT,
                    "estimates": many(ESTIMATE),
                }
            )
        ),
        "point": maybe(POINT),
        "notes": many(TEXT),
        "findings": many(FINDING),
    },
    "what cutline evaluate and cutline assess print and save",
)
REPORT: dict[str, Schema] = {
    "schema_version": VERSION,
    "form": TEXT,
    "title": TEXT,
    "cutline": said(TEXT, "version that made it"),
    "date": TEXT,
    "labels": said(many(TEXT), "classes as shown to people, in order"),
    "scored": record(
        {
            "rows": WHOLE,
            "missing": WHOLE,
            "classes": many(NAME),
            "positive": maybe(NAME),
            "rows_positive": maybe(WHOLE),
            "score_kind": said(TEXT, "of models side by side all kinds, with commas"),
            "role": ROLE,
            "weighted": FLAG,
            "fingerprint": TEXT,
        }
    ),
    "decision": maybe(
        record(
            {
                "threshold": maybe(NUMBER),
                "policy": TEXT,
                "grade": maybe(one_of("plug-in", "cross-fitted", "guaranteed")),
                "grade_means": maybe(TEXT),
                "why": TEXT,
                "constraints": many(RULE_CONSTRAINT),
                "plateau": maybe(many(maybe(NUMBER))),
                "notes": many(TEXT),
            }
        )
    ),
    "confidence": SHARE,
    "z": said(NUMBER, "normal quantile of the confidence"),
    "estimates": many(ESTIMATE),
    "by_rule": said(
        maybe(
            record(
                {
                    "rule": TEXT,
                    "undecided": SHARE,
                    "between": said(maybe(many(NUMBER)), "scores from and to which nothing is decided"),
                    "tp": COUNT,
                    "fp": COUNT,
                    "fn": COUNT,
                    "tn": COUNT,
                }
            )
        ),
        "a rule that is no threshold",
    ),
    "notes": many(TEXT),
}
DIFFERENCE = record(
    {
        "first": TEXT,
        "second": TEXT,
        "metric": TEXT,
        "first_value": maybe(NUMBER),
        "second_value": maybe(NUMBER),
        "difference": said(maybe(NUMBER), "first minus second"),
        "low": maybe(NUMBER),
        "high": maybe(NUMBER),
        "confidence": SHARE,
        "p": said(SHARE, "of no difference, two-sided"),
        "p_adjusted": said(SHARE, "by Holm, over all differences"),
        "n": NUMBER,
        "n_pos": maybe(NUMBER),
        "method": TEXT,
        "state": STATE,
        "margin": said(maybe(NUMBER), "of non-inferiority"),
        "limit": maybe(NUMBER),
        "non_inferior": maybe(FLAG),
        "more_rows": said(maybe(WHOLE), "rows that would settle it"),
        "verdict": TEXT,
        "note": TEXT,
    }
)
PER_CLASS = many(record({"label": TEXT, "support": COUNT, "estimates": many(ESTIMATE)}))
CURVE = {"positives": COUNT, "negatives": COUNT, "tp": many(COUNT), "fp": many(COUNT)}
BY_METRIC = {"type": "object", "additionalProperties": ESTIMATE}
VIEWS = said(
    many(record({"label": TEXT, "upto": FLAG, "estimates": BY_METRIC, "reliability": maybe(many(BIN)), **CURVE})),
    "each class against the rest; of classes in order also each cut between them",
)
SLICES = many(
    record(
        {
            "partition": TEXT,
            "slice": TEXT,
            "rows": WHOLE,
            "reason": said(TEXT, "why it is too thin to lean on"),
            "estimates": many(ESTIMATE),
            "counts": said(maybe(record(CURVE)), "at the operating points of the page; of two classes"),
        }
    )
)
MISTAKES = said(
    maybe(many(record({"id": TEXT, "truth": TEXT, "decision": TEXT, "score": maybe(NUMBER), "cost": NUMBER}))),
    "the costliest single rows, when they were asked for",
)
FORMS: dict[str, dict[str, Schema]] = {
    "binary": {
        "findings": many(FINDING),
        "positive": said(WHOLE, "index of the positive class in labels"),
        "negative": WHOLE,
        "positives": COUNT,
        "negatives": COUNT,
        "prevalence": SHARE,
        "per": said(WHOLE, "sentences speak of so many rows"),
        "distinct": said(WHOLE, "distinct scores; points may show fewer"),
        "points": said(
            record({"threshold": many(maybe(NUMBER)), "tp": many(COUNT), "fp": many(COUNT)}),
            "counts of positive iff score >= threshold, from nobody (null) to everybody",
        ),
        "z_alone": said(NUMBER, "normal quantile of one of two independent one-sided limits"),
        "independent": said(FLAG, "rows count one by one: Wilson intervals of counts hold"),
        "named": many(
            record(
                {
                    "name": TEXT,
                    "index": WHOLE,
                    "threshold": maybe(NUMBER),
                    "mcc": said(maybe(many(NUMBER)), "limits of the correlation of Matthews"),
                }
            )
        ),
        "unit": said(TEXT, "what costs are counted in"),
        "slices": SLICES,
        "mistakes": MISTAKES,
        "cost": record({"fp": NUMBER, "fn": NUMBER, "tp": NUMBER, "tn": NUMBER}),
        "cost_given": FLAG,
        "reliability": maybe(many(BIN)),
        "histogram": maybe(
            record({"edges": many(NUMBER), "positives": many(WHOLE), "negatives": many(WHOLE)}),
        ),
    },
    "multiclass": {
        "findings": many(FINDING),
        "slices": SLICES,
        "mistakes": MISTAKES,
        "sentence": TEXT,
        "rule": TEXT,
        "ordered": FLAG,
        "total": COUNT,
        "right": COUNT,
        "confusion": said(maybe(MATRIX), "truth in rows; null with more classes than a page can show"),
        "confused": said(many(many(WHOLE)), "pairs [truth, decision] of class numbers, the most frequent first"),
        "mistaken": many(
            record(
                {
                    "truth": WHOLE,
                    "decision": WHOLE,
                    "n": COUNT,
                    "of": COUNT,
                    "low": maybe(NUMBER),
                    "high": maybe(NUMBER),
                },
                "a pair of classes that are confused: rows, of how many of the true class, limits of the share",
            )
        ),
        "together": said(maybe(many(WHOLE)), "class numbers, those that are confused side by side"),
        "decided": said(many(COUNT), "rows decided for each class"),
        "steps": said(maybe(many(COUNT)), "of classes in order: rows by how far the decision is off"),
        "per_class": PER_CLASS,
        "views": VIEWS,
        "viewed": said(many(WHOLE), "class numbers that have a view"),
        "rules": many(
            record(
                {
                    "said": TEXT,
                    "current": FLAG,
                    "changed": COUNT,
                    "values": many(record({"label": TEXT, "value": maybe(NUMBER)})),
                }
            )
        ),
    },
    "comparison": {
        "sentence": TEXT,
        "models": many(TEXT),
        "positive": maybe(WHOLE),
        "thresholds": many(maybe(NUMBER)),
        "metrics": many(
            record(
                {
                    "metric": TEXT,
                    "label": TEXT,
                    "maximize": maybe(FLAG),
                    "values": many(maybe(NUMBER)),
                    "differences": many(DIFFERENCE),
                }
            )
        ),
        "curves": said(
            many(maybe(record({**CURVE, "estimates": BY_METRIC, "reliability": maybe(many(BIN))}))), "of each model"
        ),
        "per": WHOLE,
        "equal": many(
            record(
                {
                    "by": one_of("recall", "flagged"),
                    "at": many(NUMBER),
                    "threshold": many(many(maybe(NUMBER))),
                    "tp": many(many(COUNT)),
                    "fp": many(many(COUNT)),
                    "low": many(many(maybe(NUMBER))),
                    "high": many(many(maybe(NUMBER))),
                    "method": TEXT,
                    "start": WHOLE,
                },
                "models cut at equal recall, or at an equal flagged share",
            )
        ),
        "agreements": many(
            record(
                {
                    "first": TEXT,
                    "second": TEXT,
                    "cells": maybe(many(many(COUNT))),
                    "all": maybe(many(COUNT)),
                    "more": WHOLE,
                    "other": {},
                    "grid": said(maybe(many(many(many(COUNT)))), "rows by both scores, for each class"),
                    "of_ranks": {},
                }
            )
        ),
    },
    "multilabel": {
        "sentence": TEXT,
        "per_class": PER_CLASS,
        "decided": many(COUNT),
        "views": VIEWS,
        "viewed": many(WHOLE),
    },
}
"""What each form of the report has beside the keys of `REPORT`."""
GATE = record(
    {
        "require": said(TEXT, "such as precision >= 0.9"),
        "metric": TEXT,
        "class": maybe(NAME),
        "op": one_of(">=", "<="),
        "bound": NUMBER,
        "value": maybe(NUMBER),
        "low": maybe(NUMBER),
        "high": maybe(NUMBER),
        "confidence": SHARE,
        "passed": said(FLAG, "the limit on the side of the bound satisfies it"),
        "note": TEXT,
    }
)
METRIC = record(
    {
        "name": TEXT,
        "label": TEXT,
        "maximize": said(maybe(FLAG), "true: more is better; null: neither is"),
        "range": said(many(maybe(NUMBER)), "lowest and highest; null for infinity"),
        "perfect": maybe(NUMBER),
        "chance": TEXT,
        "formula": TEXT,
        "undefined": TEXT,
        "reference": TEXT,
        "synonyms": many(TEXT),
        "tasks": many(TEXT),
    }
)


def _report() -> Schema:
    made = record({**REPORT, "form": one_of(*FORMS)}, "what cutline report -o report.json writes")
    made["allOf"] = [
        {"if": {"properties": {"form": {"const": form}}}, "then": record(keys)} for form, keys in FORMS.items()
    ]
    return made


SCHEMAS: dict[str, Schema] = {
    "report": _report(),
    "evaluation": EVALUATION,
    "point": POINT,
    "calibrator": record(
        {
            "calibrator": record({"name": TEXT}),
            "classes": CLASSES,
            "kind": KIND,
            "before": said(maybe(NUMBER), "log loss without it"),
            "fitted_on": said(maybe(record({})), "fingerprint of the rows"),
            "candidates": many(record({"name": TEXT, "parameters": NUMBER, "log_loss": maybe(NUMBER)})),
        },
        "what cutline calibrate saves",
    ),
    "comparison": record(
        {
            "schema_version": VERSION,
            "metric": TEXT,
            "values": {"type": "object", "additionalProperties": maybe(NUMBER)},
            "differences": many(DIFFERENCE),
            "n": NUMBER,
            "n_pos": maybe(NUMBER),
            "clusters": maybe(WHOLE),
            "confidence": SHARE,
            "paired": FLAG,
            "correction": TEXT,
            "role": ROLE,
            "notes": many(TEXT),
        },
        "what cutline compare prints",
    ),
    "explanation": record(
        {
            "schema_version": VERSION,
            "sentence": said(TEXT, "probabilities, decision and reason"),
            "text": said(TEXT, "all that there is to say"),
            "probabilities": {"type": "object", "additionalProperties": SHARE},
            "decision": said(maybe(NAME), "null when nothing is decided"),
            "threshold": said(maybe(NUMBER), "of the probability of the positive class"),
            "rule": said(TEXT, "how it decides, where that is no threshold"),
            "why": TEXT,
            "margin": said(maybe(NUMBER), "of two classes p less the threshold; of several p less that of the next"),
            "against": said(NAME, "the most probable of the other classes"),
            "flips_at": said(maybe(NUMBER), "how many times as dear the mistake made may be as the other"),
            "region": maybe(REGION),
            "contributions": maybe(CONTRIBUTIONS),
            "notes": many(TEXT),
        },
        "what cutline explain prints",
    ),
    "findings": record(
        {
            "schema_version": VERSION,
            "findings": many(FINDING),
            "checked": said(many(TEXT), "codes of the checks that ran"),
        },
        "what cutline check prints",
    ),
    "gates": record({"schema_version": VERSION, "passed": FLAG, "gates": many(GATE)}, "what cutline gate prints"),
    "metrics": record({"schema_version": VERSION, "metrics": many(METRIC)}, "what cutline metrics prints"),
}


def schema(name: str = "report") -> Schema:
    """The JSON Schema (draft 2020-12) of one of cutline's documents.

    Required keys stay, with their meaning, as long as ``schema_version`` does; keys may be added at any time.

    Parameters
    ----------
    name : str
        "report", "evaluation", "point", "calibrator", "comparison", "explanation", "findings", "gates" or "metrics".

    Raises
    ------
    UnknownName
        No such document.

    Examples
    --------
    >>> from cutline.report import schema
    >>> schema("gates")["required"]
    ['schema_version', 'passed', 'gates']
    """
    if name not in SCHEMAS:
        raise UnknownName.among("schema", name, SCHEMAS)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": f"cutline {name}"}
    return {**head, **copy.deepcopy(SCHEMAS[name])}
