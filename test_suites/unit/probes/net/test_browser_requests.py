"""A browser's request goes on byte for byte, in the form that its far end expects."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.net.browser_requests import read_request
from probes.net.route import Address

SIGNED = base64.b64encode(b"user:pass:word").decode()
HEAD = (
    "GET http://Site.example/a?b=c HTTP/1.1\r\nHost: Site.example\r\nProxy-Connection: keep-alive\r\n"
    f"Proxy-Authorization: Basic {SIGNED}\r\nAccept:  */*\r\nX-Empty:\r\n\r\n"
).encode()


def test_a_server_gets_the_origin_form_and_no_credentials() -> None:
    assert read_request(HEAD).written(is_proxied=False, authorization="Basic other") == (
        b"GET /a?b=c HTTP/1.1\r\nHost: Site.example\r\nConnection: keep-alive\r\n"
        b"Accept: */*\r\nX-Empty: \r\n\r\n"
    )


@pytest.mark.parametrize(
    ("authorization", "signed"),
    [("", b""), ("Basic own", b"Proxy-Authorization: Basic own\r\n")],
)
def test_a_proxy_gets_the_absolute_form_and_its_own_credentials(
    authorization: str, signed: bytes
) -> None:
    assert read_request(HEAD).written(is_proxied=True, authorization=authorization) == (
        b"GET http://Site.example/a?b=c HTTP/1.1\r\nHost: Site.example\r\n"
        b"Proxy-Connection: keep-alive\r\n" + signed + b"Accept: */*\r\nX-Empty: \r\n\r\n"
    )


def test_far_end_credentials_and_body_are_read() -> None:
    request = read_request(HEAD)

    assert request.endpoint == Address(host="site.example", port=80)
    assert request.credentials == ("user", "pass:word")
    assert (request.is_tunnel, request.body) == (False, 0)


def test_a_tunnel_names_host_and_port_and_keeps_its_headers_for_another_proxy() -> None:
    head = (
        "CONNECT [2001:db8::1]:443 HTTP/1.1\r\nHost: [2001:db8::1]:443\r\n"
        f"Proxy-Connection: keep-alive\r\nUser-Agent: A\r\nProxy-Authorization: Basic {SIGNED}\r\n\r\n"
    )
    request = read_request(head.encode())

    assert request.is_tunnel
    assert request.endpoint == Address(host="2001:db8::1", port=443)
    assert request.tunnel_headers == (
        ("Host", ""),
        ("Proxy-Connection", "keep-alive"),
        ("User-Agent", "A"),
    )


@pytest.mark.parametrize(
    ("target", "form"),
    [
        ("http://a.example", b"GET / HTTP/1.1"),
        ("http://a.example?b", b"GET /?b HTTP/1.1"),
        ("http://a.example:81/b//c", b"GET /b//c HTTP/1.1"),
    ],
)
def test_the_path_is_what_stands_behind_the_host(target: str, form: bytes) -> None:
    written = read_request(f"GET {target} HTTP/1.1\r\n\r\n".encode()).written(is_proxied=False)

    assert written.split(b"\r\n")[0] == form


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        ("Content-Length: 12", 12),
        ("Transfer-Encoding: chunked", -1),
        ("Upgrade: websocket", -1),
        ("Accept: a", 0),
    ],
)
def test_the_length_of_the_body_is_the_declared_one(fields: str, body: int) -> None:
    head = f"POST http://a.example/ HTTP/1.1\r\n{fields}\r\n\r\n"

    assert read_request(head.encode()).body == body


@pytest.mark.parametrize(
    "head",
    [
        "",
        "GET / HTTP/1.1",
        "GET http:///a HTTP/1.1",
        "GET https://a.example/ HTTP/1.1",
        "GET http://a.example/ HTTP/1.0",
        "GET http://a.example:0/ HTTP/1.1",
        "GET http://a.example:99999/ HTTP/1.1",
        "GET http://[a/ HTTP/1.1",
        "CONNECT a.example HTTP/1.1",
        "CONNECT a.example:70000 HTTP/1.1",
        "GET http://a.example/ HTTP/1.1\r\nno header",
        "GET http://a.example/ HTTP/1.1\r\nA: b\nC: d",
        "GET http://a.example/ HTTP/1.1\r\nContent-Length: -1",
        "GET http://a.example/ HTTP/1.1\r\nContent-Length: two",
    ],
)
def test_what_no_browser_sends_is_refused(head: str) -> None:
    with pytest.raises(ValueError):
        read_request(f"{head}\r\n\r\n".encode())


@pytest.mark.parametrize("value", ["", "Basic", "Basic ???", "Bearer dXNlcjpw", "Basic gICA"])
def test_credentials_that_cannot_be_read_are_none(value: str) -> None:
    head = f"GET http://a.example/ HTTP/1.1\r\nProxy-Authorization: {value}\r\n\r\n"

    assert read_request(head.encode()).credentials == ("", "")


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(head: bytes) -> None:
    try:
        request = read_request(head + b"\r\n\r\n")
    except ValueError:
        return
    assert request.endpoint.host


NAMES = st.from_regex(r"[A-Za-z][A-Za-z-]{0,20}", fullmatch=True)
VALUES = st.from_regex(r"(?:[!-~](?:[ -~]{0,30}[!-~])?)?", fullmatch=True)


@given(st.lists(st.tuples(NAMES, VALUES), max_size=8))
def test_other_headers_go_on_as_they_came(fields: list[tuple[str, str]]) -> None:
    hop_by_hop = {"proxy-connection", "proxy-authorization", "content-length"}
    kept = [(name, value) for name, value in fields if name.lower() not in hop_by_hop]
    lines = "".join(f"{name}: {value}\r\n" for name, value in kept)
    head = f"GET http://a.example/ HTTP/1.1\r\n{lines}\r\n".encode()

    for is_proxied, target in ((False, "/"), (True, "http://a.example/")):
        written = read_request(head).written(is_proxied=is_proxied)
        assert written == f"GET {target} HTTP/1.1\r\n{lines}\r\n".encode()
