"""The second way a test can end: the service does not conform."""

from __future__ import annotations


class DoesNotConform(AssertionError):
    """Failed, with the measured numbers as the message."""

    speaks_for_itself = True
    """The plug-in shows the message without the code that raised it."""
