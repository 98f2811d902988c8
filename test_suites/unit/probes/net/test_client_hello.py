"""Size and groups of a ClientHello, as the TLS client itself makes it."""

from __future__ import annotations

import ssl
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.net.route import unverified_tls_context
from probes.net.tls_facts import client_hello_of, is_complete, read_client_hello

CONTEXT = unverified_tls_context()


def sent_by(context: ssl.SSLContext) -> bytes:
    outgoing = ssl.MemoryBIO()
    tls = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="a.test")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


HELLO = sent_by(CONTEXT)


def hello(*groups: int, kind: int = 1) -> bytes:
    """A ClientHello with no more in it than the groups."""
    listed = struct.pack(f">H{len(groups)}H", 2 * len(groups), *groups)
    extension = struct.pack(">HHHH", 0xFF01, 0, 10, len(listed)) + listed
    body = b"\3\3" + bytes(32) + b"\0" + b"\0\2\x13\1" + b"\1\0"
    body += struct.pack(">H", len(extension)) + extension
    message = bytes([kind]) + len(body).to_bytes(3) + body
    return b"\x16\3\1" + struct.pack(">H", len(message)) + message


def test_reads_what_a_context_says_first() -> None:
    found = client_hello_of(CONTEXT, "ours")

    assert found.problem == ""
    assert found.size is not None
    assert found.size > 100
    assert "x25519" in found.groups
    assert not found.is_random


def test_a_context_that_offers_one_curve_shows_it() -> None:
    context = unverified_tls_context()
    context.set_ecdh_curve("secp384r1")

    assert client_hello_of(context, "ours").groups == ("secp384r1",)


def test_a_context_that_cannot_speak_says_why() -> None:
    context = unverified_tls_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.maximum_version = ssl.TLSVersion.TLSv1_2

    found = client_hello_of(context, "ours")

    assert (found.size, found.groups) == (None, ())
    assert found.problem


def test_groups_have_their_names_and_the_unknown_their_number() -> None:
    sent = hello(0x5A5A, 0x11EC, 0x001D, 0xFEFE)

    found = read_client_hello(sent, "browser")

    assert found.size == len(sent)
    assert found.groups == ("GREASE", "X25519MLKEM768", "x25519", "0xfefe")
    assert found.is_random
    assert read_client_hello(hello(0x0A1A), "c").groups == ("0x0a1a",)


def test_a_message_in_two_records_is_one() -> None:
    message = hello(0x1D)[5:]
    parts = (message[:20], message[20:])
    sent = b"".join(b"\x16\3\1" + struct.pack(">H", len(part)) + part for part in parts)

    assert read_client_hello(sent, "c").groups == ("x25519",)


@pytest.mark.parametrize(
    ("sent", "problem"),
    [
        (b"", "a TLS message that is cut short"),
        (b"GET / HTTP/1.1\r\n\r\n", "not a TLS handshake"),
        (HELLO[:-1], "a TLS message that is cut short"),
        (hello(0x1D, kind=2), "not a ClientHello"),
    ],
)
def test_anything_else_is_a_problem_and_no_number(sent: bytes, problem: str) -> None:
    found = read_client_hello(sent, "c")

    assert (found.size, found.groups, found.problem) == (None, (), problem)


@given(cut=st.integers(0, len(HELLO) - 1))
def test_it_is_whole_only_with_its_last_byte(cut: int) -> None:
    assert not is_complete(HELLO[:cut])
    assert is_complete(HELLO)


@given(st.binary(max_size=400), st.integers(0, len(HELLO) - 1))
def test_hostile_bytes_never_raise(noise: bytes, at: int) -> None:
    for sent in (noise, b"\x16\3\1" + noise, HELLO[:at] + noise + HELLO[at + len(noise) :]):
        found = read_client_hello(sent, "c")
        assert (found.size is None) == bool(found.problem)
        is_complete(sent)
