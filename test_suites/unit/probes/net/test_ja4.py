"""The fingerprint of a ClientHello is that which other programs compute."""

from __future__ import annotations

import hashlib

import pytest

from probes.net.client_hello import (
    SERVER_NAME,
    SIGNATURE_ALGORITHMS,
    SUPPORTED_VERSIONS,
    ClientHello,
    Extension,
    alpn_extension,
    numbers,
)
from probes.net.ja4 import ja4

CIPHERS = (
    0x1301, 0x1302, 0x1303, 0xC02B, 0xC02F, 0xC02C, 0xC030, 0xCCA9, 0xCCA8, 0xC013, 0xC014, 0x009C,
    0x009D, 0x002F, 0x0035,
)  # fmt: skip
EXTENSIONS = (
    0x001B,
    0xFF01,
    0x0033,
    0x0005,
    0x000A,
    0x000B,
    0x0012,
    0x002B,
    0x002D,
    0x0023,
    0x0017,
    0x0015,
    0x4469,
)
SIGNATURES = (0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601)


def hello(*more: Extension, ciphers: tuple[int, ...] = CIPHERS) -> ClientHello:
    kinds = {each.kind for each in more}
    others = (Extension(kind, b"") for kind in EXTENSIONS if kind not in kinds)
    return ClientHello(random=bytes(32), ciphers=ciphers, extensions=(*others, *more))


VERSIONS = Extension(SUPPORTED_VERSIONS, numbers((0x2A2A, 0x0304, 0x0303), 1))
KNOWN = (
    Extension(SERVER_NAME, b""), alpn_extension(("h2", "http/1.1")), VERSIONS,
    Extension(SIGNATURE_ALGORITHMS, numbers(SIGNATURES, 2)),
)  # fmt: skip


def test_the_example_of_the_specification_has_its_fingerprint() -> None:
    """FoxIO, JA4 technical details: the ClientHello of Chrome 108."""
    assert ja4(hello(*KNOWN)) == "t13d1516h2_8daaf6152771_e5627efa2ab1"


def test_order_and_reserved_values_do_not_count() -> None:
    shuffled = hello(*KNOWN[::-1], Extension(0x3A3A, b""), ciphers=(0x1A1A, *CIPHERS[::-1]))

    assert ja4(shuffled) == ja4(hello(*KNOWN))


def test_without_names_and_protocols_it_says_so() -> None:
    found = ja4(hello(VERSIONS))

    assert found.startswith("t13i1513")
    assert found[8:10] == "00"


@pytest.mark.parametrize(
    ("name", "ends"), [("h2", "h2"), ("http/1.1", "h1"), ("h", "hh"), ("-a", "21")]
)
def test_the_first_protocol_is_named_by_its_ends(name: str, ends: str) -> None:
    assert ja4(hello(alpn_extension((name,))))[8:10] == ends


def test_an_old_hello_without_extensions_has_one() -> None:
    bare = ClientHello(random=bytes(32), ciphers=(0x002F,), version=0x0301)

    assert ja4(bare) == f"t10i010000_{hashlib.sha256(b'002f').hexdigest()[:12]}_000000000000"
