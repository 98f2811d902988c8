"""What a URL asks for, as it is sent."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from yarl import URL

from harness.model.private_address import has_blank
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


uncommon = st.builds(
    "{}://{}{}{}{}{}{}".format,
    st.sampled_from(["http", "https", "HTTP", "hTTps"]),
    st.sampled_from(["", "", "u@", "u:p@", "u:p@q@", "\u00fc@", "@"]),
    st.sampled_from(["a.test", "A.Test", "b\u00fccher.test", "\u4f8b.\u4f8b", "[::1]", "[2001:DB8:0::1%25e]", "::1", "127.0.0.1", "\uff11.2.3.4", "stra\u00dfe", "a\u00adb.\u00fc", "\u2100.test", "[v1.x]", "[x]", "a[b]", "", "a\\b", "a_b.\u00e9", "xn--99999999.\u00e9"])
    | st.text(max_size=8),
    st.sampled_from(["", ":", ":80", ":443", ":8080", ":0", ":65535", ":65536", ":x"]),
    st.sampled_from(["", "/"]) | st.text(max_size=30).map("/".__add__)
    | st.lists(st.sampled_from(["a", "..", ".", "", "\u00e4", "%2f", "%2B", "%c3", "%e4", "%4", "%", "%zz", "%7e", "%41", "+", "a b", "\U0001f600", "...", ";=&", "\ud800"])).map("/".join).map("/".__add__),
    st.sampled_from(["", "?", "?a=\u00fc&b=%26%3d%61", "?%"]) | st.text(max_size=12).map("?".__add__),
    st.sampled_from(["", "#", "#f", "#\u00fc?/"]),
)  # fmt: skip
"""URLs with all that the fast way leaves to the other one."""


def by_yarl(url: str) -> tuple[str, str, int, str] | None:
    """Scheme, host, port and path as yarl reads them; None for what is no web URL."""
    try:
        parts = URL(url, encoded=url.isascii())
        found = parts.scheme, parts.raw_host or "", parts.port or 0, parts.raw_path_qs
    except ValueError:
        return None
    return found if found[0] in ("http", "https") and found[1] and found[2] else None


@settings(max_examples=400)
@given(ordinary | uncommon)
@example("http://\u4f8b.test/a/../b/./%7e%2f%zz/\u00e4?x=%26+%41;\u00fc#f")
@example("http://ann:secret@[2001:DB8:0::1]:81/\u00e4/..")
def test_a_url_is_read_as_yarl_reads_it(url: str) -> None:
    try:
        target = parse_url_target(url)
    except ValueError:
        assert has_blank(url) or HAS_ODD_PORT.search(url) or by_yarl(url) is None
        return
    found = (target.scheme, target.endpoint.host, target.endpoint.port, target.path)
    assert by_yarl(url) == found


HAS_ODD_PORT = re.compile(r"//[^/?#]*:(?![0-9]*([/?#]|$))")
"""yarl takes what Python's ``int`` takes: ``8_0``, digits of other scripts."""


def test_a_request_tells_no_user_and_no_fragment() -> None:
    assert parse_url_target("http://ann:x@a.test:80/b?c#d").sent == "http://a.test/b?c"


@pytest.mark.parametrize("blank", [" ", "\t", "\r\n", "\x00", "\x7f", "\x9b", "\xa0"])
def test_a_url_with_a_blank_or_control_character_is_none(blank: str) -> None:
    with pytest.raises(ValueError, match="a blank or control character in the URL"):
        parse_url_target(f"http://a.test/x{blank}y")
