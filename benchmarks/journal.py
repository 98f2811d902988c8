"""The journal: the cost of building, encoding and appending an observation."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.goal import Result, topic
from harness.model.corpus import Item
from harness.model.facts import WebFacts
from harness.model.observation import AttemptKey, Observation, Timings
from harness.store.journal.journal import SegmentJournal

ROUNDS, BATCHES, SIZE = 5, 50, 100


@topic("journal")
def journal() -> Iterable[Result]:
    """µs of processor an observation, in batches of a hundred."""
    taken = []
    item = Item(id="x", value="gamb-001.canary.accredit.test", labels=("GAMB",))
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    for _round in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            kept = SegmentJournal.create(Path(folder) / "journal", {})
            begun = time.process_time()
            for batch in range(BATCHES):
                kept.append(batch, [_built(batch, n, item, moment) for n in range(SIZE)])
            taken.append((time.process_time() - begun) / (BATCHES * SIZE) * 1e6)
            kept.close()
    yield Result(
        goal="an observation built, encoded, appended",
        value=statistics.median(taken),
        unit="µs",
        bound=3.0,
        note="of the wall clock, most is the disk's",
    )


def _built(batch: int, number: int, item: Item, moment: datetime) -> Observation:
    key = AttemptKey(
        campaign="bench", item=f"{batch}-{number}", probe="web", line="filtered", profile="ks2"
    )
    timings = Timings(resolve=0.001, connect=0.002, first_byte=0.1, total=0.12)
    facts = WebFacts(
        url="http://gamb-001.canary.accredit.test/",
        status=200,
        headers=(("content-type", "text/html"), ("server", "origin")),
        peer="192.0.2.1",
        title="A page",
        text="Plain words, such as any page has. " * 7,
        body_length=4096,
        body_sha256="0" * 64,
        canary="seen",
    )
    return Observation(
        key=key,
        item=item,
        started=moment,
        batch=batch,
        timings=timings,
        facts=facts,
        nonce="0" * 32,
    )
