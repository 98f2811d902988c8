"""Requests are read whole, or refused with a reason."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from probes.range.connection import MAX_HEAD_BYTES, MalformedRequestError, Request, parse_request


def asked(text: str, body: bytes = b"") -> Request:
    request = parse_request(text.replace("\n", "\r\n").encode() + b"\r\n" + body)
    assert request is not None
    return request


def test_a_plain_request_names_its_host_in_a_header() -> None:
    request = asked("GET /a?b HTTP/1.1\nHost: A.accredit.test:8080\nX-One:  two \n")

    assert (request.method, request.host, request.path) == ("GET", "a.accredit.test", "/a?b")
    assert request.headers["x-one"] == "two"
    assert not request.is_absolute


@pytest.mark.parametrize("path", ["/read/http://b.accredit.test:81/", "/c:1/x", "/abcdef:9"])
def test_an_address_in_a_path_is_a_part_of_the_path(path: str) -> None:
    request = asked(f"GET {path} HTTP/1.1\nHost: a.accredit.test\n")

    assert (request.host, request.port, request.path) == ("a.accredit.test", 80, path)


@pytest.mark.parametrize(
    ("target", "host", "port", "path"),
    [
        ("http://a.accredit.test/", "a.accredit.test", 80, "/"),
        ("HTTP://A.accredit.test", "a.accredit.test", 80, "/"),
        ("http://u:p@a.accredit.test:81/x/y?z", "a.accredit.test", 81, "/x/y?z"),
        ("http://a.accredit.test:nonsense/", "a.accredit.test", 0, "/"),
        ("http://[64:FF9B::7f00:1]/at/x", "[64:ff9b::7f00:1]", 80, "/at/x"),
        ("http://[64:ff9b::7f00:1]:81/", "[64:ff9b::7f00:1]", 81, "/"),
    ],
)
def test_a_proxy_is_asked_for_a_whole_url(target: str, host: str, port: int, path: str) -> None:
    request = asked(f"GET {target} HTTP/1.1\nHost: other.test\n")

    assert (request.host, request.port, request.path) == (host, port, path)


def test_a_tunnel_is_asked_for_by_host_and_port() -> None:
    request = asked("CONNECT a.accredit.test:443 HTTP/1.1\nHost: a.accredit.test:443\n")

    assert (request.host, request.port) == ("a.accredit.test", 443)


def test_what_is_passed_on_has_no_hop_by_hop_lines() -> None:
    request = asked(
        "POST http://a.test/x HTTP/1.1\nHost: a.test\nProxy-Authorization: s\n"
        "Connection: keep-alive\nX-Accredit-Attempt: n\nContent-Length: 2\n",
        b"hi",
    )

    assert request.to_origin_form() == (
        b"POST /x HTTP/1.1\r\nHost: a.test\r\nX-Accredit-Attempt: n\r\nContent-Length: 2\r\n"
        b"Connection: close\r\n\r\nhi"
    )


@pytest.mark.parametrize(
    ("wire", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/2\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a.test\r\nContent-Length: -1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 99999999999\r\n\r\n", 413),
        (b"GET / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\nno\r\n", 400),
        (b"G" * (MAX_HEAD_BYTES + 1), 431),
    ],
)
def test_what_is_no_request_is_answered_with_a_status(wire: bytes, status: int) -> None:
    with pytest.raises(MalformedRequestError) as raised:
        parse_request(wire)

    assert raised.value.status == status


def test_a_body_in_chunks_is_passed_on_with_its_length() -> None:
    wire = b"PUT /x HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n3;x=1\r\n me\r\n"

    assert parse_request(wire) is None
    request = parse_request(wire + b"0\r\n\r\n")
    assert request is not None
    assert request.body == b"hi me"
    assert request.to_origin_form().endswith(b"Content-Length: 5\r\nConnection: close\r\n\r\nhi me")


def test_what_is_passed_on_names_the_host_and_length_that_were_decided_about() -> None:
    request = asked(
        "POST http://u@A.test:80/x HTTP/1.1\nHost: b.test\nContent-Length: 9\n"
        "Transfer-Encoding: chunked\n",
        b"2\r\nhi\r\n0\r\n\r\n",
    )

    assert request.to_origin_form() == (
        b"POST /x HTTP/1.1\r\nHost: A.test:80\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"
    )


@given(st.integers(min_value=0, max_value=60))
def test_a_request_is_read_only_when_it_is_whole(cut: int) -> None:
    wire = b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nhello"

    request = parse_request(wire[:cut])
    assert (request is not None) == (cut >= len(wire))


@given(st.binary(max_size=300))
@example(b"\r\n\r\n")
@example(b"GET http:// HTTP/1.1\r\n\r\n")
def test_no_bytes_raise_anything_but_unreadable(wire: bytes) -> None:
    for ending in (b"", b"\r\n\r\n"):
        try:
            request = parse_request(wire + ending)
        except MalformedRequestError:
            continue
        if request is not None:
            assert isinstance(request.host, str)
            assert request.to_origin_form()
