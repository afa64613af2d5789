"""For the reference: types in docstrings are shown as they are written, such as "array-like of shape (n,)".

Griffe, which reads the docstrings, takes them for Python and would show "array - like".
"""

from __future__ import annotations

import re
from typing import Any

import griffe


class TypesAsWritten(griffe.Extension):
    """Gives parameters, attributes, results and errors the text of their docstring as type."""

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        """Once all is loaded."""
        self._visit(pkg)

    def _visit(self, obj: griffe.Object) -> None:
        if obj.docstring is not None:
            for section in obj.docstring.parsed:
                if isinstance(section.value, list):
                    for element in section.value:
                        _restore(element, obj.docstring.value)
        for member in obj.members.values():
            if not member.is_alias:
                self._visit(member)


def _restore(element: Any, text: str) -> None:
    if getattr(element, "annotation", None) is None:
        return
    named = re.escape(getattr(element, "name", ""))
    for line in re.findall(rf"^(?:{named} : )(.+)$" if named else r"^(\S.*)$", text, flags=re.MULTILINE):
        written = re.sub(r",? (optional|default.*)$", "", line)
        if not named and _plain(written) != _plain(str(element.annotation)):
            continue
        element.annotation = written
        return


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())
