"""The host that a TLS client wants is read from its first words, however they are cut."""

from __future__ import annotations

import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.range.gateway import read_server_name


def hello(host: str | None) -> bytes:
    """The ClientHello of a client of ours."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    outgoing = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=host).do_handshake()
    return outgoing.read()


WHOLE = hello("gamb-001.canary.accredit.test")


def test_the_name_is_read() -> None:
    assert "gamb-001.canary.accredit.test" == read_server_name(WHOLE)


def test_a_client_may_name_nobody() -> None:
    assert "" == read_server_name(hello(None))


@given(st.integers(0, len(WHOLE) - 1))
def test_more_must_come_before_the_end(cut: int) -> None:
    assert read_server_name(WHOLE[:cut]) is None


def test_what_is_no_tls_is_refused() -> None:
    with pytest.raises(ValueError, match="no ClientHello"):
        read_server_name(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
