"""Find the function that takes a metric, from its spec."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module

from harness.estimate.item_selection import Selection
from harness.estimate.rates import Taken
from harness.model.metric_spec import MetricSpec

Take = Callable[[Selection], Taken]
"""Takes one metric of the items that a requirement counts on one line for one profile."""


@cache
def function_of(spec: MetricSpec) -> Take:
    """Return the function that ``spec.take`` names in ``harness.estimate``."""
    module, _, name = spec.take.partition(":")
    take: Take = getattr(import_module(f"harness.estimate.{module}"), name)
    return take
