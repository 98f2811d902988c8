"""Patience: a drawn sample of the silences is waited for, and all of them where one is answered."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from msgspec.structs import replace

from harness.measure.batch_plan import RetrialBatches
from harness.measure.repeated_attempts import in_batches
from harness.measure.silence_retrials import SilenceRetrials, confirmed_silences
from harness.model.campaign import Campaign
from harness.model.observation import CONTROL, Heartbeats, Observation
from harness.model.plain_twin import DONE, DOUBTED_TURN, SAMPLE
from harness.ports.network import Attempt, ProbeResult
from test_suites.kit.campaigns.trials import failed, observation, web
from test_suites.unit.harness.measure.test_early_stopping import Memory
from test_suites.unit.harness.scripted import CAMPAIGN, SILENT, Played, tools

MUTE = failed("generic_timeout_error")
QUICK = Campaign.model_validate(
    CAMPAIGN.model_dump() | {"limits": {"timeout": 1.0, "confirmation_timeout": 2.0}}
)


def silences(number: int, batch: int = 1) -> list[Observation]:
    """So many confirmed silences, each with its control."""
    seen = []
    for n in range(number):
        name = f"i{batch}-{n}"
        seen.append(observation(web(), CONTROL, item=name, host=f"{name}.test", batch=batch))
        seen.append(observation(MUTE, "a", item=name, host=f"{name}.test", batch=batch))
    return seen


class Line:
    """A line that answers some items, and stays silent for all others but heartbeats."""

    def __init__(self, answers: Iterable[str] = ()) -> None:
        self.answers = set(answers)

    async def __call__(self, attempt: Attempt) -> ProbeResult | None:
        name = attempt.item.id
        is_ours = name.startswith("heartbeat")
        return None if is_ours or name in self.answers else SILENT


async def wait_for(
    seen: list[Observation], line: Line, held: Iterable[Observation] = ()
) -> tuple[list[Observation], Played]:
    probe = Played(line)
    used = tools(probe)
    journal = Memory()
    batches = RetrialBatches(journal, QUICK.limits.batch)
    patient = SilenceRetrials(QUICK, used, batches)
    patient.resume_from(held)
    for batch in in_batches(seen):
        patient.add_batch(batch)
    await patient.finish(lambda: iter(seen))
    await batches.finish()
    await patient.close()
    for heartbeat_loop in used.heartbeat_loops.values():
        await heartbeat_loop.close()
    return [one for one in journal.observations() if one.role == "retry"], probe


async def test_all_of_a_few_are_tried_with_the_longest_patience() -> None:
    found, probe = await wait_for(silences(5), Line())

    assert {f"i1-{n}" for n in range(5)} == {one.key.item for one in found}
    assert {("retry", "patience", DONE + 1)} == {(one.role, one.look, one.batch) for one in found}
    assert {QUICK.limits.longest_patience} == {
        one.timeout for one in probe.attempts if one.item.id.startswith("i1-")
    }


async def test_of_many_at_least_the_sample_is_tried_and_not_all() -> None:
    seen = [one for batch in range(1, 11) for one in silences(100, batch)]
    found, _ = await wait_for(seen, Line())

    assert SAMPLE <= len(found) < 600


async def test_the_sample_is_the_same_whoever_draws_it_again() -> None:
    seen = silences(400)
    one, _ = await wait_for(seen, Line())
    backwards = [each for n in range(399, -1, -1) for each in seen[2 * n : 2 * n + 2]]
    other, _ = await wait_for(backwards, Line())

    assert len(one) == len(other) == SAMPLE
    assert {each.key for each in one} == {each.key for each in other}


async def test_where_one_is_answered_all_are_tried_and_must_stay_silent_twice() -> None:
    seen = silences(200)
    drawn, _ = await wait_for(seen, Line())
    found, _ = await wait_for(seen, Line([drawn[0].key.item]))

    assert len(found) == 200
    assert {DOUBTED_TURN + 1} == {one.tries for one in found if one.key.item != drawn[0].key.item}


async def test_what_was_tried_before_is_not_tried_again() -> None:
    seen = silences(5)
    found, _ = await wait_for(seen, Line())

    again, probe = await wait_for(seen, Line(), found)
    assert [] == again
    assert [] == probe.attempts


async def test_stopped_among_those_that_must_stay_silent_twice_each_is_written_once() -> None:
    seen = silences(200)
    drawn, _ = await wait_for(seen, Line())
    line = Line([drawn[0].key.item])
    whole, _ = await wait_for(seen, line)
    rest, probe = await wait_for(seen, line, whole[:120])

    assert whole[0].key.item == drawn[0].key.item  # answered, so it was written first
    assert {one.key for one in whole[120:]} == {one.key for one in rest}
    assert {DOUBTED_TURN + 1} == {one.tries for one in rest}
    written = {one.key.item for one in whole[:120]}
    assert not written & {attempt.item.id for attempt in probe.attempts}


@pytest.mark.parametrize("why", ["no life", "first look", "dead control", "control", "answered"])
def test_only_silences_that_may_count_are_drawn(why: str) -> None:
    control, service = silences(1)
    match why:
        case "no life":
            service = replace(service, heartbeats=Heartbeats(late=1))
        case "first look":
            service = replace(service, heartbeats=None)
        case "dead control":
            control = observation(MUTE, CONTROL, item=control.key.item)
        case "control":
            service = replace(service, key=service.key.on(CONTROL))
        case _:
            service = observation(web(), "a", item=control.key.item)

    assert [] == list(confirmed_silences([control, service]))
