"""Metrics that a scheme may name and that cannot be computed yet."""

from __future__ import annotations

# fmt: off
PLANNED: tuple[tuple[str, str, str], ...] = (
    ("laboratories_differing", "items", "outcomes on which two laboratories differ"),
)
# fmt: on
"""Metrics that are not implemented yet: name, unit and what is counted.

A requirement that asks for one is *insufficient*.
"""
