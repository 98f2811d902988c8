"""Find the function that computes a metric, from its spec."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module

from harness.estimate.item_selection import Selection
from harness.estimate.rates import MeasuredMetric
from harness.model.metric_spec import MetricSpec

MetricFunction = Callable[[Selection], MeasuredMetric]
"""Computes one metric of the items that a requirement counts on one line for one profile."""


@cache
def function_of(spec: MetricSpec) -> MetricFunction:
    """Return the function that ``spec.function`` names in ``harness.estimate``."""
    module, _, name = spec.function.partition(":")
    metric_function: MetricFunction = getattr(import_module(f"harness.estimate.{module}"), name)
    return metric_function
