"""The third way a test can end: the evidence does not allow a decision."""

from __future__ import annotations


class Insufficient(Exception):
    """Neither passed nor failed: an error in JUnit, and broken in Allure."""

    is_insufficient = True
    """The plug-in reports an error, not a failure."""

    speaks_for_itself = True
    """The plug-in shows the message without the code that raised it."""
