"""What a person would see of a page."""

from __future__ import annotations

import encodings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.net.html_text import TEXT_CHARACTERS, Page, PageReader, decode_text, read_page

HTML = "text/html; charset=utf-8"


def test_a_page_of_very_many_nested_tags_is_cut_and_says_so() -> None:
    page = read_page(b"<title>Deep</title>" + b"<div>" * 1_000_000 + b"end", HTML)

    assert (page.title, page.text, page.is_cut) == ("Deep", "", True)
    assert not read_page(b"<p>few</p>" * 100, HTML).is_cut


def test_title_and_visible_text_are_folded() -> None:
    body = b"""<html><head><title> Access\n denied </title><style>p{}</style></head><body>
    <script>var hidden = 1</script><noscript>off</noscript><p>One&nbsp;<b>two</b>
    three</p></body></html>"""

    page = read_page(body, HTML)
    assert (page.title, page.text) == ("Access denied", "One two three")


def test_only_the_start_is_kept() -> None:
    page = read_page(b"<p>" + b"word " * 1000, HTML)

    assert len(page.text) <= TEXT_CHARACTERS
    assert page.text.startswith("word word")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("Caffè".encode("latin-1"), "text/plain; charset=ISO-8859-1"),
        ("Caffè".encode(), "text/plain"),
        ("Caffè".encode("utf-16"), "text/plain"),
        ("\ufeffCaffè".encode(), "text/plain"),
        ("Caffè".encode("cp1252"), 'text/plain; charset="windows-1252"'),
        ("Caffè".encode(), "text/plain; charset=no-such-thing"),
    ],
)
def test_the_character_set_is_found(body: bytes, content_type: str) -> None:
    assert read_page(body, content_type).text == "Caffè"


@pytest.mark.parametrize(
    "meta",
    [
        '<meta http-equiv="Content-Type" content="text/html; charset=iso-8859-1">',
        "<META CHARSET = ISO-8859-1>",
    ],
)
def test_a_meta_element_may_name_the_character_set(meta: str) -> None:
    assert read_page(f"{meta}<p>è".encode("latin-1"), "text/html").text == "è"


def test_pictures_have_no_text_but_they_show_something() -> None:
    assert read_page(b"\x89PNG <title>no</title>", "image/png") == Page(embedded=1)
    assert read_page(b"", "image/png") == Page()


def test_the_length_is_that_of_all_text_and_of_what_a_title_has_too_much() -> None:
    assert read_page(b"<p>two  words\n</p>" * 40, HTML).length == len("two words " * 40) - 1
    assert read_page(b"two  words", "text/plain").length == len("two words")
    assert read_page(b"<title>" + b"x" * 300 + b"</title><p>y", HTML).length == 300 - 256 + 1


def test_an_encoding_that_browsers_do_not_know_hides_nothing() -> None:
    page = read_page(b"<p>Stop +ADwhLS0- but this is seen</p>", "text/html; charset=utf-7")

    assert page.text == "Stop +ADwhLS0- but this is seen"


def test_names_of_encodings_are_not_remembered() -> None:
    known = len(encodings._cache)  # where ``codecs`` remembers names
    for number in range(100):
        read_page(b"x", f"text/html; charset=x{number}")
        read_page(b"x", f"text/html; charset=utf{'-' * number}8")

    assert len(encodings._cache) == known


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"x", "text/html; charset=" + " " * 200_000 + "!"),
        (b'<a href="javascript:' + b"void  0;" * 24 + b'!">x</a>', "text/html"),
        (b'<a href="javascript:' + b"void ( 0 ) ;" * 16 + b'!">x</a>', "text/html"),
    ],
    ids=["charset", "void", "void()"],
)
def test_what_can_be_read_in_many_ways_takes_no_time(body: bytes, content_type: str) -> None:
    """Without care these take minutes to days; the test's own limit stops it."""
    assert read_page(body, content_type).text == "x"


def test_an_undeclared_type_is_read_as_a_page() -> None:
    assert read_page(b"<title>x</title>", "").title == "x"


@given(st.binary(max_size=300), st.text(max_size=40))
def test_nothing_breaks_the_reader(body: bytes, content_type: str) -> None:
    page = read_page(body, content_type)

    assert len(page.title) <= TEXT_CHARACTERS
    assert len(page.text) <= TEXT_CHARACTERS
    assert isinstance(decode_text(body, content_type), str)


@given(st.text(alphabet="ab \t\n", max_size=2000))
def test_text_is_folded_as_a_whole_would_be(text: str) -> None:
    folded = " ".join(text.split())[:TEXT_CHARACTERS].strip()

    assert read_page(text.encode(), "text/plain").text == folded


def test_a_page_is_known_again_by_its_bytes_and_its_type() -> None:
    reader = PageReader(max_pages=2)
    known = reader.read("è".encode(), HTML, "d1")

    assert reader.read("è".encode(), HTML, "d1") is known
    assert reader.read("è".encode(), "text/html; charset=latin-1", "d1").text == "Ã¨"
    assert reader.read(b"other", HTML, "d2").text == "other"


def test_the_page_that_was_used_last_is_forgotten_last() -> None:
    reader = PageReader(max_pages=2)
    first = reader.read(b"first", HTML, "d1")
    second = reader.read(b"second", HTML, "d2")
    assert reader.read(b"first", HTML, "d1") is first
    reader.read(b"third", HTML, "d3")

    assert reader.read(b"first", HTML, "d1") is first
    assert reader.read(b"second", HTML, "d2") is not second


@pytest.mark.parametrize(
    ("markup", "frames"),
    [
        ('<iframe src="http://a.test/"></iframe>', ("http://a.test/",)),
        ('<frameset><frame src="//b.test/x"></frameset>', ("//b.test/x",)),
        ('<meta http-equiv="Refresh" content="0; URL=\'http://c.test/\'">', ("http://c.test/",)),
        ('<meta http-equiv="refresh" content="3;http://d.test/">', ("http://d.test/",)),
        ('<meta http-equiv="refresh" content="30">', ()),
        ('<iframe></iframe><iframe src=""></iframe>', ()),
        ('<iframe src="/a"></iframe>' * 3, ("/a",)),
    ],
)
def test_frames_and_forwards_are_found(markup: str, frames: tuple[str, ...]) -> None:
    assert read_page(f"<html><head></head>{markup}</html>".encode(), HTML).frames == frames


SQUID = "background: url('/squid-internal-static/icons/SN.png') no-repeat left;"


@pytest.mark.parametrize(
    ("markup", "embedded", "parts"),
    [
        (f"<style>#titles {{ {SQUID} }}</style>", 0, ()),
        ('<img src="/squid-internal-static/icons/SN.png">', 0, ()),
        ("<img src=http://filter.example:3128/squid-internal-static/icons/SN.png>", 0, ()),
        ('<img src="/squid-internal-static/icons/SN.png" srcset="/page.png">', 1, ()),
        ('<img src="/squid-internal-/../page.png?x">', 1, ()),
        (f"<style>#titles {{ {SQUID} }} p {{ background: url(/page.png) }}</style>", 1, ()),
        ('<img src="/logo.png"><img src="http://f.example/a.png">', 2, ("http://f.example/a.png",)),
        ("<link rel=stylesheet href=https://f.example/a.css>", 1, ("https://f.example/a.css",)),
        ("<img src=data:image/png;base64,AA>", 1, ("data:image/png;base64,AA",)),
        ("<script src=http://f.example/a.js></script>", 1, ()),
        ("<style>@import url(http://f.example/a.css);</style>", 1, ()),
    ],
)
def test_what_is_the_same_wherever_a_page_stands_is_told_apart(
    markup: str, embedded: int, parts: tuple[str, ...]
) -> None:
    page = read_page(f"<html>{markup}<p>words</p></html>".encode(), HTML)

    assert (page.embedded, page.parts) == (embedded, parts)
