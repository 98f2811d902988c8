"""Queries are sent exactly as their form says, and the time that an answer is kept is read."""

from __future__ import annotations

import dns.edns
import dns.flags
import dns.message
import dns.rrset
import pytest

from harness.model.query_case import FORMS_OF_QUERIES, QueryForm, query_form
from probes.net.dns_server import DnsServer, Transport
from probes.net.portable.query_forms import BLOCK, cannot_carry, keep_time, query_in_form
from probes.net.route import Address

NAME = "www.a-rather-long-name.example.org"
OPTIONS = {"subnet": 8, "cookie": 10, "padding": 12}


@pytest.mark.parametrize("name", sorted(FORMS_OF_QUERIES))
def test_a_query_has_what_its_form_says_and_no_more(name: str) -> None:
    form = query_form(name)
    assert form is not None
    query = dns.message.from_wire(query_in_form(NAME, form).to_wire())
    asked = query.question[0].name.to_text(omit_final_dot=True)

    assert asked.lower() == NAME
    assert (asked != NAME) == (form.letters == "mixed")
    assert bool(query.flags & dns.flags.RD) == (form.flags != "no-rd")
    assert bool(query.flags & dns.flags.AD) == (form.flags == "rd-ad")
    assert bool(query.flags & dns.flags.CD) == (form.flags == "rd-cd")
    assert (query.edns >= 0) == (form.edns != "none")
    assert bool(query.ednsflags & dns.flags.DO) == (form.edns == "do")
    wanted = [OPTIONS[form.edns]] if form.edns in OPTIONS else []
    assert [int(one.otype) for one in query.options] == wanted


def test_padding_fills_a_block() -> None:
    for name in ("a.example", NAME, f"{'b' * 60}.example.org"):
        assert len(query_in_form(name, QueryForm(type="a", edns="padding")).to_wire()) % BLOCK == 0


@pytest.mark.parametrize(
    ("server", "form", "is_carried"),
    [("udp", "udp", True), ("udp", "tcp", True), ("tcp", "udp", False), ("tcp", "tcp", True),
     ("tls", "udp", False), ("https", "tcp", False)],
)  # fmt: skip
def test_a_server_is_asked_only_over_what_it_is_reached_by(
    server: Transport, form: str, is_carried: bool
) -> None:
    at = DnsServer(address=Address(host="127.0.0.1", port=53), transport=server)
    asked = query_form(f"dns:a+{form}+lower+none+rd")
    assert asked is not None
    failure = cannot_carry(at, asked)

    assert (failure is None) == is_carried
    assert failure is None or failure.is_instrument


def answer(*rrsets: dns.rrset.RRset, authority: tuple[dns.rrset.RRset, ...] = ()) -> int:
    response = dns.message.make_response(dns.message.make_query("a.test", "A"))
    response.answer.extend(rrsets)
    response.authority.extend(authority)
    return keep_time(response)


def soa(ttl: int, minimum: int) -> dns.rrset.RRset:
    text = f"ns.test. hostmaster.test. 1 2 3 4 {minimum}"
    return dns.rrset.from_text("test.", ttl, "IN", "SOA", text)


def test_an_answer_is_kept_as_long_as_its_own_records() -> None:
    own = dns.rrset.from_text("a.test.", 20, "IN", "CNAME", "b.test.")
    other = dns.rrset.from_text("b.test.", 9000, "IN", "A", "192.0.2.1")

    assert answer(own, other) == 20
    assert answer(other) == 9000


def test_a_negative_answer_is_kept_as_its_zone_says() -> None:
    assert answer(authority=(soa(60, 3600),)) == 60
    assert answer(authority=(soa(3600, 90),)) == 90
    assert answer() == 0
