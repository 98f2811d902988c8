"""A dead origin or control ends a measurement after the first void batch."""

from __future__ import annotations

import pytest

from harness.errors import UnfinishedError
from harness.measure.observe import require_control
from harness.model.facts import Facts
from harness.model.observation import Failure
from test_suites.kit.campaigns.trials import batch_of, failed, web

DEAD = failed("connection_refused", "connect")


@pytest.mark.parametrize("control", [DEAD, web(canary="absent"), web(status=502)])
def test_a_control_that_does_not_answer_stops_it(control: Facts | Failure) -> None:
    seen = batch_of(3, web(), web(canary="absent"), control=control)

    with pytest.raises(UnfinishedError, match=r"batch 3: the origin does not answer for") as told:
        require_control(3, seen)
    assert told.value.exit_code == 3


def test_one_that_answers_again_after_the_batch_does_not() -> None:
    dead = [
        one for one in batch_of(3, web(), web(), control=DEAD) if one.key.item.endswith("before")
    ]
    alive = [one for one in batch_of(3, web(), web()) if one.key.item.endswith("after")]

    require_control(3, [*dead, *alive])


def test_a_dead_service_or_our_own_trouble_does_not() -> None:
    require_control(1, batch_of(1, DEAD, DEAD))
    require_control(
        1, batch_of(1, web(), web(), control=failed("instrument_overload", "instrument"))
    )
    require_control(1, [])
