"""How much work a function does, in calls: the same on every machine, however slow or busy."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import TypeVar

Result = TypeVar("Result")


def calls_of(act: Callable[[], Result]) -> tuple[int, Result]:
    """Return the number of calls, of Python and of C functions, and what the function returned."""
    calls = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        result = act()
    finally:
        sys.setprofile(None)
    return calls, result
