"""The JA4 fingerprint of a ClientHello: a short text that is the same for the same software.

FoxIO, "JA4: TLS Client Fingerprinting" (BSD 3-Clause), technical details of version 1. GREASE
(RFC 8701) does not count, and neither does the order of ciphers and extensions, which browsers
change from one connection to the next.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from probes.net.client_hello import (
    ALPN,
    SERVER_NAME,
    SIGNATURE_ALGORITHMS,
    SUPPORTED_VERSIONS,
    ClientHello,
)
from probes.net.tls_facts import RANDOM_GROUPS

VERSIONS = {0x0304: "13", 0x0303: "12", 0x0302: "11", 0x0301: "10", 0x0300: "s3"}
DIGITS = 12
MOST = 99
EMPTY = "0" * DIGITS


def ja4(hello: ClientHello) -> str:
    """Return the fingerprint of a ClientHello over TCP. Raises ValueError for a malformed one."""
    ciphers = [each for each in hello.ciphers if each not in RANDOM_GROUPS]
    kinds = [each.kind for each in hello.extensions if each.kind not in RANDOM_GROUPS]
    signatures = hello.listed(SIGNATURE_ALGORITHMS)
    counted = (each for each in kinds if each not in (SERVER_NAME, ALPN))
    listed = _listed(sorted(counted))
    if signatures:
        listed += "_" + _listed(each for each in signatures if each not in RANDOM_GROUPS)
    named = "d" if hello.extension(SERVER_NAME) is not None else "i"
    counts = f"{min(len(ciphers), MOST):02}{min(len(kinds), MOST):02}"
    first = f"t{_version(hello)}{named}{counts}{_protocol(hello)}"
    return f"{first}_{_digest(_listed(sorted(ciphers)))}_{_digest(listed if kinds else '')}"


def _version(hello: ClientHello) -> str:
    """The highest version that is offered."""
    offered = hello.listed(SUPPORTED_VERSIONS, length=1) or (hello.version,)
    known = [each for each in offered if each not in RANDOM_GROUPS]
    return VERSIONS.get(max(known, default=0), "00")


def _protocol(hello: ClientHello) -> str:
    """First and last letter of the first protocol of ALPN; 00 without one."""
    name = next(iter(hello.protocols), b"")
    if not name:
        return "00"
    ends = name[:1] + name[-1:]
    if ends.isalnum() and name.isascii():
        return ends.decode()
    return name.hex()[0] + name.hex()[-1]


def _listed(numbers: Iterable[int]) -> str:
    return ",".join(f"{each:04x}" for each in numbers)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS] if text else EMPTY
