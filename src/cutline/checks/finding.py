"""What a check found, in five parts: code, what was seen, why it matters, the fix as code, how to silence it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any, overload

from cutline.errors import InputError
from cutline.labels import Shown


@dataclass(frozen=True, slots=True)
class Seen:
    """What a detector hands to its check, which knows code, name and how to silence it.

    Attributes
    ----------
    seen : str
        What was seen, with numbers.
    why : str
        Why it matters.
    fix_code : str
        The fix as code that runs where ``scores`` (or ``train`` and ``test``) are those that were checked.
    mend : callable or None
        Computes what is mended; None where only the user can mend it.
    """

    seen: str
    why: str
    fix_code: str
    mend: Callable[[], Any] | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Finding(Shown):
    """One trap that was found. Made by `check` and `check_tables`.

    Attributes
    ----------
    code : str
        Of the trap, such as "CT04".
    name : str
        The trap in a few words.
    seen : str
        What was seen, with numbers.
    why : str
        Why it matters.
    fix_code : str
        The fix, as code that runs.
    silence : str
        How to silence it.
    """

    code: str
    name: str
    seen: str
    why: str
    fix_code: str
    silence: str
    _mend: Callable[[], Any] | None = field(default=None, compare=False)

    @property
    def fixable(self) -> bool:
        """True when `fix` computes what is mended."""
        return self._mend is not None

    def fix(self) -> Any:
        """What is mended: scores, an operating point or a table, as `fix_code` makes it.

        Raises
        ------
        InputError
            Nothing that was passed can be mended into the right thing; `fix_code` says what to do instead.
        """
        if self._mend is None:
            hint = "cl.check or cl.check_tables finds it again" if "finding.fix()" in self.fix_code else self.how
            raise InputError("fix", f"{self.code}, which cannot be mended from what is at hand", "a change", hint)
        return self._mend()

    def __reduce__(self) -> tuple[Any, ...]:
        # What mends holds all rows, and is no function that another process could find.
        return Finding, (self.code, self.name, self.seen, self.why, self.fix_code, self.silence)

    @property
    def how(self) -> str:
        """The fix as one line."""
        return "; ".join(line.strip() for line in self.fix_code.splitlines() if line.strip())

    @property
    def sentence(self) -> str:
        """Code, and what was seen."""
        return f"{self.code}: {self.seen}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        parts = ("code", "name", "seen", "why", "fix_code", "silence", "fixable")
        return {part: getattr(self, part) for part in parts}

    def __repr__(self) -> str:
        code = self.fix_code.replace("\n", "\n" + 13 * " ")
        fix = "fix():" if self.fixable else "fix:  "
        return (
            f"{self.code} {self.name}\n  seen:      {self.seen}\n  why:       {self.why}\n"
            f"  {fix}     {code}\n  silence:   {self.silence}"
        )

    def _repr_html_(self) -> str:
        parts = (("Seen", self.seen), ("Why it matters", self.why), ("To silence", self.silence))
        rows = [f"<dt>{term}</dt><dd>{escape(text)}</dd>" for term, text in parts]
        rows.insert(2, f"<dt>Fix</dt><dd><pre>{escape(self.fix_code)}</pre></dd>")
        return f"<p><b>{escape(self.code)}</b> {escape(self.name)}</p><dl>{''.join(rows)}</dl>"


@dataclass(frozen=True, slots=True, repr=False)
class Findings(Sequence[Finding], Shown):
    """All that was found, by code; empty, and false, when nothing was.

    Attributes
    ----------
    items : tuple of Finding
    checked : tuple of str
        Codes of the checks that had what they need, and ran.
    """

    items: tuple[Finding, ...] = ()
    checked: tuple[str, ...] = ()

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes that were found, in order."""
        return tuple(found.code for found in self.items)

    def __add__(self, other: Findings) -> Findings:
        """Both together, by code."""
        both = sorted((*self.items, *other.items), key=lambda found: found.code)
        return Findings(tuple(both), tuple(sorted({*self.checked, *other.checked})))

    @overload
    def __getitem__(self, key: int | str) -> Finding: ...
    @overload
    def __getitem__(self, key: slice) -> Findings: ...
    def __getitem__(self, key: int | str | slice) -> Finding | Findings:
        """By position, or the first of a code."""
        if isinstance(key, str):
            for found in self.items:
                if found.code == key:
                    return found
            raise InputError("code", repr(key), f"one of the codes found: {', '.join(self.codes) or 'none'}")
        return Findings(self.items[key], self.checked) if isinstance(key, slice) else self.items[key]

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.items)

    def __contains__(self, code: object) -> bool:
        return code in self.items or code in self.codes

    def alone(self) -> Findings:
        """The same without the rows that they were found in, so that these need not be kept; nothing can be mended."""
        return Findings.from_dict(self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        found = [one.to_dict() for one in self.items]
        return {"schema_version": 1, "findings": found, "checked": list(self.checked)}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Findings:
        """The inverse of `to_dict`; what was mended then cannot be mended now."""
        parts = ("code", "name", "seen", "why", "fix_code", "silence")
        found = (Finding(**{part: str(one[part]) for part in parts}) for one in saved["findings"])  # type: ignore[arg-type]
        return cls(tuple(found), tuple(map(str, saved["checked"])))

    def __repr__(self) -> str:
        if not self.items:
            return f"no findings ({len(self.checked)} checks)"
        return "\n\n".join(map(repr, self.items))

    def _repr_html_(self) -> str:
        return "".join(one._repr_html_() for one in self.items) or f"<p>{escape(repr(self))}</p>"
