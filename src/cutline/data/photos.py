"""Photos."""

from __future__ import annotations


def missing() -> str:
    """Why photos cannot be read here, or nothing."""
    return "not built yet"
