"""Words are found however a page was changed on its way, and never where they are not."""

from __future__ import annotations

import base64
import html
import re
from string import ascii_letters
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.net.delivery import find_words

WORDS = ("tizametefabime", "sabafefofozage", "kibegevigigefe")
PAGE = (
    f"<html><body id='x'><p>Seeds and {WORDS[0]} here</p><!-- {WORDS[1]} -->"
    f"<script>var lot = '{WORDS[2]}';</script></body></html>"
)
FULL_WIDTH = {code: code + 0xFEE0 for code in map(ord, ascii_letters)}

FORMS = {
    "as it is": PAGE.encode(),
    "upper case": PAGE.upper().encode(),
    "UTF-16": PAGE.encode("utf-16-le"),
    "UTF-16, big-endian": PAGE.encode("utf-16-be"),
    "entities": "".join(f"&#{ord(each)};" for each in PAGE).encode(),
    "entities inside of entities": html.escape(html.escape(PAGE)).encode(),
    "percent signs": "".join(f"%{each:02x}" for each in PAGE.encode()).encode(),
    "script escapes": "".join(f"\\x{each:02x}" for each in PAGE.encode()).encode(),
    "Unicode escapes": "".join(f"\\u{ord(each):04x}" for each in PAGE).encode(),
    "zero-width spaces": "\u200b".join(PAGE).encode(),
    "soft hyphens": PAGE.replace("e", "e&shy;").encode(),
    "Base64 in a script": b"document.write(atob('" + base64.b64encode(PAGE.encode()) + b"'))",
    "a data address": b'<iframe src="data:text/html;base64,'
    + base64.urlsafe_b64encode(PAGE.encode())
    + b'">',
    "full-width letters": " ".join(WORDS).translate(FULL_WIDTH).encode(),
    "full-width letters as references": "".join(
        f"&#{ord(each)};" for each in " ".join(WORDS).translate(FULL_WIDTH)
    ).encode(),
    "srcdoc": f'<iframe srcdoc="{html.escape(PAGE)}">'.encode(),
    "quoted in an address": f"<a href='/?p={quote(PAGE)}'>".encode(),
}


@pytest.mark.parametrize("form", FORMS)
def test_words_are_found_in_every_form(form: str) -> None:
    assert find_words(FORMS[form], "text/html", WORDS) == WORDS


def test_letters_split_by_markup_are_one_word() -> None:
    split = "<b></b>".join(WORDS[0])

    assert find_words(f"<p>{split}</p>".encode(), "text/html", WORDS) == WORDS[:1]


@pytest.mark.parametrize("between", [" ", "\n", "-", "7", "\u200b", "\u00ad", "\u00e9"])
def test_letters_apart_are_one_word(between: str) -> None:
    body = between.join(WORDS[0].upper()).encode()

    assert WORDS[:1] == find_words(body, "text/plain; charset=utf-8", WORDS)


def test_text_alone_shows_the_words_of_the_text() -> None:
    text = re.sub(r"<!--.*?-->|<script>.*?</script>|<[^>]*>", "", PAGE)

    assert find_words(text.encode(), "text/plain", WORDS) == WORDS[:1]


@given(st.binary(max_size=2000))
def test_other_bytes_show_no_word_and_break_nothing(body: bytes) -> None:
    assert find_words(body, "text/html; charset=nonsense", WORDS) == ()


@pytest.mark.parametrize(
    "odd",
    [
        "&#" + "9" * 5000 + ";",
        "&#" + "0" * 5000 + "65;",
        "\\ud800 %41",
        "\\u{dfff}%",
        "&#xd800;%41",
    ],
    ids=lambda odd: odd[:10],
)
def test_no_reference_and_no_escape_hides_a_word(odd: str) -> None:
    body = f"<p>{odd} {WORDS[0].replace('e', '&#101;')}</p>".encode()

    assert find_words(body, "text/html", WORDS) == WORDS[:1]


def test_a_large_page_of_odd_markup_is_searched_in_bounded_time() -> None:
    body = b"<" * 200_000 + b"%41" * 100_000 + b"A" * 200_000

    assert find_words(body, "text/html", WORDS) == ()


@pytest.mark.parametrize("filler", ["<", "<a ", "<>", "< >", "&", "%", "\\x", "<!--", "aB0+" * 9])
def test_no_body_of_two_mebibytes_takes_long_to_search(filler: str) -> None:
    """A pattern that looks ahead from each mark would take hours; the test's own limit stops it."""
    body = (filler * (2 * 1024 * 1024 // len(filler)) + WORDS[0]).encode()

    assert (WORDS[0],) == find_words(body, "text/html", WORDS[:1])
    assert () == find_words(body, "text/html", WORDS[1:])
