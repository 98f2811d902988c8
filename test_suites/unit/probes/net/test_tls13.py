"""TLS 1.3 with a ClientHello byte for byte, against OpenSSL: handshakes, alerts and faults."""

from __future__ import annotations

import contextlib
import random
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.net.client_hello import PADDING
from probes.net.first_flight import FlightShape
from probes.net.key_shares import (
    HAS_MLKEM,
    X25519,
    X25519_MLKEM768,
    KeyShares,
    answer_shares,
    shares_in,
)
from probes.net.tls13 import RETRY, HelloPlan, Tls13Client, Tls13Stream, build_hello
from probes.net.tls13_records import COMPATIBLE_CHANGE, handshake_message, plain_records
from probes.range.authority import Authority
from probes.range.server_tls import Tls, server_context
from test_suites.kit.networks.joined import Joined

HOST = b"cv-001.ways.accredit.test"
PLAN = HelloPlan(names=(HOST,))
GROUPS = (X25519_MLKEM768, X25519) if HAS_MLKEM else (X25519,)


def client(plan: HelloPlan = PLAN, groups: tuple[int, ...] = (X25519,)) -> Tls13Client:
    shares = KeyShares(groups)
    return Tls13Client(build_hello(plan, shares), shares)


async def shaken(far_end: Joined, made: Tls13Client) -> Tls13Stream:
    stream = Tls13Stream(far_end, made)
    await stream.handshake(FlightShape(), random.Random(1))
    return stream


def openssl(authority: Authority, piece: int = 1 << 20) -> Joined:
    return Joined(Tls(server_context(authority)), piece=piece)


@pytest.mark.parametrize("cipher", [0x1301, 0x1302, 0x1303])
async def test_openssl_answers_with_each_cipher(authority: Authority, cipher: int) -> None:
    far_end = openssl(authority, piece=90)
    stream = await shaken(far_end, client(HelloPlan(names=(HOST,), ciphers=(cipher,))))
    text = b"a" * 40_000
    await stream.write(text)
    received = b""
    while len(received) < len(text):
        received += await stream.read()

    assert text.upper() == received
    assert text == far_end.received
    assert "http/1.1" == stream.alpn_protocol
    certificate = stream.certificate()
    assert certificate is not None
    assert (f"CN={HOST.decode()}", None) == (certificate.subject, certificate.trusted)


@pytest.mark.skipif(not HAS_MLKEM, reason="this version of cryptography has no ML-KEM")
@pytest.mark.skipif(ssl.OPENSSL_VERSION_INFO < (3, 5), reason="OpenSSL has no ML-KEM before 3.5")
async def test_a_key_share_after_quantum_computers(authority: Authority) -> None:
    far_end = openssl(authority)
    stream = await shaken(far_end, client(groups=(X25519_MLKEM768,)))
    await stream.write(b"hello")

    assert b"HELLO" == await stream.read()
    assert len(far_end.writes[0]) > 1400


def test_both_ends_of_a_key_share_have_the_same_secret() -> None:
    for group in GROUPS:
        shares = KeyShares([group])
        (offered,) = shares_in(shares.extension().data)
        answered, secret = answer_shares([(99, b""), offered])
        assert secret == shares.secret(answered)


@pytest.mark.parametrize("share", [(X25519, b"short"), (X25519, bytes(32)), (23, bytes(65))])
def test_a_wrong_share_is_refused(share: tuple[int, bytes]) -> None:
    with pytest.raises(ValueError):
        KeyShares([X25519]).secret(share)
    with pytest.raises(ValueError):
        answer_shares([share])


def test_a_group_without_keys_cannot_be_offered() -> None:
    with pytest.raises(ValueError, match="group 0x0017"):
        KeyShares([0x17])


def test_names_order_and_size_are_as_they_are_told() -> None:
    plan = HelloPlan(names=(b"**a*", b"\xff"), alpn=(), order=(51, 43, 99, 0), least=900)
    hello = build_hello(plan, KeyShares([X25519]))

    assert (b"**a*", b"\xff") == hello.server_names
    assert [51, 43, 99, 0, PADDING] == [each.kind for each in hello.extensions]
    assert b"" == hello.extension(99)
    assert 900 == len(hello.message())
    assert () == build_hello(HelloPlan(), KeyShares([X25519])).server_names


async def test_an_alert_has_its_name(authority: Authority) -> None:
    with pytest.raises(ssl.SSLError) as caught:
        await shaken(openssl(authority), client(HelloPlan(names=(HOST, HOST))))
    assert "TLSV13_ALERT_DECODE_ERROR" == caught.value.reason


async def test_an_older_server_is_not_understood(authority: Authority) -> None:
    context = server_context(authority)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError) as caught:
        await shaken(Joined(Tls(context)), client())
    assert "TLSV13_ALERT_PROTOCOL_VERSION" == caught.value.reason


async def test_close_notify_is_the_end(authority: Authority) -> None:
    far_end = openssl(authority)
    stream = await shaken(far_end, client())
    await stream.write(b"hello")
    far_end.server.close()
    await far_end.write(b"")

    assert b"HELLO" == await stream.read()
    assert b"" == await stream.read() == await stream.read()
    with pytest.raises(OSError, match="encrypted already"):
        await stream.start_tls(ssl.create_default_context(), "")
    stream.close()
    assert far_end.is_closed


async def test_a_server_may_ask_for_a_certificate_and_gets_an_empty_one(
    authority: Authority,
) -> None:
    context = authority.context(HOST.decode())
    context.verify_mode = ssl.CERT_OPTIONAL
    far_end = Joined(Tls(context))
    stream = await shaken(far_end, client())
    await stream.write(b"hello")

    assert b"HELLO" == await stream.read()
    assert not far_end.errors


def server_hello(
    random: bytes = bytes(32), version: bytes = b"\3\4", cipher: int = 0x1301
) -> bytes:
    extensions = b"\0\x2b\0\2" + version + b"\0\x33\0\4\0\x1d\0\0"
    body = b"\3\3" + random + b"\0" + cipher.to_bytes(2) + b"\0"
    return plain_records(handshake_message(2, body + len(extensions).to_bytes(2) + extensions))


@pytest.mark.parametrize(
    ("received", "reason"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak TLS"),
        (b"\x16\3\3\xff\xff", "too long"),
        (b"\x17\3\3\0\1a", "unexpected type"),
        (b"\x15\3\3\0\2\2\x70", "sent an alert"),
        (plain_records(handshake_message(20, b"")), "unexpected handshake message 20"),
        (b"\x16\3\3\0\4\2\xff\xff\xff", "message is too long"),
        (server_hello(RETRY), "another ClientHello"),
        (server_hello(version=b"\3\3"), "does not speak TLS 1.3"),
        (server_hello(cipher=0x1305), "cipher suite 0x1305"),
        (COMPATIBLE_CHANGE + server_hello(), "X25519"),
        (plain_records(handshake_message(2, b"\3\3")), "cut short"),
    ],
)
async def test_what_breaks_the_rules_is_an_error_of_tls(received: bytes, reason: str) -> None:
    class Faulty:
        def receive(self, data: bytes) -> bytes:
            return b""

        def send(self, data: bytes) -> None:
            raise NotImplementedError

        def close(self) -> None:
            raise NotImplementedError

        def outgoing(self) -> bytes:
            return received

    with pytest.raises(ssl.SSLError, match=reason):
        await shaken(Joined(Faulty()), client())


AUTHORITY = Authority()


@given(st.integers(5, 900), st.integers(1, 255))
def test_a_changed_byte_of_the_answer_never_opens_the_connection(place: int, change: int) -> None:
    made, server = client(), Tls(server_context(AUTHORITY))
    server.receive(made.first_flight())
    answer = bytearray(server.outgoing())
    skipped = answer.index(COMPATIBLE_CHANGE)
    place += len(COMPATIBLE_CHANGE) if place >= skipped else 0
    answer[place] ^= change
    with contextlib.suppress(ssl.SSLError, ValueError):
        made.receive(bytes(answer))

    assert not made.is_open


def test_an_unchanged_answer_opens_the_connection() -> None:
    made, server = client(), Tls(server_context(AUTHORITY))
    server.receive(made.first_flight())
    made.receive(server.outgoing())

    assert made.is_open
