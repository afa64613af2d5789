"""The command line: one verb for each public function.

Tables on stdout, notes and progress on stderr. Exit codes: 0 ok, 1 our error, 2 usage or bad input, 3 no threshold
satisfies the constraints, 4 a gate failed, 130 interrupted.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import warnings
from collections.abc import Sequence
from typing import Literal

from cyclopts import App, CycloptsError, Group

import cutline as cl
from cutline.cli.decisions import assess, choose, decide, explain
from cutline.cli.demo import demo
from cutline.cli.files import say
from cutline.cli.gates import gate
from cutline.cli.reference import metrics, schema
from cutline.cli.scores import calibrate, compare, evaluate, report
from cutline.cli.shell import in_shell
from cutline.cli.training import fit, predict
from cutline.cli.traps import check
from cutline.errors import CutlineError, GuessWarning

__all__ = ["VERBS", "app", "main"]

GROUPS = {
    "From raw data": (demo, fit, predict),
    "From the scores of any model": (evaluate, choose, assess, decide, calibrate, compare),
    "For people, and for scripts": (report, explain, check, gate, metrics, schema),
}
VERBS = tuple(verb for verbs in GROUPS.values() for verb in verbs)
"""In the order in which people meet them."""

app = App(
    name="cutline",
    help="From raw data to a classifier, and from any classifier's scores to a decision you can defend.",
    version=lambda: cl.__version__,  # reading it takes as long as NumPy does
    help_format="plaintext",
    suppress_keyboard_interrupt=False,
)
app["--help"].group = app["--version"].group = Group("Options", sort_key=len(GROUPS))
for place, (title, verbs) in enumerate(GROUPS.items()):
    panel = Group(title, sort_key=place)
    for number, verb in enumerate(verbs):
        app.command(verb, group=panel, sort_key=number)


@app.command(group=panel, sort_key=len(verbs))
def completion(shell: Literal["bash", "zsh", "fish"], /) -> None:
    """Print the completion script of a shell.

    Example: cutline completion bash > /etc/bash_completion.d/cutline

    Parameters
    ----------
    shell
        bash (a file cutline in ~/.local/share/bash-completion/completions), zsh (a file _cutline in a folder of $fpath)
        or fish (~/.config/fish/completions/cutline.fish).
    """
    print(app.generate_completion(shell=shell), end="")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    if sys.stderr is None:  # closed: what is said there must not come out on stdout
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    if sys.stdin is None:
        sys.stdin = open(os.devnull)  # noqa: SIM115
    if sys.stdout is None:
        say("cutline: standard output is closed; send it to a file or to /dev/null")
        return 2
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that knows no braille shows ?
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", GuessWarning)  # a guess is shown as a note
            code = app(words, exit_on_error=False, result_action="return_value")
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except CycloptsError:  # already printed
        verb = [words[0]] if words and words[0] in app else []
        say(f"See {' '.join(['cutline', *verb, '--help'])}")
        return 2
    except CutlineError as error:
        say(f"cutline: {in_shell(str(error), words)}")
        return error.exit_code
    except BrokenPipeError:  # the reader of our output went away
        _drop_output()
        return 0
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        say(f"cutline: {where}{error.strerror or error}")
        _drop_output()
        return 2
    except KeyboardInterrupt:
        say("cutline: interrupted")
        return 130


def _drop_output() -> None:
    """Send what is still to be written nowhere: Python would try once more when it ends, and complain."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
