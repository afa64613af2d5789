"""Requirements that a release must meet."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

import cutline as cl
from cutline.cli.files import print_json, read_json
from cutline.cli.options import Flag, Saved
from cutline.errors import InputError

FAILED = 4
"""Exit code when a gate fails."""


def gate(
    result: Saved,
    /,
    *,
    require: Annotated[tuple[str, ...], Parameter(negative=(), consume_multiple=True)],
    json: Flag = False,
) -> int:
    """Fail when a figure is not proven good enough.

    Example: cutline gate result.json --require 'precision>=0.90' 'fpr<=0.01'

    The limit of its interval must pass, not the figure itself; without an interval it cannot. Exit code 4 then.

    Parameters
    ----------
    result
        What cutline evaluate -o, cutline assess -o or cutline report -o wrote as JSON; - reads standard input.
    require
        Such as 'precision>=0.90' (of its lower limit), 'fpr<=0.01' (upper limit), 'recall[severe]>=0.9' (one class).
    json
        Print JSON.
    """
    wanted = "the JSON of cutline evaluate, assess or report"
    document = read_json(result, wanted)
    try:
        found = cl.gate(document, require)
    except InputError as error:
        raise InputError(str(result), error.came, wanted) if error.argument == "result" else error from None
    print_json(found.to_dict()) if json else print(found)
    return 0 if found.passed else FAILED
