"""What a URL asks for, as it is sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from probes.net.url_target import parse_url_target

ordinary = st.from_regex(
    r"https?://[a-z0-9.-]{0,9}[a-z0-9](:[0-9]{1,5})?/[!-~]{0,12}", fullmatch=True
)


@pytest.mark.parametrize(
    ("url", "host", "port", "authority", "path"),
    [
        ("http://a.test", "a.test", 80, "a.test", "/"),
        ("https://a.test/b%7Ec?d=%20e#f", "a.test", 443, "a.test", "/b%7Ec?d=%20e"),
        ("http://a.test:8080/", "a.test", 8080, "a.test:8080", "/"),
        ("http://a.test:80/", "a.test", 80, "a.test", "/"),
        ("http://a.test/b?", "a.test", 80, "a.test", "/b"),
        ("http://ann:secret@a.test/", "a.test", 80, "a.test", "/"),
        ("http://[::1]/", "::1", 80, "[::1]", "/"),
        ("http://[::1]:81/", "::1", 81, "[::1]:81", "/"),
        ("http://bücher.test/ä", "xn--bcher-kva.test", 80, "xn--bcher-kva.test", "/%C3%A4"),
    ],
)
def test_the_parts_of_a_url(url: str, host: str, port: int, authority: str, path: str) -> None:
    target = parse_url_target(url)

    assert (target.endpoint.host, target.endpoint.port) == (host, port)
    assert (target.authority, target.path) == (authority, path)


@pytest.mark.parametrize("url", ["", "a.test", "ftp://a.test/", "http://", "http://a.test:99999/"])
def test_what_is_no_web_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_url_target(url)


@given(st.text(max_size=60))
def test_no_text_breaks_the_reader_otherwise(text: str) -> None:
    try:
        target = parse_url_target("http://" + text)
    except ValueError:
        return
    assert target.endpoint.host


@given(ordinary)
def test_an_ordinary_url_is_read_as_yarl_reads_it(url: str) -> None:
    oracle = URL(url, encoded=True)
    try:
        parts = (oracle.raw_host, oracle.port, oracle.raw_path_qs)
    except ValueError:
        parts = (None, 0, "")
    if not parts[1]:
        with pytest.raises(ValueError, match=r".+"):
            parse_url_target(url)
        return
    target = parse_url_target(url)

    assert (target.endpoint.host, target.endpoint.port, target.path) == parts
    assert target.url == oracle


@pytest.mark.parametrize("blank", [" ", "\t", "\r\n", "\x00", "\x7f", "\x9b", "\xa0"])
def test_a_url_with_a_blank_or_control_character_is_none(blank: str) -> None:
    with pytest.raises(ValueError, match="a blank or control character in the URL"):
        parse_url_target(f"http://a.test/x{blank}y")
