"""Mixed case changes letters alone, is drawn anew each time, and never makes a block."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import dns.message
from hypothesis import given
from hypothesis import strategies as st

from harness.ports.network import Answer, Question
from probes.net.dns_server import DnsServer, mix_case
from test_suites.unit.probes.net.conftest import found

HOST = "gamb-001.canary.accredit.test"
Reply = Callable[[dns.message.Message], list[bytes]]
Start = Callable[[Reply], Awaitable[DnsServer]]
Ask = Callable[[DnsServer, Question], Awaitable[Answer]]


@given(st.data(), st.binary(max_size=300))
def test_only_letters_change_and_only_their_case(data: st.DataObject, name: bytes) -> None:
    drawn = st.binary(min_size=len(name), max_size=len(name))
    mixed = mix_case(name, lambda _: data.draw(drawn))

    assert mixed.lower() == name.lower()
    assert all(mixed[at] == name[at] for at in range(len(name)) if not name[at : at + 1].isalpha())


def test_each_letter_may_change() -> None:
    assert mix_case(b"\3Abc-1\xe4\0", lambda size: b"\xff" * size) == b"\3aBC-1\xe4\0"
    assert mix_case(b"abc", bytes) == b"abc"


def test_it_is_drawn_anew() -> None:
    name = b"a-name-of-many-letters.example"

    assert len({mix_case(name) for _ in range(20)}) > 1


async def start_mixed(start: Start, reply: Reply) -> tuple[DnsServer, list[str]]:
    """A server to be asked in mixed case, and the names as it heard them."""
    heard: list[str] = []

    def note(query: dns.message.Message) -> list[bytes]:
        heard.append(query.question[0].name.to_text(omit_final_dot=True))
        return reply(query)

    return replace(await start(note), mixed_case=True), heard


def lowered(query: dns.message.Message) -> list[bytes]:
    """The answer of a server that writes every question small."""
    return [small(found(query, "192.0.2.1"))]


def small(reply: dns.message.Message) -> bytes:
    name = wire_of(reply)
    return reply.to_wire().replace(name, name.lower())


def wire_of(message: dns.message.Message) -> bytes:
    return message.question[0].name.to_wire() or b""


async def test_mixed_case_is_repeated_and_no_fact(start: Start, ask: Ask) -> None:
    server, heard = await start_mixed(start, lambda query: [found(query, "192.0.2.1").to_wire()])
    answer = await ask(server, Question(name=HOST, type="A"))

    assert answer.failure is None
    assert (answer.facts.addresses, answer.facts.case_lost) == (("192.0.2.1",), False)
    assert (answer.facts.name, answer.facts.records[0].name) == (HOST, HOST)
    assert [each.lower() for each in heard] == [HOST]
    assert heard != [HOST]  # one chance in eight million


async def test_a_server_that_writes_small_is_asked_again_and_noted(start: Start, ask: Ask) -> None:
    server, heard = await start_mixed(start, lowered)
    answer = await ask(server, Question(name=HOST))

    assert answer.failure is None
    assert (answer.facts.addresses, answer.facts.case_lost) == (("192.0.2.1",), True)
    assert heard[1:] == [HOST]


async def test_a_false_answer_in_small_letters_does_not_win(start: Start, ask: Ask) -> None:
    def race(query: dns.message.Message) -> list[bytes]:
        true = found(query, "192.0.2.1").to_wire()
        name = wire_of(query)
        return [true] if name == name.lower() else [small(found(query, "192.0.2.9")), true]

    server, _ = await start_mixed(start, race)
    answer = await ask(server, Question(name=HOST))

    assert (answer.facts.addresses, answer.facts.case_lost) == (("192.0.2.1",), True)


async def test_the_first_answer_counts_if_there_is_no_other(start: Start, ask: Ask) -> None:
    server, heard = await start_mixed(start, lambda query: [] if heard[1:] else lowered(query))
    answer = await ask(server, Question(name=HOST, timeout=0.2))

    assert answer.failure is None
    assert (answer.facts.addresses, answer.facts.case_lost) == (("192.0.2.1",), True)


async def test_who_bears_no_mixed_case_is_no_silent_filter(start: Start, ask: Ask) -> None:
    def picky(query: dns.message.Message) -> list[bytes]:
        name = wire_of(query)
        return [found(query, "192.0.2.1").to_wire()] if name == name.lower() else []

    server, _ = await start_mixed(start, picky)
    first = await ask(server, Question(name=HOST, timeout=0.05))
    second = await ask(server, Question(name=HOST))

    assert first.failure is not None
    assert second.facts.addresses == ("192.0.2.1",)
