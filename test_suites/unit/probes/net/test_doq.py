"""DNS over QUIC: a question is asked as RFC 9250 wants it, and answered."""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import partial
from time import perf_counter

import dns.message
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.net.dialling import open_datagrams
from probes.net.doq import ask_over_quic, framed, message_in
from probes.net.exchange_recorder import ExchangeRecorder
from probes.net.route import Address
from probes.range.authority import Authority
from probes.range.doq_server import DoqSession, doq_listener
from probes.range.name_server import Reply
from probes.range.quic_server import QuicListener
from probes.range.server_chain import ServerChain, read_chain
from probes.range.visitor_limits import VisitorLimits, VisitorRules

HOST = "doq.accredit.test"
QUERY = dns.message.make_query("a.accredit.test", "A", id=0x1234)


def chain_of(authority: Authority) -> ServerChain:
    return read_chain(authority.pem_with_key(authority.leaf(HOST)))


def answering(query: dns.message.Message) -> Reply:
    assert query.id == 0, "RFC 9250 section 4.2.1"
    response = dns.message.make_response(query)
    response.answer.append(dns.rrset.from_text("a.accredit.test.", 1, "IN", "A", "127.0.0.1"))
    return Reply(message=response)


async def ask(port: int, query: bytes = QUERY.to_wire(), **options: object) -> bytes:
    opened = open_datagrams(Address(host="127.0.0.1", port=port)).opened
    assert opened is not None
    try:
        return await ask_over_quic(opened, query, HOST, "", perf_counter() + 60, **options)  # type: ignore[arg-type]
    finally:
        opened.close()


async def test_a_question_is_answered_with_its_own_identifier() -> None:
    recorder = ExchangeRecorder(10)
    async with doq_listener(answering, chain_of(Authority())) as listener:
        answer = dns.message.from_wire(await ask(listener.port, recorder=recorder))

    assert answer.id == QUERY.id
    assert [str(each) for each in answer.answer] == ["a.accredit.test. 1 IN A 127.0.0.1"]
    assert recorder.certificate is not None
    assert (recorder.certificate.trusted, recorder.stage) == (False, "response")


class Scripted(DoqSession):
    """A server that answers every question with given bytes."""

    raw = b""

    def _send(self, stream: int, wire: bytes) -> None:
        self._quic.send_stream_data(stream, self.raw, end_stream=True)
        self.transmit()


def scripted(raw: bytes) -> Callable[..., DoqSession]:
    made = type("Made", (Scripted,), {"raw": raw})
    return partial(made, reply_to=answering)


@pytest.mark.parametrize(
    ("raw", "error"),
    [(b"", EOFError), (b"\0\x10abc", EOFError), (b"\0\0", ValueError), (b"\0\1a", ValueError)],
)
async def test_a_torn_answer_is_no_answer(raw: bytes, error: type[Exception]) -> None:
    chain = chain_of(Authority())
    async with QuicListener(alpn="doq", chain=chain, make=scripted(raw)) as listener:
        with pytest.raises(error):
            await ask(listener.port)


async def test_a_public_listener_wants_a_proof_of_the_address_and_limits_questions() -> None:
    limits = VisitorLimits(rules=VisitorRules(burst=1, per_second=0.001))
    chain = chain_of(Authority())
    async with doq_listener(answering, chain, limits=limits) as listener:
        first = await ask(listener.port)
        with pytest.raises(ConnectionAbortedError, match="too many questions"):
            await ask(listener.port)

    assert dns.message.from_wire(first).id == QUERY.id


async def test_a_public_listener_reads_no_long_questions() -> None:
    limits = VisitorLimits(rules=VisitorRules(message_bytes=100))
    long = dns.message.make_query("a." * 60 + "accredit.test", "A").to_wire()
    async with doq_listener(answering, chain_of(Authority()), limits=limits) as listener:
        with pytest.raises(ConnectionAbortedError, match="the question is too long"):
            await ask(listener.port, long)


@given(st.binary(min_size=2, max_size=600), st.binary(max_size=10))
def test_a_message_is_found_before_what_follows(message: bytes, rest: bytes) -> None:
    sent = framed(message)

    assert message_in(sent + rest) == message
    assert message_in(sent[:-1]) is None
    assert struct.unpack("!H", sent[:2]) == (len(message),)
