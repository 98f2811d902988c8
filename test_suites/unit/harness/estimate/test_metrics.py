"""Each metric that a spec says can be taken is taken by the function that it names."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.estimate.estimate import estimate, function_of
from harness.model.metric_form import MetricSpec
from harness.model.metric_spec import IMPLEMENTED, SPECS, spec_of
from harness.model.scheme import Scheme
from harness.model.verdict import Verdict
from test_suites.kit.campaigns.memory_fold import MemoryFold


@pytest.mark.parametrize("spec", IMPLEMENTED, ids=lambda spec: spec.name)
def test_a_metric_is_what_its_spec_says(
    spec: MetricSpec, verdict: Callable[..., Verdict], scheme: Callable[..., Scheme]
) -> None:
    assert function_of(spec).__doc__
    (measured, *_) = estimate(
        MemoryFold([verdict("a")]), scheme(metric=spec.name), {"ks2": "ks2"}
    ).measurements

    assert (measured.metric.name, measured.metric.unit) == (spec.name, spec.unit)
    assert spec.words


def test_no_name_is_used_twice_and_an_unknown_one_says_nothing() -> None:
    assert len(IMPLEMENTED) < len(SPECS)
    assert not spec_of("x").is_implemented
    assert all(name == spec.name for name, spec in SPECS.items())
