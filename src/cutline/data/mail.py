"""Mails without their headers, which name the route and the day rather than what a mail says."""

from __future__ import annotations

import re

FIELD = re.compile(r"([!-9;-~]+):[ \t]?(.*)")
"""A header field: a name without blanks, a colon, and its value (RFC 5322)."""
KNOWN = frozenset(
    {"from", "to", "cc", "subject", "date", "received", "message-id", "return-path", "reply-to", "sender"}
)
"""Fields of nearly all mails, in any language."""
FEWEST = 2
"""Of those that make a header: "Note: see below" is none, nor is "Date: Friday"."""
MOST_LINES = 1_000
"""Of a header."""


def without_headers(text: str) -> str:
    r"""The subject and the body of a mail; a text that is no mail as it is.

    A mail starts with header fields, at least two of them known ones such as "From:", "Subject:" or "Date:", up to the
    first empty line. An mbox line, "From " at the start, may be before them.

    Examples
    --------
    >>> without_headers("From: a@example.org\nSubject: Lunch\n at ten\nDate: Mon, 5 Aug 2002\n\nSee you there.")
    'Lunch at ten\nSee you there.'
    >>> without_headers("Note: this is no mail.\n\nReally.")
    'Note: this is no mail.\n\nReally.'
    """
    found = split_mail(text)
    return text if found is None else "\n".join(part for part in found if part)


def split_mail(text: str) -> tuple[str, str] | None:
    r"""The subject and the body of a mail; None for a text that is no mail.

    Examples
    --------
    >>> split_mail("To: b@example.org\nSubject: Lunch\n\nAt ten.")
    ('Lunch', 'At ten.')
    """
    lines = text.lstrip("\ufeff\r\n").replace("\r\n", "\n").split("\n", MOST_LINES)
    fields: list[list[str]] = []
    end = len(lines)  # a mail without a body may have no empty line
    for number, line in enumerate(lines):
        if not line.strip():
            end = number
            break
        field = FIELD.fullmatch(line)
        if field:
            fields.append([field[1].casefold(), field[2]])
        elif fields and line[0] in " \t":
            fields[-1][1] += " " + line.strip()
        elif number or not line.startswith(("From ", ">From ")):
            return None
    if end > MOST_LINES or len(KNOWN.intersection(name for name, _ in fields)) < FEWEST:
        return None
    subject = " ".join(value.strip() for name, value in fields if name == "subject")
    return subject, "\n".join(lines[end + 1 :])
