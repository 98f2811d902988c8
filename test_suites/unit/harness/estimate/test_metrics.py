"""The table of metrics names what can be taken as schemes name it."""

from __future__ import annotations

from harness.estimate.metrics import METRICS
from harness.schemes.load import metric_names


def test_each_metric_that_can_be_taken_may_be_named() -> None:
    assert set(METRICS) <= set(metric_names())
