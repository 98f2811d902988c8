"""Read what a client offers from its ClientHello (RFC 8446 section 4.1.2)."""

from __future__ import annotations

import hashlib
import ssl
from functools import cache

from harness.model.tls_view import TlsOffer
from probes.net.client_hello import (
    SUPPORTED_GROUPS,
    SUPPORTED_VERSIONS,
    ClientHello,
    FieldReader,
    hello_body,
    read_hello,
)
from probes.net.tls_facts import GROUPS, RANDOM_GROUPS

VERSION_NAMES = {
    0x0300: "SSLv3",
    0x0301: "TLSv1",
    0x0302: "TLSv1.1",
    0x0303: "TLSv1.2",
    0x0304: "TLSv1.3",
}

SIGNALS = frozenset({0x00FF, 0x5600})
"""Numbers among cipher suites that are signals (RFC 5746, RFC 7507), not ciphers."""

OLD_CIPHERS = {
    0x0001: "NULL-MD5",
    0x0002: "NULL-SHA",
    0x003B: "NULL-SHA256",
    0x0003: "EXP-RC4-MD5",
    0x0004: "RC4-MD5",
    0x0005: "RC4-SHA",
    0x0008: "EXP-DES-CBC-SHA",
    0x0009: "DES-CBC-SHA",
    0x000A: "DES-CBC3-SHA",
    0x0014: "EXP-DHE-RSA-DES-CBC-SHA",
    0x0015: "DHE-RSA-DES-CBC-SHA",
    0x0016: "DHE-RSA-DES-CBC3-SHA",
    0x0018: "ADH-RC4-MD5",
    0x001B: "ADH-DES-CBC3-SHA",
    0x0034: "ADH-AES128-SHA",
    0x003A: "ADH-AES256-SHA",
    0xC006: "ECDHE-ECDSA-NULL-SHA",
    0xC007: "ECDHE-ECDSA-RC4-SHA",
    0xC008: "ECDHE-ECDSA-DES-CBC3-SHA",
    0xC010: "ECDHE-RSA-NULL-SHA",
    0xC011: "ECDHE-RSA-RC4-SHA",
    0xC012: "ECDHE-RSA-DES-CBC3-SHA",
}
"""Broken cipher suites, which this machine's OpenSSL may not know (IANA TLS Cipher Suites)."""


def read_offer(records: bytes) -> TlsOffer:
    """Return what a ClientHello in TLS records offers. Raises ValueError if it is none."""
    body = hello_body(records)
    hello = read_hello(body)
    return TlsOffer(
        digest=hashlib.sha256(body).hexdigest(),
        size=len(body),
        versions=_versions(hello),
        ciphers=tuple(
            _cipher(each)
            for each in hello.ciphers
            if each not in RANDOM_GROUPS and each not in SIGNALS
        ),
        groups=tuple(
            GROUPS.get(each, f"0x{each:04x}")
            for each in hello.listed(SUPPORTED_GROUPS)
            if each not in RANDOM_GROUPS
        ),
        alpn=tuple(each.decode("latin-1") for each in hello.protocols),
        extensions=tuple(each.kind for each in hello.extensions if each.kind not in RANDOM_GROUPS),
    )


def _versions(hello: ClientHello) -> tuple[str, ...]:
    """Return the versions, the preferred one first; without the extension, the highest alone."""
    data = hello.extension(SUPPORTED_VERSIONS)
    numbers = FieldReader(data).numbers(1) if data else (hello.version,)
    named = [each for each in numbers if each not in RANDOM_GROUPS]
    return tuple(VERSION_NAMES.get(each, f"0x{each:04x}") for each in named)


def _cipher(number: int) -> str:
    return OLD_CIPHERS.get(number) or _known_ciphers().get(number, f"0x{number:04x}")


@cache
def _known_ciphers() -> dict[int, str]:
    """Return the names of the cipher suites that OpenSSL knows, by number."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_ciphers("ALL:eNULL:@SECLEVEL=0")
    return {one["id"] & 0xFFFF: one["name"] for one in context.get_ciphers()}
