"""What cutline knows: its metrics, and the schemas of what it writes."""

from __future__ import annotations

import cutline as cl
from cutline.cli.files import print_json
from cutline.cli.options import Flag


def metrics(name: str | None = None, /, *, json: Flag = False) -> None:
    """List all metrics, or say everything about one.

    Example: cutline metrics sensitivity

    Parameters
    ----------
    name
        A name or synonym.
    json
        Print JSON.
    """
    chosen = list(cl.METRICS.values()) if name is None else [cl.find(name)]
    if json:
        print_json({"schema_version": 1, "metrics": [metric.to_dict() for metric in chosen]})
    elif name is None:
        for metric in chosen:
            print(f"{metric.name:<18} {metric.formula}")
    else:
        for key, value in chosen[0].to_dict().items():
            print(f"{key:<10} {', '.join(map(str, value)) if isinstance(value, list) else value}")


def schema(name: str = "report", /) -> None:
    """Print the JSON Schema of a document that cutline writes, for programs that read it.

    Example: cutline schema evaluation

    Parameters
    ----------
    name
        report, evaluation, point, calibrator, comparison, explanation, gates or metrics.
    """
    from cutline.report import schema as described

    print_json(described(name))
