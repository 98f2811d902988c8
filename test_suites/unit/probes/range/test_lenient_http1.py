"""Malformed requests are read as lenient servers read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.transition_address import page_path
from probes.range.connection import (
    LOOPBACK_RULES,
    MalformedRequestError,
    Request,
    parse_request,
)
from probes.range.lenient_http1 import awaits_continue, is_readable, needs_leniency, read_lenient
from probes.range.visitor_limits import VisitorRules

HOST = "x-1.ways.accredit.test"
ALLOWED = "open.ways.accredit.test"


def read(wire: str | bytes) -> Request:
    request = read_lenient(wire if isinstance(wire, bytes) else wire.encode(), LOOPBACK_RULES)
    assert request is not None
    return request


@pytest.mark.parametrize(
    ("line", "method", "target", "version"),
    [
        ("GET / HTTP/1.1", "GET", "/", "1.1"),
        ("GET   /a   HTTP/1.1", "GET", "/a", "1.1"),
        (" \r\nGeT\t/a HTTP/1.0 ", "GeT", "/a", "1.0"),
        ("Ge / HTP/1.1", "Ge", "/", "1.1"),
        ("GET / HTTP/3.0", "GET", "/", "3.0"),
        ("GET  HTTP/1.1", "GET", "/", "1.1"),
        ("GET ? HTTP/1.1", "GET", "?", "1.1"),
        ("GET * HTTP/1.1", "GET", "*", "1.1"),
        ("GET /a b HTTP/1.1", "GET", "/a b", "1.1"),
        ("GET /x", "GET", "/x", "0.9"),
    ],
)
def test_a_request_line_of_any_form_is_read(
    line: str, method: str, target: str, version: str
) -> None:
    request = read(f"{line}\r\nHost: {HOST}\r\n\r\n")

    assert (request.method, request.target, request.version) == (method, target, version)
    assert request.host == HOST


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_lines_may_end_in_three_ways(end: str) -> None:
    request = read(end.join(("GET / HTTP/1.1", f"Host:{HOST}", "X: 1", "", "")))

    assert request.headers == {"host": HOST, "x": "1"}


def test_folded_lines_and_lines_without_colon_are_read() -> None:
    request = read(f"GET / HTTP/1.1\r\nHost:\r\n {HOST}\r\nnonsense\r\nX : a\r\n\tb\r\n\r\n")

    assert request.headers == {"host": HOST, "x": "a b"}


@pytest.mark.parametrize("hosts", [(ALLOWED, HOST), (HOST, ALLOWED)])
def test_of_two_hosts_the_path_says_which_is_meant(hosts: tuple[str, str]) -> None:
    lines = "".join(f"Host: {host}\r\n" for host in hosts)

    assert read(f"GET {page_path(HOST)} HTTP/1.1\r\n{lines}\r\n").host == HOST
    assert read(f"GET / HTTP/1.1\r\n{lines}\r\n").host == hosts[-1]


def test_of_two_lengths_the_chunks_count() -> None:
    head = f"POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 2\r\nTransfer-Encoding: xchunked"
    request = read(f"{head}\r\n\r\n3;x=y\r\na=1\r\n0\r\n\r\nGET")

    assert (request.body, request.rest) == (b"a=1", b"GET")


@pytest.mark.parametrize("length", ["3", "3, 4", "+3", "9" * 5000])
def test_a_length_is_read_if_it_is_a_number(length: str) -> None:
    request = read(f"POST / HTTP/1.1\r\nContent-Length: {length}\r\n\r\na=1")

    assert request.body + request.rest == b"a=1"
    assert (request.body == b"a=1") == length.startswith("3")


def test_a_request_of_http_0_9_is_complete_with_its_line() -> None:
    assert needs_leniency(b"GET /x\r\n")
    assert read("GET /x\r\n").version == "0.9"
    assert not needs_leniency(b"GET HTTP/1.1\r\n")
    assert not needs_leniency(b"GET / HTTP/1.1\r\n")
    assert not needs_leniency(b"GET /x\r")
    assert needs_leniency(b"GET / HTTP/1.1\rHost: a\r\r")


@pytest.mark.parametrize(
    ("wire", "status"),
    [
        (b"POST / HTTP/1.1\r\nContent-Length: 20\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n14\r\n", 413),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nno\r\n", 400),
        (b"GET /" + b"a" * 200, 431),
        (b"GET /" + b"a" * 200 + b"\r\n\r\n", 431),
    ],
)
def test_what_is_too_long_or_has_no_end_is_refused(wire: bytes, status: int) -> None:
    with pytest.raises(MalformedRequestError) as raised:
        read_lenient(wire, VisitorRules(head_bytes=128, body_bytes=16))

    assert raised.value.status == status


@pytest.mark.parametrize("wire", [b"\x16\x03\x01\x02\0\r\n\r\n", b"SSH-2.0-x\r\n", b"", b"{} \r\n"])
def test_other_protocols_are_no_requests(wire: bytes) -> None:
    assert not is_readable(wire)


def test_a_client_is_told_to_continue_only_when_its_head_is_complete() -> None:
    head = b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1\r\n"

    assert not awaits_continue(head)
    assert awaits_continue(head + b"\r\n")
    assert not awaits_continue(b"POST / HTTP/1.1\r\n\r\nExpect: 100-continue\r\n")


WELL_FORMED = (
    b"GET /a?b HTTP/1.1\r\nHost: a.test\r\nX-One:  two \r\n\r\n",
    b"POST /x HTTP/1.0\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nhelloGET",
    b"PUT /x HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\nGET",
)


@pytest.mark.parametrize("wire", WELL_FORMED)
def test_well_formed_requests_are_read_as_by_the_strict_reader(wire: bytes) -> None:
    strict, lenient = parse_request(wire), read(wire)

    assert strict is not None
    for name in ("method", "target", "headers", "body", "rest", "version"):
        assert getattr(lenient, name) == getattr(strict, name)


@pytest.mark.parametrize("wire", WELL_FORMED)
def test_a_request_is_read_only_when_it_is_whole(wire: bytes) -> None:
    whole = wire.removesuffix(b"GET")

    assert all(read_lenient(whole[:cut], LOOPBACK_RULES) is None for cut in range(len(whole)))


@given(st.binary(max_size=300), st.sampled_from([b"", b"\r\n\r\n", b"\r\n", b"\r\r"]))
def test_no_bytes_raise_anything_but_unreadable(wire: bytes, ending: bytes) -> None:
    for beginning in (b"", b"GET / HTTP/1.1\r\n", b"A /\r\nTransfer-Encoding: chunked\r\n\r\n"):
        try:
            request = read_lenient(beginning + wire + ending, LOOPBACK_RULES)
        except MalformedRequestError:
            continue
        if request is not None:
            assert isinstance(request.host, str)
