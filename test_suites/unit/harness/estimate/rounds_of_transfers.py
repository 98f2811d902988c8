"""Rounds of transfers over a line whose speed is known, from which tests take things away."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from msgspec import structs

from harness.estimate.item_selection import Selection
from harness.model.campaign import Campaign
from harness.model.observation import Timings
from harness.model.outcome import Outcome
from harness.model.service_records import ServiceRecords
from harness.model.service_speed import ServiceSpeed, SpeedRound, TimedTransfer, TriedUnderLoad
from harness.model.transfer import SIZES, Form, Situation, Transfer
from harness.schemes.load import find_row
from test_suites.kit.campaigns.memory_fold import MemoryFold
from test_suites.unit.harness.estimate.selected_outcome import outcome, spread

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
RATE = 25e6
"""Bytes per second of the simulated line: 200 Mb/s."""
SHORT = 100
"""Short pages in a round."""


def transfer(
    form: Form,
    situation: Situation = "alone",
    turn: int = 1,
    *,
    place: int = 0,
    sample: int = 0,
    size: int = 100_000,
    began: float = 0.0,
    seconds: float = 0.1,
    **more: Any,
) -> TimedTransfer:
    """A transfer that came whole."""
    made = Transfer(form=form, situation=situation, round=turn, sample=sample, size=size)
    timed = TimedTransfer(
        item=f"{form} {situation} {turn} {sample} {place}",
        transfer=made,
        came="whole",
        started=NOON + timedelta(seconds=began),
        began=began,
        seconds=seconds,
        timings=Timings(connect=seconds / 4, first_byte=seconds / 2, total=seconds),
    )
    return structs.replace(timed, **more)


def rounds(
    number: int = 30,
    *,
    added: float = 0.0,
    slower: float = 1.0,
    jitter: float = 0.0,
    origin: Callable[[int], float] = lambda _: 0.0,
    seed: int = 0,
    short: int = SHORT,
    only_short: bool = False,
) -> tuple[SpeedRound, ...]:
    """Rounds over a service that adds a delay, and carries 1 / ``slower`` of the rate.

    Both lines have noise of their own, and wait for the origin in each round as it says.
    """
    random = Random(seed)

    def side(turn: int, delay: float, slower: float, jitter: float) -> Iterator[TimedTransfer]:
        def seconds(size: int) -> float:
            noise = random.lognormvariate(-6.5, 0.6)  # about 1.5 ms, with a long tail
            return (
                0.01 + noise + delay + origin(turn) + jitter * random.random()
                + size * slower / RATE
            )  # fmt: skip

        for form, (least, most) in SIZES.items():
            if only_short and form != "small":
                continue
            size = (least + most) // 2
            for place in range(short if form == "small" else 1):
                yield transfer(form, turn=turn, place=place, size=size, seconds=seconds(size))
        if only_short:
            return
        yield from samples(turn, RATE / slower)
        yield from load(turn, RATE / slower)
        for place in range(20):
            yield transfer("small", "beside", turn, place=place, seconds=seconds(1000))

    return tuple(
        SpeedRound(
            line="proxy",
            profile="pupils",
            number=turn,
            service=tuple(side(turn, added, slower, jitter)),
            control=tuple(side(turn, 0.0, 1.0, 0.0)),
        )
        for turn in range(1, number + 1)
    )


def samples(turn: int, rate: float, connections: int = 8) -> Iterator[TimedTransfer]:
    """Two samples of the bandwidth in each direction: transfers that share a rate."""
    forms: tuple[Form, ...] = ("download", "upload")
    for form in forms:
        for sample in range(2):
            yield from at_once(form, "sample", turn, rate, connections, sample)


def load(turn: int, rate: float, connections: int = 8) -> Iterator[TimedTransfer]:
    """Transfers that load a line."""
    yield from at_once("video", "load", turn, rate, connections, 0)


def at_once(
    form: Form, situation: Situation, turn: int, rate: float, connections: int, sample: int
) -> Iterator[TimedTransfer]:
    """Ten transfers on each connection; each starts where the one before ends, none together."""
    size = 100_000
    seconds = size * connections / rate
    for place in range(connections * 10):
        began = (place // connections + (place % connections) / connections) * seconds
        yield transfer(
            form, situation, turn, place=place, sample=sample, size=size, began=began,
            seconds=seconds,
        )  # fmt: skip


def tried(
    number: int = 600,
    *,
    opened: int = 0,
    closed: int = 0,
    loaded_by: int = 8,
    idle: str = "blocked",
) -> tuple[TriedUnderLoad, ...]:
    """Items tried idle and under load; of these ``opened`` are then open."""
    made: list[TriedUnderLoad] = []
    is_opened = [*spread(opened, number), *[False] * closed]
    for place in range(number + closed):
        before = "allowed" if place >= number else idle
        after = "allowed" if is_opened[place] else "blocked"
        for is_loaded, state in ((False, before), (True, after)):
            made.append(
                TriedUnderLoad(
                    item=f"item-{place}",
                    value=f"gamb-{place}.canary.accredit.test",
                    category="GAMB",
                    line="proxy",
                    profile="pupils",
                    round=1,
                    is_loaded=is_loaded,
                    state=state,  # type: ignore[arg-type]  # one of its words
                    loaded_by=loaded_by if is_loaded else 0,
                    blocked_after=0.05,
                    control_after=0.03,
                )
            )
    return tuple(made)


def changed(
    made: Iterable[SpeedRound], wanted: Callable[[TimedTransfer], bool], **changes: Any
) -> tuple[SpeedRound, ...]:
    """The rounds with some transfers of the service changed."""
    return tuple(
        structs.replace(
            one,
            service=tuple(
                structs.replace(each, **changes) if wanted(each) else each for each in one.service
            ),
        )
        for one in made
    )


def selection(
    requirement: str,
    made: Iterable[SpeedRound],
    items: Iterable[TriedUnderLoad] = (),
    bandwidth: dict[str, float] | None = None,
    uploads: str | None = None,
) -> Selection:
    """What a metric of a requirement is computed from."""
    row = find_row(requirement)
    assert row is not None
    speed = ServiceSpeed(rounds=tuple(made), items=tuple(items))
    return Selection(
        requirement=row,
        results=(),
        alpha=0.05,
        verdict_counts=MemoryFold(()),
        expects=lambda code: "block" if code == "GAMB" else None,
        line="proxy",
        profile="pupils",
        records=ServiceRecords(speed=speed),
        campaign=campaign(bandwidth, uploads),
    )


def campaign(bandwidth: dict[str, float] | None, uploads: str | None = None) -> Campaign:
    """A campaign whose line has to carry this bandwidth."""
    service: dict[str, Any] = {"name": "Filter"}
    if bandwidth is not None:
        service["bandwidth"] = bandwidth
    return Campaign.model_validate(
        {
            "campaign": "speed",
            "service": service,
            "origin": "origin.json",
            "lines": ({"name": "proxy", "type": "explicit_proxy"},),
            "profiles": {"pupils": {"phase": "ks2", "uploads": uploads}},
            "corpora": ({"pack": "canary"},),
            "probes": ("web",),
            "scheme": "becta-2008",
        }
    )


def of_speed(requirement: str, made: Iterable[SpeedRound], **more: Any) -> Outcome:
    """The outcome of a requirement for these rounds."""
    return outcome(selection(requirement, made, **more))
