"""Heads of HTTP messages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.net.exchange_recorder import read_head, write_head


def test_a_head_is_read() -> None:
    head = read_head(b"HTTP/1.1 403 No way\r\nServer: squid\r\nX-A:  b \r\nX-A: c\r\nodd line")

    assert head.status == 403
    assert head.headers == (("server", "squid"), ("x-a", "b"), ("x-a", "c"))
    assert head.header("x-a") == "b"
    assert head.header("x-none") == ""


@given(st.binary(max_size=200))
def test_anything_else_is_refused(noise: bytes) -> None:
    try:
        head = read_head(noise)
    except ValueError:
        return
    assert noise.startswith(b"HTTP/1.")
    assert 100 <= head.status <= 599


def test_a_request_head_is_written() -> None:
    head = write_head("GET", "/", (("Host", "a.test"), ("X-A", "b")))

    assert head == b"GET / HTTP/1.1\r\nHost: a.test\r\nX-A: b\r\n\r\n"


@pytest.mark.parametrize("value", ["a\r\nX-B: c", "a\nb", "a\rb"])
def test_no_header_is_smuggled(value: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        write_head("GET", "/", (("X-A", value),))
    with pytest.raises(ValueError, match="line break"):
        write_head("GET", "/" + value, ())
