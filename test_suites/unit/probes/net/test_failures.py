"""Every trouble keeps its own name, on every lane, and our own trouble is named ours."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from typing import Any

import pytest

from harness.model.observation import FAILURES
from probes.net.exchange_recorder import (
    ERRNO_NAMES,
    RCODE_NAMES,
    RESOLVER_NAMES,
    failure_of,
    resolve_failure,
)
from probes.net.route import Proxy

HOST = "gamb-001.canary.accredit.test"


@pytest.mark.parametrize(
    ("play", "failure", "stage"),
    [
        ("reset", "connection_reset", "response"),
        ("close", "eof_error", "response"),
        ("torn", "eof_error", "response"),
        ("nonsense", "http_invalid_response", "response"),
        ("silent", "generic_timeout_error", "response"),
    ],
)
async def test_failures_are_told_apart(
    fetch: Any, serve: Any, plays: Any, play: str, failure: str, stage: str
) -> None:
    exchange = await fetch(f"http://{HOST}/", await serve(plays[play]), timeout=0.3)

    assert (exchange.failure.name, exchange.failure.stage) == (failure, stage)
    assert exchange.timings.connect is not None
    assert exchange.timings.total is not None


async def test_a_closed_port_has_no_connect_phase(fetch: Any, closed_port: int) -> None:
    exchange = await fetch(f"http://{HOST}/", closed_port)

    assert (exchange.failure.name, exchange.failure.stage) == ("connection_refused", "connect")
    assert exchange.timings.connect is None


async def test_a_closed_proxy_never_looks_like_a_closed_host(fetch: Any, closed_port: int) -> None:
    for scheme in ("http", "https"):
        exchange = await fetch(f"{scheme}://{HOST}/", closed_port, proxy=Proxy())

        assert exchange.failure.stage == "proxy_connect"


@pytest.mark.parametrize(
    ("play", "failure"),
    [
        ("close", "eof_error"),
        ("reset", "connection_reset"),
        ("silent", "generic_timeout_error"),
        ("nonsense", "ssl_failed_handshake"),
    ],
)
async def test_failures_inside_the_handshake(
    fetch: Any, serve: Any, plays: Any, say: Any, play: str, failure: str
) -> None:
    async def nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        await asyncio.Event().wait()

    port = await serve(nonsense if play == "nonsense" else plays[play])
    exchange = await fetch(f"https://{HOST}/", port, timeout=0.5)

    assert (exchange.failure.name, exchange.failure.stage) == (failure, "tls")
    assert exchange.timings.tls is None


async def test_an_alert_is_told_from_a_close(fetch: Any, serve: Any) -> None:
    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65536)
        writer.write(bytes.fromhex("15 0303 0002 02 70"))
        await writer.drain()

    exchange = await fetch(f"https://{HOST}/", await serve(play))

    assert (exchange.failure.name, exchange.failure.stage) == ("tls_alert", "tls")
    assert "unrecognized_name" in exchange.failure.detail


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (OSError(errno.ECONNREFUSED, ""), "connection_refused"),
        (OSError(errno.ECONNRESET, ""), "connection_reset"),
        (OSError(errno.EHOSTUNREACH, ""), "host_unreachable"),
        (OSError(errno.ENETUNREACH, ""), "network_unreachable"),
        (OSError(errno.ETIMEDOUT, ""), "timed_out"),
        (ConnectionResetError(), "eof_error"),
        (EOFError(), "eof_error"),
        (TimeoutError(), "generic_timeout_error"),
        (socket.gaierror(socket.EAI_NONAME, ""), "dns_nxdomain_error"),
        (socket.gaierror(socket.EAI_AGAIN, ""), "dns_temporary_failure"),
        (ssl.SSLEOFError(8, ""), "eof_error"),
        (ssl.SSLError(1, "odd"), "ssl_failed_handshake"),
    ],
)
def test_the_far_ends_trouble(error: Exception, name: str) -> None:
    failure = failure_of(error, "connect")

    assert (failure.name, failure.stage) == (name, "connect")
    assert not failure.is_instrument


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (OSError(errno.EMFILE, ""), "instrument_no_descriptors"),
        (OSError(errno.ENFILE, ""), "instrument_no_descriptors"),
        (OSError(errno.EADDRNOTAVAIL, ""), "instrument_local_address"),
        (OSError(errno.ENOMEM, ""), "instrument_no_memory"),
        (OSError(errno.EBADF, ""), "instrument_error"),
        (MemoryError(), "instrument_no_memory"),
        (KeyError("x"), "instrument_error"),
    ],
)
def test_our_own_trouble(error: Exception, name: str) -> None:
    failure = failure_of(error, "connect")

    assert (failure.name, failure.stage) == (name, "instrument")
    assert failure.is_instrument


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (62, "ssl_invalid_hostname"),
        (18, "ssl_unknown_authority"),
        (20, "ssl_unknown_authority"),
        (10, "ssl_invalid_certificate"),
    ],
)
def test_verification_failures_by_their_code(code: int, name: str) -> None:
    error = ssl.SSLCertVerificationError(1, "no")
    error.verify_code, error.verify_message = code, "because"

    failure = failure_of(error, "tls")
    assert (failure.name, failure.detail) == (name, "because")


def test_the_icmp_message_is_kept_and_other_words_are_not() -> None:
    assert failure_of(OSError(errno.EHOSTUNREACH, "icmp 3/13"), "connect").detail == (
        "EHOSTUNREACH icmp 3/13"
    )
    assert failure_of(OSError(errno.ECONNREFUSED, "Nope"), "connect").detail == "ECONNREFUSED"


def test_every_name_is_on_the_closed_list() -> None:
    tables = (ERRNO_NAMES, RESOLVER_NAMES, RCODE_NAMES)

    assert {name for table in tables for name in table.values()} <= FAILURES


def test_an_answer_without_an_address_is_named_by_its_rcode() -> None:
    assert resolve_failure("NXDOMAIN").name == "dns_nxdomain_error"
    assert resolve_failure("NOTIMP").name == "dns_server_misbehaving"
    assert resolve_failure("NOERROR").stage == "resolve"
