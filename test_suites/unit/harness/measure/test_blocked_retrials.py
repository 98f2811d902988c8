"""Blocked items are tried again: a drawn sample, and all of a group where one passes."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from harness.judge.judge import judge_batch
from harness.measure.batch_plan import RetrialBatches
from harness.measure.blocked_retrials import BlockedRetrials
from harness.measure.repeated_attempts import in_batches
from harness.model.observation import CONTROL, Observation, Timings
from harness.model.plain_twin import DONE, SAMPLE
from harness.ports.network import Attempt, Line, ProbeResult
from test_suites.kit.campaigns.trials import batch_of, observation, web
from test_suites.unit.harness.measure.test_early_stopping import Memory
from test_suites.unit.harness.measure.test_second_client_visits import Addressed, Client
from test_suites.unit.harness.scripted import CAMPAIGN
from test_suites.unit.harness.scripted import tools as tools_of

PAGE = web(canary="absent", status=403, title="Access denied by the filter", body_length=90)
DENIED = ProbeResult(timings=Timings(total=0.1), facts=PAGE)


def blocked(number: int, batch: int = 1, *, passed_items: int = 0) -> list[Observation]:
    """A batch in which so many items are blocked, and some are not."""
    seen = batch_of(batch, web(), PAGE, line="a")
    for n in range(number + passed_items):
        name = f"i{batch}-{n}"
        seen.append(observation(web(), CONTROL, item=name, host=f"{name}.test", batch=batch))
        facts = PAGE if n < number else web()
        seen.append(observation(facts, "a", item=name, host=f"{name}.test", batch=batch))
    return seen


class Denying(Addressed):
    """A line that lets some items through when they are tried again."""

    def __init__(self, passes: Iterable[str] = ()) -> None:
        super().__init__(self._answer)
        self._passes = set(passes)

    async def _answer(self, attempt: Attempt) -> ProbeResult | None:
        return None if attempt.item.id in self._passes else DENIED


class Stern(Client):
    """A second client that is denied everything."""

    async def visit(self, attempt: Attempt, url: str, line: Line) -> ProbeResult:
        self.urls.append(url)
        return DENIED


async def try_again(
    seen: list[Observation],
    probe: Denying,
    client: Client | None = None,
    held: Iterable[Observation] = (),
) -> list[Observation]:
    with_tools = replace(tools_of(probe), second_client=client or Stern())
    journal = Memory()
    batches = RetrialBatches(journal, CAMPAIGN.limits.batch)
    again = BlockedRetrials(CAMPAIGN, with_tools, batches, judge_batch)
    again.resume_from(held)
    for batch in in_batches(seen):
        await again.add_batch(batch)
    await again.finish(lambda: iter(seen))
    await batches.finish()
    await again.close()
    return list(journal.observations())


async def test_each_of_a_few_blocked_items_is_tried_in_three_manners() -> None:
    found = await try_again(blocked(3, passed_items=5), Denying())

    assert {"at_once": 3, "at_end": 3, "other_client": 3} == Counter(one.look for one in found)
    assert {("retry", DONE + 1)} == {(one.role, one.batch) for one in found}
    assert {f"i1-{n}" for n in range(3)} == {one.key.item for one in found}


async def test_of_many_a_sample_is_tried() -> None:
    seen = [one for batch in range(1, 6) for one in blocked(80, batch)]
    looks = Counter(one.look for one in await try_again(seen, Denying()))

    assert looks["at_end"] == looks["other_client"] == SAMPLE
    assert SAMPLE <= looks["at_once"] < 400


async def test_where_one_passes_all_of_its_group_are_tried() -> None:
    seen = [one for batch in range(1, 3) for one in blocked(80, batch)]
    drawn = [one for one in await try_again(seen, Denying()) if one.look == "at_end"]
    looks = Counter(one.look for one in await try_again(seen, Denying([drawn[0].key.item])))

    assert looks["at_once"] == looks["at_end"] == looks["other_client"] == 160


async def test_what_passes_for_the_second_client_alone_is_found_too() -> None:
    seen = [one for batch in range(1, 3) for one in blocked(80, batch)]
    looks = Counter(one.look for one in await try_again(seen, Denying(), Client()))

    assert looks["at_end"] == 160


async def test_what_was_tried_before_is_not_tried_again_and_still_counts() -> None:
    seen = [one for batch in range(1, 3) for one in blocked(80, batch)]
    drawn = [one for one in await try_again(seen, Denying()) if one.look == "at_end"]
    before = await try_again(seen, Denying([drawn[0].key.item]))
    sample = {one.key.item for one in drawn}
    held = [one for one in before if one.key.item in sample]
    found = await try_again(seen, Denying(), held=held)

    assert not {one.key for one in held} & {one.key for one in found}
    assert {one.key for one in before} == {one.key for one in (*held, *found)}


async def test_of_what_is_drawn_no_observation_is_kept() -> None:
    seen = blocked(20)
    batches = RetrialBatches(Memory(), CAMPAIGN.limits.batch)
    with_tools = replace(tools_of(Denying()), second_client=Stern())
    again = BlockedRetrials(CAMPAIGN, with_tools, batches, judge_batch)
    await again.add_batch(seen)
    await again.finish(lambda: ())
    await batches.finish()

    owners = [owner for one in seen for owner in gc.get_referrers(one) if owner is not seen]
    assert [] == [owner for owner in owners if isinstance(owner, tuple | list | dict)]


async def test_a_line_of_no_use_to_the_second_client_is_noted_once() -> None:
    class Useless(Stern):
        def can_use(self, line: Line) -> bool:
            return False

    looks = Counter(one.look for one in await try_again(blocked(9), Denying(), Useless()))

    assert 1 == looks["other_client"]
