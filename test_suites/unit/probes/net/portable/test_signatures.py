"""Signatures of answers are validated with bounded work, whatever a server sends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import dns.dnssec
import dns.message
import pytest
from msgspec.structs import replace

from harness.model.facts import DnsFacts, DnsRecord
from harness.model.observation import Failure, Timings
from harness.ports.network import Answer, Question
from probes.net.dns_server import DnsServer
from probes.net.portable.name_resolver import read_message
from probes.net.portable.signatures import with_signatures
from probes.net.route import Address
from probes.range.arrival_log import ArrivalLog
from probes.range.resolver import ZoneServer
from probes.range.zone_signing import ZoneSigner

HOST = "amber-acorn.sites.accredit.test"
SERVER = DnsServer(address=Address(host="127.0.0.1", port=53))
ZONES = ZoneServer(
    log=ArrivalLog(),
    signers=(ZoneSigner("accredit.test", frozenset({f"forged-{HOST}"})),),
    aliases=frozenset({f"alias-{HOST}"}),
)
Change = Callable[[DnsFacts], DnsFacts]


class Zone:
    """A line whose name server is the range's, with what a test changes of its answers."""

    def __init__(self, change: Change = lambda facts: facts) -> None:
        self._change = change
        self.asked: list[str] = []

    async def ask(self, question: Question) -> Answer:
        self.asked.append(question.type)
        query = dns.message.make_query(question.name, question.type, want_dnssec=True)
        facts = read_message(ZONES.answer(query), question, SERVER)
        return Answer(facts=self._change(facts), timings=Timings())


def sighted(name: str = HOST, change: Change = lambda facts: facts) -> DnsFacts:
    line: Any = Zone(change)
    return asyncio.run(with_signatures(Question(name=name), line)).facts


def without(kind: str, *, of: str = "") -> Change:
    def change(facts: DnsFacts) -> DnsFacts:
        kept = [one for one in facts.records if one.type != kind or facts.type == of]
        return replace(facts, records=tuple(kept))

    return change


def many(facts: DnsFacts) -> DnsFacts:
    return replace(facts, records=facts.records * 30)


def altered(facts: DnsFacts) -> DnsFacts:
    records = [replace(one, data="192.0.2.9") if one.type == "A" else one for one in facts.records]
    return replace(facts, records=tuple(records))


def test_a_signed_answer_is_valid_also_over_an_alias() -> None:
    found = sighted()

    assert found.signatures == "valid"
    assert len(found.keys) == 1
    assert sighted(f"alias-{HOST}").keys == found.keys


@pytest.mark.parametrize(
    ("name", "change", "wanted"),
    [
        (f"forged-{HOST}", lambda facts: facts, "invalid"),
        (HOST, altered, "invalid"),
        (HOST, without("RRSIG"), "absent"),
        (HOST, without("DNSKEY"), "without keys"),
        (HOST, without("RRSIG", of="A"), "without keys"),
        (HOST, many, "invalid"),
    ],
    ids=["forged", "altered", "unsigned", "no keys", "keys unsigned", "too many records"],
)
def test_what_is_wrong_with_signatures_is_told_apart(
    name: str, change: Change, wanted: str
) -> None:
    found = sighted(name, change)

    assert found.signatures == wanted
    assert found.keys == ()


def test_text_that_is_no_record_is_refused() -> None:
    bad = (DnsRecord(name=HOST, type="RRSIG", ttl=0, data="A 13 nonsense"),)

    found = sighted(HOST, lambda facts: replace(facts, records=facts.records + bad))
    assert found.signatures == "invalid"


def test_many_keys_are_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Validation costs work; a server cannot ask for more than a bounded amount of it."""
    calls = 0
    validate = dns.dnssec.validate_rrsig

    def counted(*arguments: Any, **named: Any) -> None:
        nonlocal calls
        calls += 1
        validate(*arguments, **named)

    monkeypatch.setattr(dns.dnssec, "validate_rrsig", counted)
    assert sighted(HOST, many).signatures == "invalid"
    assert calls == 0


def test_an_answer_without_records_is_not_looked_at() -> None:
    class Silent:
        async def ask(self, question: Question) -> Answer:
            facts = DnsFacts(name=question.name, type="A", server="s")
            failure = Failure(name="generic_timeout_error", stage="resolve")
            return Answer(facts=facts, timings=Timings(), failure=failure)

    line: Any = Silent()
    answer = asyncio.run(with_signatures(Question(name=HOST), line))
    assert answer.failure is not None
    assert answer.facts.signatures == ""
