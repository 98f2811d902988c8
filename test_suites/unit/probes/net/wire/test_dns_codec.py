"""DNS messages by hand, with dnspython as the oracle."""

from __future__ import annotations

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.ports.network import Question
from probes.net.dns_server import DnsServer
from probes.net.portable.name_resolver import read_message
from probes.net.route import Address
from probes.net.wire.dns_codec import (
    Query,
    is_truncated,
    mix_query,
    read_answer,
    repeats,
    write_query,
)

QUESTION = Question(name="gamb-001.canary.accredit.test")
SERVER = DnsServer(address=Address(host="127.0.0.1", port=53))

labels = st.from_regex(r"[a-z0-9_-]{1,20}", fullmatch=True)
names = st.lists(labels, min_size=1, max_size=5).map(".".join)
ttls = st.integers(min_value=0, max_value=2**31 - 1)
records = st.one_of(
    st.tuples(names, ttls, st.just("A"), st.ip_addresses(v=4).map(str)),
    st.tuples(names, ttls, st.just("AAAA"), st.ip_addresses(v=6).map(str)),
    st.tuples(names, ttls, st.just("CNAME"), names.map(lambda name: name + ".")),
    st.tuples(names, ttls, st.just("TXT"), st.just('"odd"')),
)
options = st.builds(
    dns.edns.EDEOption,
    st.sampled_from([dns.edns.EDECode.BLOCKED, dns.edns.EDECode.CENSORED]),
    st.one_of(st.none(), st.text(min_size=1, max_size=20).filter(lambda text: "\0" not in text)),
)


def query(question: Question = QUESTION) -> Query:
    made = write_query(question.name, question.type)
    assert made is not None
    return made


def whole(question: Question = QUESTION) -> bytes:
    """The query with an id that is always the same."""
    return b"\x12\x34" + query(question).rest


@st.composite
def replies(draw: st.DrawFn) -> dns.message.Message:
    reply = dns.message.make_response(dns.message.from_wire(whole()))
    reply.flags |= draw(st.sampled_from([0, dns.flags.RA, dns.flags.AA | dns.flags.AD]))
    for name, ttl, kind, data in draw(st.lists(records, max_size=4, unique_by=lambda r: r[0])):
        reply.answer.append(dns.rrset.from_text(name + ".", ttl, "IN", kind, data))
    if draw(st.booleans()):
        soa = dns.rrset.from_text("accredit.test.", 60, "IN", "SOA", "a. b. 1 1 1 1 1")
        draw(st.sampled_from([reply.authority, reply.additional])).append(soa)
    if draw(st.booleans()):
        reply.use_edns(0, options=[*draw(st.lists(options, max_size=2))])
    rcode = draw(st.sampled_from([0, 2, 3, 5, 16])) if reply.edns >= 0 else 3
    reply.set_rcode(dns.rcode.Rcode.make(rcode))
    return reply


def test_the_question_is_what_dnspython_would_ask() -> None:
    ours = dns.message.from_wire(whole())
    theirs = dns.message.make_query(QUESTION.name, "A", use_edns=0, want_dnssec=True, payload=1232)

    assert ours.question == theirs.question
    assert (ours.flags, ours.ednsflags, ours.payload) == (theirs.flags, theirs.ednsflags, 1232)


@given(replies())
def test_facts_are_those_that_dnspython_reads(reply: dns.message.Message) -> None:
    wire = reply.to_wire()
    facts = read_answer(wire, query(), QUESTION, str(SERVER))
    oracle = read_message(dns.message.from_wire(wire), QUESTION, SERVER)

    assert facts in {None, oracle}
    if all(record.type != "TXT" for record in oracle.records):
        assert facts == oracle


@given(replies(), st.data())
def test_a_broken_message_never_gives_other_addresses(
    reply: dns.message.Message, data: st.DataObject
) -> None:
    wire = bytearray(reply.to_wire())
    place = data.draw(st.integers(min_value=12, max_value=len(wire) - 1))
    wire[place] = data.draw(st.integers(min_value=0, max_value=255))
    facts = read_answer(bytes(wire), query(), QUESTION, str(SERVER))
    if facts is None or not repeats(bytes(wire), query().section):
        return
    try:
        oracle = read_message(dns.message.from_wire(bytes(wire)), QUESTION, SERVER)
    except dns.exception.DNSException:
        # Broken in a record beside the answer, of which the facts hold nothing.
        return

    assert (facts.rcode, set(facts.addresses)) == (oracle.rcode, set(oracle.addresses))


@given(st.binary(max_size=100))
def test_noise_is_never_read(noise: bytes) -> None:
    read_answer(whole()[:12] + noise, query(), QUESTION, "")
    repeats(noise, query().section)


def test_a_response_repeats_the_question_letter_by_letter() -> None:
    asked = query().section
    reply = dns.message.make_response(dns.message.from_wire(whole())).to_wire()

    assert repeats(reply, asked)
    assert not repeats(reply[:12] + reply[12:].upper(), asked)
    assert not repeats(whole(), asked)
    assert not repeats(reply[:12] + b"\4" + reply[13:], asked)
    assert not repeats(reply[:12], asked)
    assert not repeats(b"", asked)


def test_a_cut_answer_says_so() -> None:
    asked = query().section
    reply = dns.message.make_response(dns.message.from_wire(whole()))
    assert not is_truncated(reply.to_wire(), asked)
    reply.flags |= dns.flags.TC
    assert is_truncated(reply.to_wire(), asked)
    assert is_truncated(reply.to_wire().replace(b"canary", b"CANary"), asked)
    assert not is_truncated(b"\x12\x34" + b"\xff" * 60, asked)
    assert not is_truncated(b"\x12\x34", asked)


@pytest.mark.parametrize(
    "name", ["", ".", "a..b", "a" * 64, "bücher.test", "a b", ".".join("x" * 130)]
)
def test_a_name_that_is_not_plain_is_left_alone(name: str) -> None:
    assert write_query(name, "A") is None


def test_a_name_may_be_as_long_as_dns_allows() -> None:
    longest = ".".join(["a" * 63] * 3 + ["a" * 61])

    assert query(Question(name=longest)).section[-5:] == b"\0\0\1\0\1"
    assert write_query(longest + "a", "A") is None


def test_a_name_that_points_at_itself_is_left_alone() -> None:
    asked = query().section
    head = b"\x12\x34\x81\x80\0\1\0\1\0\0\0\0"
    loop = len(head) + len(asked)
    wire = head + asked + bytes((0xC0, loop)) + b"\0\1\0\1\0\0\0\0\0\4abcd"

    assert read_answer(wire, query(), QUESTION, "") is None


def test_mixed_case_leaves_the_type_alone() -> None:
    """Type 65 looks like an A in ASCII."""
    plain = query(Question(name="many.letters.example", type="HTTPS"))
    mixed = {mix_query(plain) for _ in range(20)}

    assert {each.section[-4:] for each in mixed} == {b"\0\x41\0\1"}
    assert {each.section.lower()[:-4] for each in mixed} == {plain.section[:-4]}
    assert all(each.rest == plain.rest.replace(plain.section, each.section) for each in mixed)
    assert len(mixed) > 1
