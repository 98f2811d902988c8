"""The filtering resolver says no in each of its ways."""

from __future__ import annotations

import socket
from collections.abc import Callable

import dns.exception
import dns.message
import dns.rcode
import pytest

from probes.range.faults import Fault, FaultKind
from probes.range.testbed import RangeTestbed

CANARY = "gamb-001.canary.accredit.test"
TWIN = "gamb-001.twin.accredit.test"
Ask = Callable[..., dns.message.Message]


def addresses(answer: dns.message.Message) -> list[str]:
    return [str(record) for rrset in answer.answer for record in rrset]


def test_an_allowed_name_is_answered_by_the_zone(world: RangeTestbed, ask: Ask) -> None:
    answer = ask(TWIN)

    assert addresses(answer) == ["127.0.0.1"]
    assert world.log.arrivals(TWIN)[-1].over == "dns"


def test_a_blocked_name_does_not_exist_and_shows_no_soa(world: RangeTestbed, ask: Ask) -> None:
    host = "gamb-101.canary.accredit.test"
    answer = ask(host)

    assert answer.rcode() == dns.rcode.NXDOMAIN
    assert not answer.authority
    assert not world.log.arrivals(host)


def test_each_profile_has_its_own_resolver(world: RangeTestbed, ask: Ask) -> None:
    staff = world.origin.services["reference"]["resolver"]["staff"]

    assert addresses(ask(CANARY, server=staff)) == ["127.0.0.1"]


@pytest.mark.parametrize(
    ("kind", "rcode", "found"),
    [
        (FaultKind.NXDOMAIN, dns.rcode.NXDOMAIN, []),
        (FaultKind.NODATA, dns.rcode.NOERROR, []),
        (FaultKind.REFUSE, dns.rcode.REFUSED, []),
        (FaultKind.SINKHOLE, dns.rcode.NOERROR, ["127.0.0.2"]),
        (FaultKind.CAPTIVE, dns.rcode.NOERROR, ["127.0.0.2"]),
        (FaultKind.OVERBLOCK, dns.rcode.NXDOMAIN, []),
    ],
)
@pytest.mark.parametrize("tcp", [False, True])
def test_each_style_has_its_answer(
    world: RangeTestbed,
    ask: Ask,
    kind: FaultKind,
    rcode: dns.rcode.Rcode,
    found: list[str],
    tcp: bool,
) -> None:
    world.faults.add(Fault(kind=kind, hosts=frozenset({TWIN})))
    answer = ask(TWIN, tcp=tcp)

    assert answer.rcode() == rcode
    assert addresses(answer) == found


def test_a_sinkhole_has_the_address_that_it_is_given(world: RangeTestbed, ask: Ask) -> None:
    world.faults.add(Fault(kind=FaultKind.SINKHOLE, address="127.0.0.53"))

    assert addresses(ask(CANARY)) == ["127.0.0.53"]
    assert addresses(ask(CANARY, "AAAA")) == []
    assert addresses(ask(TWIN)) == ["127.0.0.1"]


def test_a_silent_drop_is_no_answer_at_all(world: RangeTestbed, ask: Ask) -> None:
    world.faults.add(Fault(kind=FaultKind.SILENT, hosts=frozenset({TWIN})))

    with pytest.raises(dns.exception.Timeout):
        ask(TWIN, timeout=0.1)


def test_a_missed_name_and_a_filter_that_is_off_let_through(world: RangeTestbed, ask: Ask) -> None:
    fault = world.faults.add(Fault(kind=FaultKind.MISS, hosts=frozenset({CANARY})))
    assert addresses(ask(CANARY)) == ["127.0.0.1"]
    world.faults.remove(fault)

    world.faults.add(Fault(kind=FaultKind.OFF, service="resolver"))
    assert addresses(ask("porn-001.canary.accredit.test")) == ["127.0.0.1"]


def test_a_block_may_carry_an_extended_error(world: RangeTestbed, ask: Ask) -> None:
    world.faults.add(Fault(kind=FaultKind.NXDOMAIN, extended_error=15))

    assert [error.code for error in ask(CANARY).extended_errors()] == [15]


def test_a_slow_resolver_answers_late(world: RangeTestbed, ask: Ask) -> None:
    slow = world.faults.add(Fault(kind=FaultKind.SLOW, delay=0.01))
    assert addresses(ask(TWIN)) == ["127.0.0.1"]
    world.faults.remove(slow)

    world.faults.add(Fault(kind=FaultKind.SLOW, delay=30))
    with pytest.raises(dns.exception.Timeout):
        ask(TWIN, timeout=0.1)


def heard(world: RangeTestbed, kind: FaultKind) -> list[str]:
    """The addresses of the datagrams that answer one question, in order; None of a wrong id."""
    world.faults.add(Fault(kind=kind, hosts=frozenset({TWIN}), address="127.0.0.5"))
    host, _, port = world.origin.services["reference"]["resolver"]["ks2"].rpartition(":")
    query = dns.message.make_query(TWIN, "A")
    with socket.socket(type=socket.SOCK_DGRAM) as asking:
        asking.settimeout(5)
        asking.sendto(query.to_wire(), (host, int(port)))
        answers = [dns.message.from_wire(asking.recv(4096)) for _ in range(2)]
    return [
        f"{'stray ' if answer.id != query.id else ''}{addresses(answer)[0]}" for answer in answers
    ]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (FaultKind.INJECTED, ["127.0.0.5", "127.0.0.1"]),
        (FaultKind.INJECTED_LATE, ["127.0.0.1", "127.0.0.5"]),
        (FaultKind.STRAY, ["stray 127.0.0.5", "127.0.0.1"]),
    ],
)
def test_two_answers_race(world: RangeTestbed, kind: FaultKind, expected: list[str]) -> None:
    assert heard(world, kind) == expected


def test_a_failing_resolver_says_so(world: RangeTestbed, ask: Ask) -> None:
    world.faults.add(Fault(kind=FaultKind.SERVFAIL, hosts=frozenset({TWIN})))

    assert ask(TWIN).rcode() == dns.rcode.SERVFAIL


def test_over_tcp_there_is_one_voice(world: RangeTestbed, ask: Ask) -> None:
    world.faults.add(Fault(kind=FaultKind.INJECTED_LATE, hosts=frozenset({TWIN})))

    assert addresses(ask(TWIN, tcp=True)) == ["127.0.0.1"]


def test_https_records_alone_are_held_back(world: RangeTestbed, ask: Ask) -> None:
    assert addresses(ask(TWIN, "HTTPS")) == ['1 . alpn="http/1.1"']

    world.faults.add(Fault(kind=FaultKind.NO_HTTPS, service="resolver", hosts=frozenset({TWIN})))
    without = ask(TWIN, "HTTPS")
    assert (without.rcode(), addresses(without)) == (dns.rcode.NOERROR, [])
    assert addresses(ask(TWIN)) == ["127.0.0.1"]


def test_letters_are_written_small(world: RangeTestbed, ask: Ask) -> None:
    mixed = TWIN.replace("gamb", "GamB")
    assert str(ask(mixed).question[0].name) == mixed + "."

    world.faults.add(Fault(kind=FaultKind.SMALL_LETTERS, hosts=frozenset({TWIN})))
    answer = ask(mixed)
    assert str(answer.question[0].name) == TWIN + "."
    assert addresses(answer) == ["127.0.0.1"]
