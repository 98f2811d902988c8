"""The progress counter counts attempts; its rate is that of this run only."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from harness.measure.progress import NullReporter, Progress, ProgressCounter
from harness.model.campaign import Campaign
from harness.model.corpus import Item
from harness.model.observation import AttemptKey, Observation

ITEM = Item(id="i", value="a.test", labels=("DRUG",))
CAMPAIGN = Campaign.model_validate(
    {
        "campaign": "c",
        "service": {"name": "s"},
        "lines": ({"name": "a", "type": "t"},),
        "profiles": {"ks2": {}},
        "corpora": ({"pack": "canary"},),
        "limits": {"batch": 6},
    }
)


class Clock:
    """A clock that somebody turns."""

    seconds = 0.0

    def now(self) -> datetime:
        return datetime(2026, 11, 24, tzinfo=UTC)

    def monotonic(self) -> float:
        return self.seconds


class Ear:
    """A reporter that remembers."""

    def __init__(self) -> None:
        self.heard: list[Progress] = []

    def on_progress(self, progress: Progress) -> None:
        self.heard.append(progress)


OBSERVED = Observation(
    key=AttemptKey(campaign="c", item="i", probe="web", line="a", profile="ks2"),
    item=ITEM,
    started=Clock().now(),
    batch=2,
)


def test_each_batch_counts_its_items_and_sentinels_on_every_line() -> None:
    ear = Ear()
    ProgressCounter(CAMPAIGN, 12, frozenset(), Clock(), ear)

    assert [(0, 2 * (6 + 4) * 2)] == [(said.done, said.total) for said in ear.heard]


def test_what_was_there_before_is_done_but_not_fast() -> None:
    ear, clock = Ear(), Clock()
    counter = ProgressCounter(CAMPAIGN, 12, frozenset({1}), clock, ear)
    clock.seconds = 2.0
    counter.count([OBSERVED] * 20)
    last = ear.heard[-1]

    assert (40, 40, 20, 10.0) == (last.done, last.total, last.resumed, last.rate)


def test_what_is_spared_leaves_the_whole() -> None:
    ear = Ear()
    counter = ProgressCounter(CAMPAIGN, 12, frozenset(), Clock(), ear)
    counter.count([OBSERVED] * 20, spared=16)

    assert (20, 24) == (ear.heard[-1].done, ear.heard[-1].total)


def test_in_the_end_nothing_is_to_come() -> None:
    """Of some items no attempt is made: a URL is tried by the probe of its scheme alone."""
    ear = Ear()
    counter = ProgressCounter(CAMPAIGN, 6, frozenset(), Clock(), ear)
    counter.count([OBSERVED])

    counter.finish()

    assert ear.heard[-1].done == ear.heard[-1].total == 1


def test_silence(capsys: pytest.CaptureFixture[str]) -> None:
    NullReporter().on_progress(Progress(done=1, total=2, resumed=0, rate=1.0))

    assert ("", "") == capsys.readouterr()
