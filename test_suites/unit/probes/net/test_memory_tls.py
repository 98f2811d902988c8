"""TLS by OpenSSL above any stream: the handshake, its facts, and the ends of a connection."""

from __future__ import annotations

import random
import ssl

import pytest

from probes.net.client_hello import hello_body, read_hello
from probes.net.first_flight import FlightShape
from probes.net.memory_tls import MemoryTls
from probes.net.route import unverified_tls_context
from probes.range.authority import Authority
from probes.range.server_tls import Tls, server_context
from test_suites.kit.networks.joined import Joined

HOST = "cv-001.ways.accredit.test"


@pytest.fixture
def far_end(authority: Authority) -> Joined:
    return Joined(Tls(server_context(authority)), piece=700)


async def shaken(stream: Joined, context: ssl.SSLContext, name: str = HOST) -> MemoryTls:
    secured = MemoryTls(stream, context, name)
    await secured.handshake(FlightShape(), random.Random(1))
    return secured


async def test_what_is_written_and_read_is_encrypted(
    far_end: Joined, trust: ssl.SSLContext
) -> None:
    secured = await shaken(far_end, trust)
    await secured.write(b"")
    await secured.write(b"hello")

    assert b"HELLO" == await secured.read()
    assert (b"hello", []) == (far_end.received, far_end.errors)
    assert b"hello" not in b"".join(far_end.writes)


async def test_the_facts_of_a_handshake(far_end: Joined, trust: ssl.SSLContext) -> None:
    secured = await shaken(far_end, trust)
    certificate = secured.certificate()

    assert certificate is not None
    assert (f"CN={HOST}", True) == (certificate.subject, certificate.trusted)
    assert ("TLSv1.3", "http/1.1") == (secured.version, secured.alpn_protocol)


async def test_a_chain_that_was_not_verified_is_recorded_all_the_same(far_end: Joined) -> None:
    secured = await shaken(far_end, unverified_tls_context(("h9",)), "**x.example.org*")
    certificate = secured.certificate()

    assert certificate is not None
    assert ("CN=accredit.test", None) == (certificate.subject, certificate.trusted)
    assert "" == secured.alpn_protocol


@pytest.mark.parametrize("name", ["", HOST.upper(), f"{HOST}.", f"**{HOST}*"])
async def test_the_name_is_sent_as_it_is(far_end: Joined, name: str) -> None:
    await shaken(far_end, unverified_tls_context(), name)
    hello = read_hello(hello_body(far_end.writes[0]))

    assert ((name.encode(),) if name else ()) == hello.server_names


async def test_the_flight_is_sent_in_its_shape(far_end: Joined, trust: ssl.SSLContext) -> None:
    secured = MemoryTls(far_end, trust, HOST)
    sent = await secured.handshake(FlightShape(records=100, cuts=("sni",)), random.Random(1))

    assert sent == b"".join(far_end.writes[:2])
    assert (HOST.encode(),) == read_hello(hello_body(sent)).server_names
    await secured.write(b"hello")
    assert b"HELLO" == await secured.read()


async def test_a_certificate_of_an_unknown_authority_is_an_error_and_is_said(
    far_end: Joined,
) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="self-signed certificate"):
        await shaken(far_end, ssl.create_default_context())
    assert "ALERT" in far_end.errors[0].reason


async def test_the_end_of_the_far_end_is_the_end_of_the_stream(
    far_end: Joined, trust: ssl.SSLContext
) -> None:
    secured = await shaken(far_end, trust)
    assert b"" == await secured.read()  # closed without a word

    secured = await shaken(Joined(Tls(server_context(Authority()))), unverified_tls_context())
    far = secured._stream
    assert isinstance(far, Joined)
    far.server.close()
    await far.write(b"")
    assert b"" == await secured.read()


async def test_a_far_end_that_closes_before_the_end_of_the_handshake_is_an_error(
    far_end: Joined, trust: ssl.SSLContext
) -> None:
    far_end.server.receive = lambda data: b""  # type: ignore[method-assign]
    with pytest.raises(ssl.SSLEOFError):
        await shaken(far_end, trust)


async def test_the_stream_below_is_closed_and_another_handshake_refused(
    far_end: Joined, trust: ssl.SSLContext
) -> None:
    secured = await shaken(far_end, trust)
    with pytest.raises(OSError, match="encrypted already"):
        await secured.start_tls(trust, HOST)
    secured.close()

    assert far_end.is_closed
