"""The origin is asked what reached it by techniques, once for each attempt, over the control line."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from harness.measure.arrival_records import MOST_ARRIVALS, NONCES, ArrivalRecords, record_key
from harness.measure.batch_plan import RetrialBatches
from harness.measure.measurement_context import MeasurementContext
from harness.model.arrivals import Arrivals, SeenArrival, asked_nonces
from harness.model.corpus import Item
from harness.model.facts import ArrivalFacts, SentStep, TechniqueFacts
from harness.model.observation import CONTROL, Observation, Timings
from harness.ports.network import Exchange, Origin, Request
from harness.store.journal.journal import SegmentJournal
from test_suites.kit.campaigns.trials import observation
from test_suites.unit.harness.scripted import Played, tools

KEY = b"k" * 32
ORIGIN = Origin(zone="accredit.test", resolver="r", ports={}, authority="a", key=KEY)
AT = datetime(2026, 11, 29, tzinfo=UTC)


class OriginDouble:
    """A control line to an origin at which these arrived; ``status`` None: it does not answer."""

    def __init__(self, *arrived: SeenArrival, status: int | None = 200, body: bytes = b"") -> None:
        self.arrived, self.status, self.body = arrived, status, body
        self.asked: list[frozenset[str]] = []

    async def fetch(self, request: Request) -> Exchange:
        path = "/" + request.url.partition("://")[2].partition("/")[2]
        nonces = asked_nonces(KEY, path)
        self.asked.append(nonces)
        mine = tuple(one for one in self.arrived if one.nonce in nonces)
        body = self.body or msgspec.json.encode(Arrivals(arrivals=mine))
        return Exchange(timings=Timings(total=0.1), status=self.status, body=body)


def attempt(number: int, line: str = "proxy", **facts: Any) -> Observation:
    sent = (SentStep(step="h3"),)
    seen: dict[str, Any] = {"url": "technique:x", "status": 200, "canary": "seen", "sent": sent}
    one = observation(
        TechniqueFacts(**seen | facts), line=line, item=f"CV-{number}", probe="techniques"
    )
    item = Item(id=f"CV-{number}", value="h3", labels=("MALW.BYPASS",), kind="vector")
    return msgspec.structs.replace(one, item=item, nonce=nonce_of(number))


def nonce_of(number: int) -> str:
    return f"{number:032x}"


def arrival(number: int, path: str = "/") -> SeenArrival:
    nonce = nonce_of(number)
    return SeenArrival(nonce=nonce, at=AT, over="h3", host="a.test", method="GET", path=path)


class Records:
    """A journal, and the records that are made for it."""

    def __init__(self, folder: Path, origin: OriginDouble) -> None:
        self.journal = SegmentJournal.create(folder / "journal", {})
        context: MeasurementContext = tools(Played())
        object.__setattr__(context, "origin", ORIGIN)
        object.__setattr__(context, "lines", {(CONTROL, "ks2"): origin})
        self.context = context

    async def of(self, attempts: Iterable[Observation]) -> list[Observation]:
        batches = RetrialBatches(self.journal, 500)
        records = ArrivalRecords(self.context, batches)
        records.resume_from(self.journal.sentinels())
        records.add_batch(attempts)
        await records.finish()
        await batches.finish()
        return [one for one in self.journal.observations() if one.role == "arrivals"]


def facts_of(record: Observation) -> ArrivalFacts:
    assert isinstance(record.facts, ArrivalFacts)
    return record.facts


async def test_what_arrived_is_recorded_by_attempt(tmp_path: Path) -> None:
    origin = OriginDouble(arrival(1), arrival(1, "/again"), arrival(3))
    found = await Records(tmp_path, origin).of([attempt(1), attempt(2)])

    assert origin.asked == [{nonce_of(1), nonce_of(2)}]
    assert {one.nonce: facts_of(one).arrivals for one in found} == {
        nonce_of(1): ("h3 GET a.test/", "h3 GET a.test/again"),
        nonce_of(2): (),
    }
    assert found[0].key == record_key(attempt(1).key)


async def test_an_attempt_is_asked_about_once(tmp_path: Path) -> None:
    origin = OriginDouble(arrival(1))
    records = Records(tmp_path, origin)
    await records.of([attempt(1)])
    found = await records.of([attempt(1), attempt(2)])

    assert origin.asked == [{nonce_of(1)}, {nonce_of(2)}]
    assert len(found) == 2


async def test_what_is_no_attempt_by_a_technique_is_not_asked_about(tmp_path: Path) -> None:
    origin = OriginDouble()
    others = [
        attempt(1, obstacle="the line carries no UDP"),
        msgspec.structs.replace(attempt(2), role="must_block"),
        msgspec.structs.replace(attempt(3), nonce=""),
        msgspec.structs.replace(attempt(4), facts=None),
    ]

    assert await Records(tmp_path, origin).of(others) == []
    assert origin.asked == []


async def test_many_attempts_are_several_questions(tmp_path: Path) -> None:
    origin = OriginDouble()
    found = await Records(tmp_path, origin).of(attempt(number) for number in range(1, NONCES + 2))

    assert [len(nonces) for nonces in origin.asked] == [NONCES, 1]
    assert len(found) == NONCES + 1


async def test_of_many_arrivals_the_first_are_listed(tmp_path: Path) -> None:
    many = [arrival(1, f"/{number}") for number in range(MOST_ARRIVALS + 3)]
    (found,) = await Records(tmp_path, OriginDouble(*many)).of([attempt(1)])

    assert (len(facts_of(found).arrivals), facts_of(found).more) == (MOST_ARRIVALS, 3)


@pytest.mark.parametrize(
    "origin",
    [OriginDouble(status=None), OriginDouble(body=b"<html>"), OriginDouble(status=404, body=b"no")],
)
async def test_an_origin_that_does_not_say_leaves_no_record(
    tmp_path: Path, origin: OriginDouble
) -> None:
    assert await Records(tmp_path, origin).of([attempt(1)]) == []
