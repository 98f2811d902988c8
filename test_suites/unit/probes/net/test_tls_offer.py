"""What a ClientHello offers, read from OpenSSL's and from bytes."""

from __future__ import annotations

import hashlib
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.tls_view import has_forward_secrecy
from probes.net.client_hello import (
    SUPPORTED_GROUPS,
    SUPPORTED_VERSIONS,
    ClientHello,
    Extension,
    alpn_extension,
    hello_body,
    numbers,
    vector,
)
from probes.net.tls_offer import read_offer


def records(hello: ClientHello) -> bytes:
    return b"\x16\3\1" + vector(hello.message(), 2)


def openssl_hello(context: ssl.SSLContext) -> bytes:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing, server_hostname="a.test").do_handshake()
    return outgoing.read()


def test_the_offer_of_openssl_is_read_by_its_own_names() -> None:
    context = ssl.create_default_context()
    context.set_ciphers("ECDHE+AESGCM")
    context.set_alpn_protocols(["h2", "http/1.1"])
    sent = openssl_hello(context)
    offer = read_offer(sent)

    assert offer.digest == hashlib.sha256(hello_body(sent)).hexdigest()
    assert offer.versions == ("TLSv1.3", "TLSv1.2")
    assert list(offer.ciphers) == [one["name"] for one in context.get_ciphers()]
    assert offer.alpn == ("h2", "http/1.1")
    assert "x25519" in offer.groups


def test_broken_suites_have_names_though_openssl_does_not_know_them() -> None:
    hello = ClientHello(random=b"r" * 32, ciphers=(0x0005, 0x000A, 0x0001, 0xFACE, 0x00FF))

    assert read_offer(records(hello)).ciphers == ("RC4-SHA", "DES-CBC3-SHA", "NULL-MD5", "0xface")


def test_random_values_are_left_out() -> None:
    hello = ClientHello(
        random=b"r" * 32,
        ciphers=(0x0A0A, 0x1301),
        extensions=(
            Extension(0x1A1A, b""),
            Extension(SUPPORTED_VERSIONS, vector(b"\x2a\x2a\3\4", 1)),
            Extension(SUPPORTED_GROUPS, numbers((0x3A3A, 0x001D), 2)),
            alpn_extension(["h2"]),
        ),
    )
    offer = read_offer(records(hello))

    assert offer.ciphers == ("TLS_AES_128_GCM_SHA256",)
    assert offer.versions == ("TLSv1.3",)
    assert offer.groups == ("x25519",)
    assert offer.extensions == (SUPPORTED_VERSIONS, SUPPORTED_GROUPS, 16)


def test_without_the_extension_the_legacy_version_counts() -> None:
    assert read_offer(records(ClientHello(random=b"r" * 32, version=0x0301))).versions == ("TLSv1",)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for text in (data, b"\x16\3\1" + vector(data, 2)):
        try:
            read_offer(text)
        except ValueError:
            continue


@pytest.mark.parametrize(
    ("cipher", "expected"),
    [
        ("TLS_AES_128_GCM_SHA256", True),
        ("ECDHE-RSA-AES128-GCM-SHA256", True),
        ("DHE-RSA-AES128-SHA", True),
        ("AES128-GCM-SHA256", False),
    ],
)
def test_forward_secrecy_is_known_by_the_name_of_a_suite(cipher: str, expected: bool) -> None:
    assert has_forward_secrecy(cipher) is expected
