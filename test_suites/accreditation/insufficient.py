"""The third way a test can end: the evidence does not allow a decision."""

from __future__ import annotations


class Insufficient(Exception):
    """Neither passed nor failed. No AssertionError, so that Allure shows the test as broken."""

    speaks_for_itself = True
    """The plug-in shows the message without the code that raised it."""
