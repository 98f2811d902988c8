"""Observing: control beside service, brackets around, a second look at what timed out."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any, ClassVar

from pydantic import BaseModel

from harness.measure.concurrency_limiter import ConcurrencyLimiter, RateLimits
from harness.measure.event_loop import LoopLagMonitor
from harness.measure.measurement_context import MeasurementContext
from harness.measure.observe import observe, observe_batch, sides_of
from harness.model.batch import Batch, Way
from harness.model.campaign import Campaign
from harness.model.corpus import Item
from harness.model.facts import WebFacts
from harness.model.observation import Evidence, Failure, Observation, Timings
from harness.model.probe import ProbeDeclaration
from harness.ports.network import Attempt, Origin, ProbeResult

WAY = Way(probe="web", lines=("a", "b"), profile="ks2", round=1)
ITEMS = tuple(
    Item(id=f"i{n}", value=f"gamb-00{n}.canary.accredit.test", labels=("GAMB",)) for n in range(3)
)
CAMPAIGN = Campaign.model_validate(
    {
        "campaign": "c",
        "service": {"name": "s"},
        "lines": ({"name": "a", "type": "t"}, {"name": "b", "type": "t"}),
        "profiles": {"ks2": {}},
        "corpora": ({"pack": "canary"},),
        "limits": {"timeout": 1.0, "confirmation_timeout": 9.0, "concurrency": 2},
    }
)
ORIGIN = Origin(zone="accredit.test", resolver="r", ports={}, authority="a", key=b"k" * 32)


class Clock:
    def now(self) -> datetime:
        return datetime(2026, 11, 24, tzinfo=UTC)

    def monotonic(self) -> float:
        return 0.0


class Drawer:
    """An evidence store in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def keep(self, evidence: Evidence) -> str:
        self.kept[evidence.digest] = evidence.body
        return evidence.digest

    def read(self, digest: str) -> bytes:
        return self.kept[digest]


class Wire:
    """A line that does nothing; it counts how often it was opened and closed."""

    Options = BaseModel
    carries = frozenset({"fetch"})

    def __init__(self, name: str) -> None:
        self.name = name
        self.opened = 0

    async def __aenter__(self) -> Wire:
        self.opened += 1
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.opened -= 1

    async def fetch(self, request: Any) -> Any:
        raise NotImplementedError

    async def ask(self, question: Any) -> Any:
        raise NotImplementedError


class Script:
    """A probe that follows a script by (line, item) and remembers each attempt."""

    declares: ClassVar[ProbeDeclaration] = ProbeDeclaration(needs="fetch", facts="web")

    def __init__(self, script: dict[tuple[str, str], Any] | None = None) -> None:
        self.script = script or {}
        self.attempts: list[Attempt] = []
        self.flying = self.peak = 0

    async def try_item(self, attempt: Attempt, line: Any) -> ProbeResult:
        self.attempts.append(attempt)
        what = self.script.get((attempt.key.line, attempt.item.id))
        if callable(what):
            what = what(attempt)
        return what or ProbeResult(
            timings=Timings(total=0.1), facts=WebFacts(url="u", status=200, canary="seen")
        )


def context_of(
    probe: Script,
    wires: Any,
    drawer: Drawer | None = None,
    *,
    watching: LoopLagMonitor | None = None,
    interval: float = 300.0,
    width: int = 2,
) -> MeasurementContext:
    return MeasurementContext(
        probes={"web": probe},
        lines=wires,
        origin=ORIGIN,
        evidence=drawer or Drawer(),
        clock=Clock(),
        limiter=ConcurrencyLimiter(width),
        confirmation_limiter=ConcurrencyLimiter(width),
        rate_limits=RateLimits(CAMPAIGN.limits),
        lag_monitor=watching or LoopLagMonitor(Clock()),
        sentinel_interval=interval,
    )


async def watch(
    probe: Script,
    drawer: Drawer | None = None,
    items: tuple[Item, ...] = ITEMS,
    *,
    watching: LoopLagMonitor | None = None,
    interval: float = 300.0,
    width: int = 2,
) -> list[Observation]:
    """Observe one batch with a scripted probe."""
    wires: Any = {(name, "ks2"): Wire(name) for name in ("control", "a", "b")}
    instruments = context_of(
        probe, wires, drawer, watching=watching, interval=interval, width=width
    )
    async with AsyncExitStack() as stack:
        await instruments.open(stack)
        seen = await observe_batch(Batch(number=7, way=WAY, items=items), CAMPAIGN, instruments)
        assert {1} == {wire.opened for wire in wires.values()}
    assert {0} == {wire.opened for wire in wires.values()}
    return seen


async def test_each_item_is_seen_on_the_control_and_on_each_line() -> None:
    seen = await watch(Script())

    assert {(item.id, line) for item in ITEMS for line in ("control", "a", "b")} == {
        (each.key.item, each.key.line) for each in seen if each.role == "item"
    }
    assert len(seen) == len({each.key for each in seen})


class HttpOnly(Script):
    declares = ProbeDeclaration(needs="fetch", facts="web", only_scheme="http")


async def test_items_that_the_probe_cannot_try_hold_nothing_up() -> None:
    """Attempts that were announced and never made would leave no room for the next batch.

    A batch without an item for the probe is done without sentinels.
    """
    secure = tuple(
        Item(id=f"s{n}", value=f"https://s{n}.example/", labels=("GAMB",), kind="url")
        for n in range(8)
    )
    probe = HttpOnly()
    wires: Any = {(name, "ks2"): Wire(name) for name in ("control", "a", "b")}
    batches = [Batch(number=n, way=WAY, items=secure + ITEMS) for n in range(1, 6)]
    batches.append(Batch(number=6, way=WAY, items=secure))
    instruments = context_of(probe, wires)

    async with AsyncExitStack() as stack:
        await instruments.open(stack)
        async with asyncio.timeout(60):
            done = {
                batch.number: seen async for batch, seen in observe(batches, CAMPAIGN, instruments)
            }

    assert sorted(done) == [1, 2, 3, 4, 5, 6]
    assert [number for number, seen in done.items() if not seen] == [6]
    assert not [one for one in probe.attempts if "@6." in one.key.item]
    assert {one.item.id for one in probe.attempts} >= {item.id for item in ITEMS}
    assert not {one.item.id for one in probe.attempts} & {item.id for item in secure}


async def test_sentinels_bracket_the_batch() -> None:
    seen = await watch(Script())

    assert ["sentinel-allow-1@7.before"] * 3 + ["sentinel-block-1@7.before"] * 3 == [
        each.key.item for each in seen[:6]
    ]
    assert ["sentinel-allow-1@7.after"] * 3 + ["sentinel-block-1@7.after"] * 3 == [
        each.key.item for each in seen[-6:]
    ]
    assert {"must_allow", "must_block"} == {each.role for each in (*seen[:6], *seen[-6:])}


async def test_what_timed_out_is_looked_at_again_with_more_patience() -> None:
    late = ProbeResult(
        timings=Timings(), failure=Failure(name="generic_timeout_error", stage="response")
    )
    probe = Script(
        {("a", "i1"): lambda attempt: late if attempt.timeout < 5 else None, ("b", "i2"): late}
    )
    seen = {(each.key.line, each.key.item): each for each in await watch(probe)}

    assert (None, 2) == (seen["a", "i1"].failure, seen["a", "i1"].tries)
    assert (late.failure, 2) == (seen["b", "i2"].failure, seen["b", "i2"].tries)
    assert 1 == seen["a", "i0"].tries
    assert [1.0, 9.0] == [
        each.timeout for each in probe.attempts if (each.key.line, each.item.id) == ("b", "i2")
    ]


async def test_each_attempt_has_a_marker_of_its_own() -> None:
    probe = Script()
    await watch(probe)
    nonces = [attempt.marker.nonce for attempt in probe.attempts if attempt.marker]

    assert len(probe.attempts) == len(nonces) == len(set(nonces))


async def test_an_item_outside_the_zone_has_no_marker() -> None:
    probe = Script()
    await watch(probe, items=(Item(id="x", value="www.example", labels=("GAMB",)),))

    assert [None] * 3 == [attempt.marker for attempt in probe.attempts if attempt.item.id == "x"]


async def test_a_probe_that_breaks_is_our_trouble() -> None:
    def fall(attempt: Attempt) -> ProbeResult:
        raise RuntimeError("boom")

    seen = {
        (each.key.line, each.key.item): each for each in await watch(Script({("a", "i0"): fall}))
    }
    failure = seen["a", "i0"].failure

    assert failure is not None
    assert failure.is_instrument
    assert "RuntimeError: boom" == failure.detail


async def test_evidence_is_kept_but_never_of_the_most_harmful_items() -> None:
    proof = Evidence(media_type="text/html", body=b"blocked")
    found = ProbeResult(timings=Timings(), evidence=(proof,))
    drawer = Drawer()
    harmful = Item(
        id="h", value="harm-001.canary.accredit.test", labels=("HARM",), sensitivity="S3"
    )
    seen = await watch(Script({("a", "i0"): found, ("a", "h"): found}), drawer, (ITEMS[0], harmful))

    assert {proof.digest: b"blocked"} == drawer.kept
    assert {("i0", (proof.digest,)), ("h", ())} == {
        (each.key.item, each.evidence)
        for each in seen
        if each.key.line == "a" and each.role == "item"
    }


async def test_trouble_of_our_own_is_tried_again_with_fewer_in_flight() -> None:
    strained = ProbeResult(
        timings=Timings(), failure=Failure(name="instrument_no_descriptors", stage="instrument")
    )
    left = [strained, strained]
    probe = Script({("a", "i0"): lambda attempt: left.pop() if left else None})
    seen = {(each.key.line, each.key.item): each for each in await watch(probe)}

    assert (None, 2) == (seen["a", "i0"].failure, seen["a", "i0"].strained)
    assert 0 == seen["a", "i1"].strained
    assert 3 == len(
        [each for each in probe.attempts if (each.key.line, each.item.id) == ("a", "i0")]
    )


async def test_trouble_of_our_own_that_stays_is_told() -> None:
    strained = ProbeResult(
        timings=Timings(), failure=Failure(name="instrument_no_descriptors", stage="instrument")
    )
    seen = {
        (each.key.line, each.key.item): each
        for each in await watch(Script({("a", "i0"): strained}))
    }

    assert strained.failure == seen["a", "i0"].failure


async def test_a_timeout_while_our_loop_lagged_is_our_own_doing() -> None:
    late = ProbeResult(
        timings=Timings(), failure=Failure(name="generic_timeout_error", stage="response")
    )
    lagging = LoopLagMonitor(Clock())
    lagging.note(2.0)
    seen = {
        (each.key.line, each.key.item): each
        for each in await watch(Script({("a", "i0"): late}), watching=lagging)
    }
    failure = seen["a", "i0"].failure

    assert failure is not None
    assert "instrument_overload" == failure.name


async def test_sentinels_stand_guard_inside_a_long_batch() -> None:
    over = asyncio.Event()
    probe = Script()
    first = probe.try_item

    async def slow(attempt: Attempt, line: Any) -> ProbeResult:
        if attempt.key.item.startswith("sentinel") and ".during-2" in attempt.key.item:
            over.set()
        if attempt.item.id == "i0":
            await over.wait()
        return await first(attempt, line)

    probe.try_item = slow  # type: ignore[method-assign]
    seen = await watch(probe, interval=0.0, width=20)

    assert {"sentinel-allow-1@7.during-1", "sentinel-block-1@7.during-1"} <= {
        each.key.item for each in seen
    }
    assert len(seen) == len({each.key for each in seen})


VECTOR = Item(id="v", value="smtp", kind="vector", labels=("CTRL",))


async def test_a_probe_meets_only_what_it_can_try_but_every_sentinel() -> None:
    class Maker(Script):
        declares = ProbeDeclaration(needs="fetch", facts="web", kinds=frozenset({"vector"}))

    class Choosy(Script):
        fits = staticmethod(lambda item: item.id == "i1")

    every = {item.id for item in ITEMS}
    for probe, met in ((Script(), every), (Maker(), {"v"}), (Choosy(), {"i1"})):
        observed = await watch(probe, items=(*ITEMS, VECTOR))
        assert {seen.item.id for seen in observed if seen.role == "item"} == met
        assert {"must_allow", "must_block"} <= {seen.role for seen in observed}


async def test_facts_of_another_kind_than_declared_are_trouble_of_ours() -> None:
    class Liar(Script):
        declares = ProbeDeclaration(needs="fetch", facts="reach")

    observed = await watch(Liar())

    assert {"instrument_error"} == {seen.failure.name for seen in observed if seen.failure}
    assert {None} == {seen.facts for seen in observed}


class Mixing(Script):
    declares = ProbeDeclaration(needs="fetch", facts="web", mixes_sentinels=True)


async def test_a_sentinel_between_the_items_is_an_observation_of_its_own() -> None:
    seen = await watch(Mixing())

    assert len(seen) == len({each.key for each in seen})
    between = [each for each in seen if each.key.item.endswith(".between")]
    assert {each.role for each in between} == {"must_allow", "must_block"}
    assert {each.key.line for each in between} == {"control", "a", "b"}


async def test_the_sides_of_a_batch_are_those_that_are_tried() -> None:
    """A dry run counts its attempts by them."""
    for probe in (Mixing(), Script()):
        seen = [one for one in await watch(probe) if one.role.startswith("must")]

        assert {one.key.item.rpartition(".")[2] for one in seen} == set(sides_of(probe))


async def test_an_entry_of_a_sealed_list_has_a_marker_like_a_check_entry() -> None:
    class Sealed(Script):
        declares = ProbeDeclaration(needs="fetch", facts="web", kinds=frozenset({"sealed"}))

    probe, digits = Sealed(), "0" * 64
    entry = Item(id=digits, value=digits, kind="sealed", labels=("ILL.CSAM",))
    await watch(probe, items=(entry,))

    markers = [one.marker for one in probe.attempts]
    assert all(markers)
    assert len({marker.nonce for marker in markers if marker}) == len(markers)
