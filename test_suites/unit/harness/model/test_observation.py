"""Observations survive the journal's encoding, and failures come from a closed list."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from harness.model.corpus import Item
from harness.model.facts import DnsFacts, DnsRecord, Facts, ReachFacts, WebFacts
from harness.model.observation import AttemptKey, Failure, Observation, Timings

KEY = AttemptKey(campaign="c", item="i", probe="web", line="proxy", profile="ks2")
FACTS: list[Facts | None] = [
    None,
    WebFacts(url="http://a.example/", status=200, canary="seen"),
    DnsFacts(
        name="a.example",
        type="A",
        server="s",
        records=(DnsRecord(name="a", type="A", ttl=1, data="192.0.2.1"),),
    ),
    ReachFacts(target="wireguard", reached=False),
]


@pytest.mark.parametrize("facts", FACTS)
def test_every_kind_of_facts_is_read_back_as_it_was(facts: Facts | None) -> None:
    seen = Observation(
        key=KEY,
        item=Item(id="i", value="a.example", labels=("GAMB",)),
        started=datetime(2026, 11, 24, tzinfo=UTC),
        batch=1,
        facts=facts,
        timings=Timings(total=0.5),
    )

    assert seen == msgspec.json.decode(msgspec.json.encode(seen), type=Observation)


def test_a_phase_that_did_not_happen_is_absent_not_zero() -> None:
    assert b'{"total":0.5}' == msgspec.json.encode(Timings(total=0.5))


def test_a_failure_must_have_a_known_name() -> None:
    with pytest.raises(ValueError, match="unknown failure name 'oops'"):
        Failure(name="oops", stage="connect")


def test_our_own_trouble_is_told_apart() -> None:
    assert Failure(name="instrument_overload", stage="instrument").is_instrument
    assert not Failure(name="connection_reset", stage="response").is_instrument


def test_a_key_on_another_line_differs_in_the_line_alone() -> None:
    assert AttemptKey(campaign="c", item="i", probe="web", line="control", profile="ks2") == KEY.on(
        "control"
    )


def alias(name: str, target: str) -> DnsRecord:
    return DnsRecord(name=name, type="CNAME", ttl=1, data=target)


@pytest.mark.parametrize(
    ("records", "chain"),
    [
        ((), ()),
        ((DnsRecord(name="a.example", type="A", ttl=1, data="192.0.2.1"),), ()),
        (
            (alias("b.example", "C.example."), alias("a.example", "b.example.")),
            ("b.example", "c.example"),
        ),
        ((alias("x.example", "b.example."),), ()),
        (
            (alias("b.example", "a.example."), alias("a.example", "b.example.")),
            ("b.example", "a.example"),
        ),
    ],
    ids=["nothing", "no-alias", "in-any-order", "of-another-name", "a-loop-ends"],
)
def test_the_chain_of_aliases_starts_at_the_questions_name(
    records: tuple[DnsRecord, ...], chain: tuple[str, ...]
) -> None:
    facts = DnsFacts(name="A.example.", type="A", server="s", records=records)

    assert facts.chain == chain
