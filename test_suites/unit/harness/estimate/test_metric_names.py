"""The list of names and the table of functions are one."""

from __future__ import annotations

from harness.estimate.metric_names import METRIC_NAMES
from harness.estimate.metrics import METRICS


def test_each_metric_that_can_be_taken_is_named() -> None:
    assert set(METRICS) == METRIC_NAMES
