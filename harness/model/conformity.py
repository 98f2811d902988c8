"""The three possible outcomes of a requirement.

Terms follow ISO/IEC 17000:2020. ``insufficient`` is our third outcome: the evidence does not allow
a decision. It never counts as conformity. This module imports nothing else of the project, so that
records can name an outcome without the model of schemes.
"""

from __future__ import annotations

from enum import StrEnum


class Conformity(StrEnum):
    """The three possible outcomes of a requirement."""

    CONFORMS = "conforms"
    DOES_NOT_CONFORM = "does-not-conform"
    INSUFFICIENT = "insufficient"
