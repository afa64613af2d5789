"""Fixtures that several files share."""

from tests.browser import browser, visit

__all__ = ["browser", "visit"]
