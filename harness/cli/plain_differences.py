"""Where two documents of plain values differ, figures apart by no more than a tolerance."""

from __future__ import annotations

from collections.abc import Iterator
from math import isclose
from typing import Any

Difference = tuple[str, Any, Any]
"""The place, such as ``outcomes.URL-01.metric.k``, and the two values."""


def differences(at: str, one: Any, other: Any, tolerance: float) -> Iterator[Difference]:
    """Every difference below ``at``. Whole numbers must be equal; figures may differ relatively."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in sorted(one.keys() | other.keys()):
            below = f"{at}.{name}" if at else name
            yield from differences(below, one.get(name), other.get(name), tolerance)
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from differences(f"{at}[{number}]", left, right, tolerance)
    elif not _is_same(one, other, tolerance):
        yield at, one, other


def _is_same(one: Any, other: Any, tolerance: float) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return isclose(one, other, rel_tol=tolerance, abs_tol=tolerance)
    return bool(one == other)
