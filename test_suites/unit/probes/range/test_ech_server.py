"""An origin opens ClientHellos that were sealed for it, and leaves all others to OpenSSL."""

from __future__ import annotations

import io
import random
import ssl
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from probes.net import ech
from probes.net.browser import can_browse
from probes.net.client_hello import ECH, SIGNATURE_ALGORITHMS, ClientHello, Extension
from probes.net.first_flight import FlightShape
from probes.net.key_shares import HAS_MLKEM, X25519, X25519_MLKEM768, KeyShares
from probes.net.tls13 import FINISHED, HelloPlan, Tls13Client, Tls13Stream, build_hello
from probes.net.tls13_records import handshake_message
from probes.range.authority import Authority
from probes.range.ech_server import OriginEch, Tls13Server, TlsWithEch
from probes.range.server_tls import server_context
from probes.range.testbed import RangeTestbed
from test_suites.kit.networks.joined import Joined

HOST, PUBLIC = "cv-001.ways.accredit.test", "open.ways.accredit.test"
OFFER = OriginEch.of(b"key of the markers")
CONFIG = OFFER.key.config(PUBLIC)
MARKED = Extension(ECH, ech.INNER)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


def far_end(authority: Authority, alpn: tuple[str, ...] = ("http/1.1",)) -> Joined:
    return Joined(TlsWithEch(server_context(authority), OFFER, authority, alpn), piece=300)


def sealed(
    config: ech.EchConfig = CONFIG,
    plan: HelloPlan = HelloPlan(names=(HOST.encode(),)),  # noqa: B008 - frozen
    groups: tuple[int, ...] = (X25519,),
    inner_extensions: tuple[Extension, ...] = (MARKED,),
) -> Tls13Client:
    shares = KeyShares(groups)
    inner = build_hello(plan, shares, inner_extensions)
    public = replace(plan, names=(config.public_name.encode(),))
    outer = build_hello(public, shares, (MARKED,), inner.session_id)
    return Tls13Client(ech.seal(config, inner, outer), shares, inner)


async def shaken(stream: Joined, client: Tls13Client) -> Tls13Stream:
    secured = Tls13Stream(stream, client)
    await secured.handshake(FlightShape(cuts=(3, "half")), random.Random(1))
    return secured


def subject(secured: Tls13Stream) -> str:
    certificate = secured.certificate()
    assert certificate is not None
    return certificate.subject


@pytest.mark.parametrize("cipher", [0x1301, 0x1302, 0x1303, 0x1304])
async def test_a_sealed_hello_is_answered_for_its_own_name(
    authority: Authority, cipher: int
) -> None:
    stream = far_end(authority)
    plan = HelloPlan(names=(HOST.encode(),), ciphers=(0x1305, cipher))
    secured = await shaken(stream, sealed(plan=plan))
    text = b"a" * 20_000
    await secured.write(text)
    received = b""
    while len(received) < len(text):
        received += await secured.read()

    assert text.upper() == received
    assert f"CN={HOST}" == subject(secured)
    assert HOST.encode() not in b"".join(stream.writes)
    stream.server.close()
    await stream.write(b"")
    assert b"" == await secured.read()


@pytest.mark.skipif(not HAS_MLKEM, reason="this version of cryptography has no ML-KEM")
async def test_a_sealed_hello_may_have_a_key_share_after_quantum_computers(
    authority: Authority,
) -> None:
    secured = await shaken(far_end(authority), sealed(groups=(X25519_MLKEM768, X25519)))
    await secured.write(b"hello")

    assert b"HELLO" == await secured.read()


@pytest.mark.parametrize(
    ("accepted", "offered", "chosen"),
    [
        (("http/1.1",), ("h2", "http/1.1"), "http/1.1"),
        (("h2", "http/1.1"), ("http/1.1", "h2"), "h2"),
        (("http/1.1",), ("h9",), ""),
        (("http/1.1",), (), ""),
    ],
)
async def test_the_protocol_above_is_negotiated(
    authority: Authority, accepted: tuple[str, ...], offered: tuple[str, ...], chosen: str
) -> None:
    plan = HelloPlan(names=(HOST.encode(),), alpn=offered)
    assert chosen == (await shaken(far_end(authority, accepted), sealed(plan=plan))).alpn_protocol


async def test_a_placeholder_is_answered_by_openssl(authority: Authority) -> None:
    shares = KeyShares([X25519])
    hello = build_hello(HelloPlan(names=(HOST.encode(),)), shares, (ech.grease(300),))
    secured = await shaken(far_end(authority), Tls13Client(hello, shares))
    await secured.write(b"hello")

    assert b"HELLO" == await secured.read()
    assert f"CN={HOST}" == subject(secured)


@pytest.mark.parametrize(
    "config",
    [
        ech.EchKey.of_origin(b"another origin").config(PUBLIC),
        OFFER.key.config("open.ways.example.org"),
    ],
)
async def test_what_cannot_be_opened_is_not_accepted(
    authority: Authority, config: ech.EchConfig
) -> None:
    with pytest.raises(ssl.SSLError, match="ech_required"):
        await shaken(far_end(authority), sealed(config))


@pytest.mark.parametrize(
    "client",
    [
        pytest.param(lambda: sealed(inner_extensions=()), id="no mark inside"),
        pytest.param(
            lambda: sealed(plan=HelloPlan(names=(HOST.encode(),), ciphers=(0x1305,))),
            id="no known cipher suite",
        ),
        pytest.param(
            lambda: sealed(plan=HelloPlan(names=(b"orchard-view.test",))), id="not served"
        ),
    ],
)
async def test_a_sealed_hello_that_cannot_be_answered_ends_the_connection(
    authority: Authority, client: Callable[[], Tls13Client]
) -> None:
    stream = far_end(authority)
    with pytest.raises(ssl.SSLError):
        await shaken(stream, client())
    assert stream.errors


def test_bytes_that_are_no_tls_are_an_error(authority: Authority) -> None:
    server = TlsWithEch(server_context(authority), OFFER, authority)
    server.send(b"nothing is open")
    server.close()
    assert b"" == server.outgoing() == server.receive(b"")
    with pytest.raises(ssl.SSLError):
        server.receive(b"GET / HTTP/1.1\r\n\r\n")


def with_wrong_finished(kind: int, body: bytes) -> bytes:
    """Return a handshake message; a Finished has the wrong proof."""
    return handshake_message(kind, bytes(len(body)) if kind == FINISHED else body)


def test_a_wrong_finished_of_the_server_opens_nothing(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, server = sealed(), TlsWithEch(server_context(authority), OFFER, authority)
    monkeypatch.setattr("probes.range.ech_server.handshake_message", with_wrong_finished)
    server.receive(client.first_flight())
    with pytest.raises(ssl.SSLError, match="server's Finished does not fit"):
        client.receive(server.outgoing())

    assert not client.is_open


def test_a_wrong_finished_of_the_client_opens_nothing(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, server = sealed(), TlsWithEch(server_context(authority), OFFER, authority)
    server.receive(client.first_flight())
    monkeypatch.setattr("probes.net.tls13.handshake_message", with_wrong_finished)
    client.receive(server.outgoing())
    with pytest.raises(ssl.SSLError, match="client's Finished does not fit"):
        server.receive(bytes(client.outgoing))


def test_a_changed_record_cannot_be_decrypted(authority: Authority) -> None:
    client, server = sealed(), TlsWithEch(server_context(authority), OFFER, authority)
    server.receive(client.first_flight())
    client.receive(server.outgoing())
    finished = bytearray(client.outgoing)
    finished[-1] ^= 1
    with pytest.raises(ssl.SSLError, match="cannot be decrypted"):
        server.receive(bytes(finished))


def test_only_hosts_of_techniques_have_keys() -> None:
    (config,) = ech.read_configs(OFFER.config_list(HOST.upper()))

    assert CONFIG == config
    for host in ("accredit.test", "gamb-001.canary.accredit.test", "ways.accredit.test", "a.b"):
        assert b"" == OFFER.config_list(host)


Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


@pytest.mark.parametrize(
    ("make", "scheme"),
    [
        pytest.param(lambda: ec.generate_private_key(ec.SECP256R1()), 0x0403, id="P-256"),
        pytest.param(lambda: ec.generate_private_key(ec.SECP384R1()), 0x0503, id="P-384"),
        pytest.param(lambda: rsa.generate_private_key(65537, 2048), 0x0804, id="RSA"),
        pytest.param(ed25519.Ed25519PrivateKey.generate, 0x0807, id="Ed25519"),
    ],
)
def test_keys_of_all_usual_kinds_sign(
    authority: Authority, make: Callable[[], Key], scheme: int
) -> None:
    key, leaf = make(), authority.leaf(HOST)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    pem += leaf.public_bytes(Encoding.PEM)
    shares = KeyShares([X25519])
    hello = build_hello(HelloPlan(names=(HOST.encode(),)), shares)
    offered = b"\0\4\2\1" + scheme.to_bytes(2)
    server = Tls13Server(
        hello.with_extension(SIGNATURE_ALGORITHMS, offered), lambda _: pem, ("http/1.1",)
    )
    server.answer_hello()
    assert server.outgoing()

    refused = hello.with_extension(SIGNATURE_ALGORITHMS, b"\0\2\2\1")
    with pytest.raises(ssl.SSLError, match="signature algorithm"):
        Tls13Server(refused, lambda _: pem, ()).answer_hello()


@pytest.mark.skipif(not can_browse(), reason="needs curl_cffi")
@pytest.mark.parametrize(
    ("spec", "is_opened"), [("grease", False), ("ecl:", True)], ids=["placeholder", "sealed"]
)
def test_the_tls_of_chrome_accepts_the_answer(
    world: RangeTestbed, monkeypatch: pytest.MonkeyPatch, spec: str, is_opened: bool
) -> None:
    """BoringSSL verifies the certificate, the signature and the acceptance; it shares no code."""
    curl = pytest.importorskip("curl_cffi")
    inner: list[ClientHello | None] = []
    find = OriginEch.inner_hello

    def note(offer: OriginEch, records: bytes) -> ClientHello | None:
        inner.append(find(offer, records))
        return inner[-1]

    monkeypatch.setattr(OriginEch, "inner_hello", note)
    origin, body, client = world.origin, io.BytesIO(), curl.Curl()
    config = ech.EchKey.of_origin(origin.key).config(PUBLIC)
    listed = b64encode(ech.config_list([config])).decode() if is_opened else ""
    port = origin.ports[443]
    for option, value in (
        (curl.CurlOpt.URL, f"https://{HOST}:{port}/".encode()),
        (curl.CurlOpt.RESOLVE, [f"{HOST}:{port}:127.0.0.1"]),
        (curl.CurlOpt.CAINFO, origin.authority.encode()),
        (curl.CurlOpt.WRITEDATA, body),
        (curl.CurlOpt.ECH, f"{spec}{listed}".encode()),
    ):
        client.setopt(option, value)
    client.impersonate("chrome136")
    client.perform()
    client.close()

    assert b"</html>" in body.getvalue()
    assert [(HOST.encode(),) if is_opened else None] == [
        each and each.server_names for each in inner
    ]
