"""How large the tests are: small in ``make test``, full (``SIZE=full``) in the environments of tox.

A small test has each kind of case once; a full one repeats it with more moments, products and sizes.
"""

from __future__ import annotations

import os
from typing import TypeVar

import pytest

IS_FULL = os.environ.get("SIZE") == "full"

T = TypeVar("T")


def sized(small: T, full: T) -> T:
    """What a test uses at its present size."""
    return full if IS_FULL else small


only_full = pytest.mark.skipif(
    not IS_FULL, reason="more of what a smaller test shows; SIZE=full runs it"
)
"""Marks a test, or a parameter of one, that only a full run needs."""
