"""Long markup is shortened, in time that grows with its length, and nothing seen is lost unsaid."""

from __future__ import annotations

import pytest

from probes.net.html_text import MOST_CHARACTERS, MOST_TAGS, SHORT, bounded, read_page

MIB = 1024 * 1024
FRAME = '<iframe src="/inner"></iframe>'


def test_a_short_page_stays_as_it_is() -> None:
    markup = "<p>One  two</p><!-- three -->" * 100

    assert (markup, False) == bounded(markup)


def test_a_long_page_loses_comments_and_blanks_and_nothing_else() -> None:
    padded = "<p>One" + " " * SHORT + "two</p>" + "<!-- no tag -->" * 9000 + FRAME

    assert ("<p>One two</p>" + FRAME, False) == bounded(padded)


def test_what_only_looks_like_a_comment_stays() -> None:
    """A script holds the start of a comment; the frame after it is seen by a browser."""
    script = f"<script>x='<!--'</script>{FRAME}<p>--></p>"

    assert FRAME in bounded(script + " " * SHORT)[0]
    assert ("/inner",) == read_page((script + " " * SHORT).encode(), "text/html").frames


def test_what_looks_like_a_comment_where_text_stands_as_it_is_stays() -> None:
    shown = "<xmp><!-- all of this is shown --></xmp>"

    assert shown in bounded(shown + " " * SHORT)[0]
    assert "all of this" in read_page((shown + " " * SHORT).encode(), "text/html").text


def test_more_tags_than_are_parsed_are_cut_off_and_said_to_be() -> None:
    assert ("<b>" * MOST_TAGS, True) == bounded("<b>" * (MOST_TAGS + 1))
    assert ("<b>" * MOST_TAGS, False) == bounded("<b>" * MOST_TAGS)


def test_more_characters_than_are_parsed_are_cut_off_and_said_to_be() -> None:
    markup, is_cut = bounded("<p>" + "ab " * MOST_CHARACTERS)

    assert (MOST_CHARACTERS, True) == (len(markup), is_cut)


@pytest.mark.parametrize(
    "filler",
    ["<div>", "<b>", "<", "<a ", "<!--", "<!-- x -->\n", "<!-- < -->\n", " ", "<i></i>", "&#97;"],
)
def test_no_page_of_four_mebibytes_takes_long_to_read(filler: str) -> None:
    """Without bounds some of these take minutes, and gigabytes; the test's own limit stops it."""
    markup = f"<html><body><p>Hello</p>{filler * (4 * MIB // len(filler))}"

    page = read_page(markup.encode(), "text/html")

    assert page.text.startswith("Hello")
