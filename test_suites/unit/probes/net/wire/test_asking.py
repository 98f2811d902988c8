"""The wire's own asking; what every lane must answer is in ``test_lane``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import dns.message
import dns.rrset
import pytest

from harness.ports.asking import Question
from probes.net.wire import asking
from probes.net.wire.asking import ask
from probes.net.wire.reactor import Reactor


@pytest.fixture
async def reactor() -> AsyncIterator[Reactor]:
    made = Reactor()
    yield made
    made.close()


def text_record(query: dns.message.Message) -> list[bytes]:
    reply = dns.message.make_response(query)
    reply.answer.append(dns.rrset.from_text("a.test.", 60, "IN", "TXT", '"words"'))
    return [reply.to_wire()]


async def test_an_odd_answer_is_read_by_dnspython(reactor: Reactor, start: Any) -> None:
    answer = await ask(reactor, Question(name="a.test", type="TXT"), await start(text_record))

    assert answer.failure is None
    assert [record.data for record in answer.facts.records] == ['"words"']


async def test_a_common_answer_is_not(
    reactor: Reactor, start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reply(query: dns.message.Message) -> list[bytes]:
        return [dns.message.make_response(query).to_wire()]

    monkeypatch.setattr(asking, "read_message", None)
    answer = await ask(reactor, Question(name="a.test"), await start(reply))

    assert (answer.facts.rcode, answer.failure) == ("NOERROR", None)
    assert reactor.errands == {}
