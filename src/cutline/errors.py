"""Everything that can go wrong, one tree.

    CutlineError(ValueError)          exit code 1
    ├── InputError                    2   what came in cannot be used
    │   ├── ShapeError                    lengths or shapes do not fit together
    │   ├── LabelError                    classes: unknown, missing, only one
    │   ├── ScoreError                    scores: not finite, not a probability, wrong kind
    │   ├── DataError                     tables and files: empty, broken rows, missing columns
    │   ├── ModelFileError                a saved file is damaged, altered or from a newer format
    │   └── UnknownName                   a name nobody knows; carries suggestions
    ├── RoleError                     2   rows may not be used twice (chosen on, then assessed on)
    └── NoFeasibleThreshold           3   no threshold satisfies the constraints
        ├── Infeasible                    none does on these rows; carries the nearest
        └── NotCertifiable                some do here, none with the asked confidence

    CutlineWarning(UserWarning)
    ├── GuessWarning                  something was guessed that could turn the meaning around
    └── UndefinedWarning              a figure is 0/0 and given as nan

Every message has the same four parts: the argument, what came, what was wanted, one hint. Where it is a known trap,
such as logits taken for probabilities (CT02), it ends in the trap's code, which is its ``code`` too.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import Self


class CutlineError(ValueError):
    """Root of the tree; a ``ValueError`` with a message in four parts.

    Parameters
    ----------
    argument : str
        The argument, column or file at fault.
    came : str
        What came, with numbers.
    wanted : str
        What was wanted.
    hint : str, optional
        One thing to do about it.
    code : str, optional
        Of the trap that it is, such as "CT05", the argmax of one column.
    """

    exit_code = 1

    def __init__(self, argument: str, came: str, wanted: str, hint: str = "", *, code: str = "") -> None:
        self.argument, self.came, self.wanted, self.hint, self.code = argument, came, wanted, hint, code
        message = f"{argument}: came {came}; wanted {wanted}."
        message = f"{message} Hint: {hint}{'' if hint.endswith('?') else '.'}" if hint else message
        super().__init__(f"{message} [{code}]" if code else message)

    def __reduce__(self) -> tuple[Any, ...]:
        # The default passes the joined message as the only argument, which does not unpickle.
        return _rebuild, (type(self), self.__dict__.copy(), self.args)


def _rebuild(kind: type[CutlineError], state: dict[str, Any], args: tuple[Any, ...]) -> CutlineError:
    error = kind.__new__(kind)
    error.__dict__.update(state)
    error.args = args
    return error


class InputError(CutlineError):
    """What came in cannot be used."""

    exit_code = 2


class ShapeError(InputError):
    """Lengths or shapes do not fit together."""


class LabelError(InputError):
    """Class labels are unknown, missing, or of one class only."""


class ScoreError(InputError):
    """Scores are not finite, not probabilities where these are needed, or of the wrong kind."""


class DataError(InputError):
    """A table or file cannot be used as it is."""


class ModelFileError(InputError):
    """A saved file is damaged, was altered, or comes from a newer format."""


class UnknownName(InputError):
    """A name nobody knows.

    Attributes
    ----------
    suggestions : tuple of str
        Known names that look like it, the likeliest first.
    """

    suggestions: tuple[str, ...] = ()

    @classmethod
    def among(cls, argument: str, name: str, known: Iterable[str]) -> Self:
        """Build the error for `name`, with the nearest of the `known` names."""
        names = sorted(set(known))
        near = tuple(get_close_matches(name, names, n=3, cutoff=0.5))
        shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
        hint = f"did you mean {' or '.join(map(repr, near))}" if near else ""
        error = cls(argument, repr(name), f"one of: {shown}", hint)
        error.suggestions = near
        return error


class RoleError(CutlineError):
    """Rows may not be used for this: they were already used to choose what is now assessed."""

    exit_code = 2


class NoFeasibleThreshold(CutlineError):
    """No threshold satisfies the constraints.

    Attributes
    ----------
    nearest : object or None
        The attainable point that comes nearest (a `NearestPoint`), when there is one.
    classifier : Classifier or None
        What was fitted, when `fit` raised it: it decides for the most probable class.
    """

    exit_code = 3
    nearest: Any = None
    classifier: Any = None


class Infeasible(NoFeasibleThreshold):
    """No threshold satisfies the constraints on these rows, even without any certificate."""


class NotCertifiable(NoFeasibleThreshold):
    """Thresholds satisfy the constraints here, but none with the asked confidence.

    Attributes
    ----------
    n_needed : int or None
        Rows of the kind that certify (for example negatives for a false positive rate) that would do, if known.
    """

    n_needed: int | None = None


class CutlineWarning(UserWarning):
    """Root of our warnings.

    Parameters
    ----------
    message : str
    code : str, optional
        Of the trap that it is, such as "CT01".
    """

    def __init__(self, message: str, code: str = "") -> None:
        self.code = code
        super().__init__(f"{message} [{code}]" if code else message)

    def __reduce__(self) -> tuple[Any, ...]:
        return _warned, (type(self), self.code, self.args)


def _warned(kind: type[CutlineWarning], code: str, args: tuple[Any, ...]) -> CutlineWarning:
    warning = kind(*args)
    warning.code = code
    return warning


class GuessWarning(CutlineWarning):
    """Something had to be guessed that could turn the meaning around; declare it to silence this."""


class UndefinedWarning(CutlineWarning):
    """A figure is undefined (0/0) and given as nan."""
