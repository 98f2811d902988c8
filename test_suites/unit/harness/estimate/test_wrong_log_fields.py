"""LOG-02: each request with a wrong field counts once, whatever else is wrong in it."""

from __future__ import annotations

from harness.model.outcome import Conformity
from test_suites.unit.harness.estimate.log_of_requests import logged, requests, selection
from test_suites.unit.harness.estimate.selected_outcome import outcome

GOOD = [logged(one) for one in requests()]


def test_a_request_with_several_wrong_fields_counts_once() -> None:
    names = [logged(one, verdict="", url="a.name.alone", user="pupil8") for one in GOOD]
    found = outcome(selection("LOG-02", names))

    assert found.metric.k == found.metric.n == found.metric.upper == len(GOOD)
    assert len({one.item for one in found.witnesses}) == len(found.witnesses)


def test_a_block_without_a_category_is_a_wrong_field() -> None:
    bare = [logged(one, category="") for one in requests()]
    found = outcome(selection("LOG-02", bare))
    assert found.conformity is Conformity.DOES_NOT_CONFORM
    assert found.metric.k == 60
