"""Sentences."""

from __future__ import annotations


def missing() -> str:
    """Why sentences cannot be read here, or nothing."""
    return "not built yet"
