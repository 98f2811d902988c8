"""Mails are sent in batches, each once; a server that is busy is asked again later."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

from harness.measure.mail_sending import BATCH, MOST_TRIES, Answered, MailSending, send_mails
from harness.model.corpus import Item
from harness.model.mail_case import case_named, mail_items
from harness.model.mail_facts import MailFacts, MailStage
from harness.model.observation import Failure, Observation

HAM = case_named("in:ham:school")
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class StillClock:
    def now(self) -> datetime:
        return NOON

    def monotonic(self) -> float:
        return 0.0


class Servers:
    """Servers that give the answer of a function for each attempt (from 1) of an item."""

    def __init__(self, answer: Callable[[Item, int], int | None]) -> None:
        self.answer = answer
        self.tried: Counter[str] = Counter()

    async def send(self, item: Item, profile: str) -> Answered:
        assert profile == "pupils"
        self.tried[item.id] += 1
        code = self.answer(item, self.tried[item.id])
        failure = None if code else Failure(name="connection_refused", stage="connect")
        stage: MailStage = "content" if code else "connect"
        return Answered(MailFacts(server="relay", stage=stage, code=code), failure)


def sent(servers: Servers, number: int, pauses: list[float]) -> list[list[Observation]]:
    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    async def run() -> list[list[Observation]]:
        sending = MailSending(
            number=3, campaign="c", clock=StillClock(), sleep=sleep, pause=0.5, busy_pause=60.0
        )
        mails = [("pupils", item) for item in mail_items("a draw", {HAM: number})]
        return [made async for made in send_mails(mails, servers, sending, 7)]

    return asyncio.run(run())


def facts_of(one: Observation) -> MailFacts:
    assert isinstance(one.facts, MailFacts)
    return one.facts


def test_each_mail_is_sent_once_in_numbered_batches() -> None:
    servers, pauses = Servers(lambda *_: 250), list[float]()
    batches = sent(servers, BATCH + 10, pauses)
    assert [BATCH, 10] == [len(made) for made in batches]
    assert [{7}, {8}] == [{one.batch for one in made} for made in batches]
    made = [one for batch in batches for one in batch]
    assert {1} == set(servers.tried.values())
    assert len(made) == len({one.key for one in made}) == BATCH + 10
    assert {("logged", "mail", "mail", "pupils", 700_003)} == {
        (one.role, one.key.probe, one.key.line, one.key.profile, one.key.round) for one in made
    }
    assert {0.5} == set(pauses)


def test_a_server_that_is_busy_is_asked_again_after_all_others() -> None:
    first = next(mail_items("a draw", {HAM: 9})).id

    def answer(item: Item, tries: int) -> int:
        return 451 if item.id == first and tries < 3 else 250

    pauses: list[float] = []
    batches = sent(Servers(answer), 9, pauses)
    assert [8, 1] == [len(made) for made in batches]
    (last,) = batches[-1]
    assert (first, 250, 3) == (last.item.id, facts_of(last).code, facts_of(last).tries)
    assert 2 == pauses.count(60.0)


def test_a_server_that_stays_busy_is_asked_a_few_times() -> None:
    servers = Servers(lambda *_: 421)
    (made,) = sent(servers, 2, [])
    assert {MOST_TRIES} == set(servers.tried.values())
    assert [(421, MOST_TRIES)] * 2 == [(facts_of(one).code, facts_of(one).tries) for one in made]


def test_a_server_that_cannot_be_reached_is_a_failure_of_each_mail() -> None:
    (made,) = sent(Servers(lambda *_: None), 3, [])
    assert ["connection_refused"] * 3 == [one.failure and one.failure.name for one in made]
