"""The probe passes a sealed list program's facts on, and believes of a check entry what is shown."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from harness.model.campaign import Limits
from harness.model.corpus import Item
from harness.model.facts import SealedFacts
from harness.model.marker import mark
from harness.model.observation import AttemptKey, Failure, Timings
from harness.model.verdict import is_answer
from harness.ports.list_program import Connection, ListAnswer, ListQuery
from harness.ports.network import Attempt, Origin, ProbeResult, fits
from probes.kinds.sealed_list import (
    NO_CONNECTION,
    NO_PROGRAM,
    UNPROVEN,
    SealedListHttp,
    SealedListHttps,
)
from test_suites.kit.campaigns.trials import observation

DIGITS = "0f" * 32
ENTRY = Item(id=DIGITS, value=DIGITS, labels=("ILL.CSAM",), kind="sealed", sensitivity="S4")
HOST = "amber-lantern.accredit.test"
CHECK = Item(id="sentinel-allow-1@1.before", value=HOST, labels=("CTRL",))
ORIGIN = Origin(zone="accredit.test", resolver="127.0.0.1:1", ports={}, authority="", key=b"k" * 32)
THROUGH = Connection(proxy="http://192.0.2.7:3128")


class Told:
    """A program that gives one answer, and remembers what it was asked."""

    trouble = ""

    def __init__(self, answer: ListAnswer | str) -> None:
        self.answer = answer
        self.asked: list[ListQuery] = []

    async def __aenter__(self) -> Told:
        return self

    async def __aexit__(self, *exc: object) -> None: ...

    async def ask(self, query: ListQuery) -> ListAnswer | str:
        self.asked.append(query)
        return self.answer


class Described:
    """A line whose connection can be described."""

    origin = ORIGIN

    def connection(self) -> Connection:
        return THROUGH


def attempt(item: Item = ENTRY, line: str = "proxy", sketch_key: bytes = b"s") -> Attempt:
    key = AttemptKey(campaign="c", item=item.id, probe="sealed_list", line=line, profile="ks2")
    marker = mark(ORIGIN.key, key, item.host, 1, "run")
    return Attempt(
        key=key, item=item, limits=Limits(), timeout=5, marker=marker, sketch_key=sketch_key
    )


def answer(**fields: Any) -> ListAnswer:
    usual: dict[str, Any] = {"number": 1, "arrived": "content", "status": 200}
    return ListAnswer(**usual | fields)


def receipt(one: Attempt) -> str:
    assert one.marker is not None
    return hashlib.sha256(ORIGIN.receipt(HOST, one.marker.nonce).encode()).hexdigest()


async def seen(told: ListAnswer | str, one: Attempt, line: Any = None) -> ProbeResult:
    probe = SealedListHttp()
    probe.use(Told(told))
    through: Any = line or Described()
    return await probe.try_item(one, through)


async def test_an_entry_is_asked_for_by_its_digits_alone() -> None:
    program, probe, one = Told(answer()), SealedListHttps(), attempt()
    probe.use(program)

    await probe.try_item(one, Described())  # type: ignore[arg-type]

    (query,) = program.asked
    assert (query.entry, query.check, query.scheme) == (DIGITS, "", "https")
    assert (query.timeout, query.connection) == (5, THROUGH)
    assert one.marker is not None
    assert one.marker.nonce[:8] in query.headers[0][1]


async def test_a_check_entry_is_asked_for_by_its_host_with_headers_of_the_same_form() -> None:
    program, probe = Told(answer()), SealedListHttp()
    probe.use(program)

    for item in (CHECK, ENTRY):
        await probe.try_item(attempt(item), Described())  # type: ignore[arg-type]

    check, entry = program.asked
    assert (check.entry, check.check) == ("", HOST)
    assert [name for name, _ in check.headers] == [name for name, _ in entry.headers]
    assert len(check.headers[0][1]) == len(entry.headers[0][1])


async def test_facts_timings_and_failure_are_passed_on() -> None:
    notice = answer(arrived="notice", status=403, mechanism="block_page", first_byte=0.2, total=1.0)
    nothing = answer(arrived="nothing", status=None, failure="connection_reset", stage="connect")

    blocked, lost = await seen(notice, attempt()), await seen(nothing, attempt())

    assert blocked.facts == SealedFacts(arrived="notice", status=403, mechanism="block_page")
    assert blocked.timings == Timings(first_byte=0.2, total=1.0)
    assert lost.failure == Failure(name="connection_reset", stage="connect")
    assert lost.facts == SealedFacts(arrived="nothing")


async def test_the_digest_of_a_notice_is_keyed_and_a_receipt_is_not_kept() -> None:
    digest = "ab" * 32
    notice = answer(arrived="notice", mechanism="redirect", digest=digest, receipt=digest)

    first = await seen(notice, attempt())
    again, other = await seen(notice, attempt()), await seen(notice, attempt(sketch_key=b"t"))

    assert digest not in repr(first)
    assert first.facts == again.facts != other.facts


@pytest.mark.parametrize("line", ["control", "proxy"])
async def test_content_of_a_check_entry_needs_the_receipt_of_its_request(line: str) -> None:
    one = attempt(CHECK, line)

    shown = await seen(answer(receipt=receipt(one)), one)
    other = await seen(answer(receipt=receipt(attempt(CHECK, "another"))), one)
    without = await seen(answer(), one)

    assert shown.facts == SealedFacts(arrived="content", status=200)
    for result in (other, without):
        assert result.facts is None
        assert result.failure is not None
        assert (result.failure.name, result.failure.detail) == ("instrument_list_program", UNPROVEN)


async def test_a_notice_of_a_check_entry_is_believed_on_a_line_and_not_on_the_control() -> None:
    notice = answer(arrived="notice", status=403, mechanism="block_page")

    on_line = await seen(notice, attempt(CHECK))
    on_control = await seen(notice, attempt(CHECK, "control"))

    assert on_line.failure is None
    assert on_control.failure is not None
    assert on_control.failure.detail == UNPROVEN


async def test_why_there_is_no_answer_is_a_failure_of_the_instrument() -> None:
    class Undescribed:
        origin = ORIGIN

    silent = await seen("it did not answer", attempt())
    undescribed = await seen(answer(), attempt(), Undescribed())
    unnamed = await SealedListHttp().try_item(attempt(), Described())  # type: ignore[arg-type]

    told = [one.failure.detail for one in (silent, undescribed, unnamed) if one.failure]
    assert told == ["it did not answer", NO_CONNECTION, NO_PROGRAM]


def test_only_entries_of_a_sealed_list_are_tried_beside_check_entries() -> None:
    probe = SealedListHttps()

    assert fits(probe, ENTRY)
    assert not fits(probe, CHECK)
    assert probe.address(ENTRY) == ""
    assert probe.address(CHECK) == f"https://{HOST}/"


def test_a_check_entry_has_its_usual_answer_if_its_content_came() -> None:
    assert is_answer(observation(SealedFacts(arrived="content")))
    assert not is_answer(observation(SealedFacts(arrived="notice", mechanism="redirect")))
