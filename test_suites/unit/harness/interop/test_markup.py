"""What a person would meet of a page."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.interop.page import MARKUP_TAGS, TEXT_CHARACTERS, read_markup


def test_title_and_visible_text_are_read_and_nothing_else() -> None:
    page = read_markup(
        "<html><head><title> A\n page </title><style>p{}</style></head>"
        "<body><script>var hidden</script><p>One</p><p>Two</p></body></html>"
    )

    assert ("A page", "One Two") == (page.title, page.text)


@pytest.mark.parametrize(
    "body",
    [
        '<iframe src="http://10.10.34.34/?a=b c">',
        '<frameset><frame src="http://10.10.34.34/?a=b c"></frameset>',
        '<meta http-equiv="Refresh" content="0; URL=\'http://10.10.34.34/?a=b\'">',
        '<script>window.location.replace("http://10.10.34.34/?a=b")</script>',
        "<script>location.href = 'http://10.10.34.34/?a=b'</script>",
    ],
)
def test_frames_and_forwards_are_found(body: str) -> None:
    (address,) = read_markup(body).frames

    assert address.startswith("http://10.10.34.34/?a=b")


def test_plain_text_is_text() -> None:
    assert read_markup("Blocked\n by policy").text == "Blocked by policy"
    assert read_markup("").text == ""


def test_a_page_without_visible_text_is_told_by_its_description() -> None:
    assert read_markup('<meta name=description content="Site blocked"><body></body>').text == (
        "Site blocked"
    )


def test_a_long_page_says_first_what_its_headlines_say() -> None:
    menus = "<nav>" + "<a>Shop</a> " * 300 + "</nav>"

    assert read_markup(f"{menus}<h1>This site is blocked</h1>").text.startswith(
        "This site is blocked."
    )


def test_a_long_page_says_its_menus_last() -> None:
    menus = "<nav>" + "<a>Shop</a> " * 300 + "</nav>"
    words = "We had to stop this. " * 10

    page = read_markup(f"{menus}<p>{words}</p>{menus}")

    assert page.text.startswith("We had to stop this.")
    assert page.text.count("Shop") <= 60


def test_a_long_page_that_is_all_menus_is_read_as_it_stands() -> None:
    assert read_markup("<nav>" + "<a>Shop</a> " * 300 + "</nav>").text.count("Shop") == 300


def test_a_page_of_images_is_told_by_their_text_or_names() -> None:
    images = '<img src="/a/stop.png?x=1"><img alt="Our notice" src="b.png"><img src="data:x/y">'

    assert read_markup(f"<p>{images}</p>").text == "[stop.png] [Our notice]"
    assert read_markup(f"<p>Hello {images}</p>").text == "Hello"


@pytest.mark.parametrize(
    "body",
    [
        "<noscript><p>Site blocked</p></noscript>",
        "<script>document.write('<h1>Site blocked</h1>')</script>",
        '<script>box.innerHTML = "<p>Site blocked</p>"</script>',
    ],
)
def test_a_page_that_scripts_write_is_told_by_what_they_write(body: str) -> None:
    assert read_markup(f"<html><body>{body}</body></html>").text == "Site blocked"


@pytest.mark.parametrize(
    ("body", "leads"),
    [
        ("<script>var u = 'http://a.example/x'; location = u</script>", True),
        ("<form action='http://a.example/x'></form><script>f.submit()</script>", True),
        ("<script>var u = 'http://a.example/x'</script>", False),
        ("<form action='http://a.example/x'></form>", False),
        (
            f"<p>{'word ' * 40}</p><script>var u = 'http://a.example/x'; location = u</script>",
            False,
        ),
    ],
)
def test_a_mere_page_leads_where_its_scripts_send_the_reader(body: str, leads: bool) -> None:
    assert (("http://a.example/x",) if leads else ()) == read_markup(body).frames


def test_as_many_tags_as_the_parser_bears_are_read() -> None:
    assert read_markup("<br>" * (MARKUP_TAGS - 2) + "<p>The end</p>").text == "The end"


@pytest.mark.parametrize("piece", ["<", "<div>", "<a>", "<noscript>", "<img src=x>"])
def test_no_more_tags_are_read_than_the_parser_bears(piece: str) -> None:
    page = read_markup(piece * 400_000 + "<p>The end</p>")

    assert "The end" not in page.text


def test_what_is_looked_at_is_bounded() -> None:
    assert len(read_markup("<p>" + "word " * 200_000).text) <= TEXT_CHARACTERS


@given(st.text(max_size=200))
def test_no_page_breaks_the_reader(body: str) -> None:
    read_markup(body)
    read_markup(f"<html><title>{body}</title><iframe src='{body}'><p>{body}")
