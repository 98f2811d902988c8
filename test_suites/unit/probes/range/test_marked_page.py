"""The origin's page shows all its marks, spread so that any part of it shows some."""

from __future__ import annotations

import re

from harness.model.marker import path_words_for, token_for, words_for
from probes.net.delivery import find_words
from probes.range.origin_pages import marked_page, marks_for

KEY, HOST, NONCE = b"k" * 32, "gamb-001.canary.accredit.test", "0123456789abcdef" * 2
TEXT = "The garden centre opens at nine."


def body(nonce: str = NONCE, marker: str = "ACCREDIT-MARKER-GAMB-0123") -> bytes:
    return marked_page("Garden", TEXT, marks_for(KEY, HOST, nonce, marker), "accredit.test")


def all_words(nonce: str = NONCE) -> tuple[str, ...]:
    return (
        *words_for(KEY, HOST, nonce, "attempt"),
        *words_for(KEY, HOST, nonce, "host"),
        *words_for(KEY, HOST, nonce, "piece"),
    )


def test_every_mark_is_there() -> None:
    page = body()

    assert token_for(KEY, HOST, NONCE).encode() in page
    assert b"ACCREDIT-MARKER-GAMB-0123" in page
    assert find_words(page, "text/html", all_words()) == all_words()


def test_any_third_of_the_page_shows_some_words() -> None:
    page = body()
    third = len(page) // 3

    for start in range(0, len(page) - third, 20):
        assert find_words(page[start : start + third], "text/html", all_words()), start


def test_text_attributes_comments_and_script_show_some_words_each() -> None:
    page = body().decode()
    parts = {
        "text": re.sub(r"<!--.*?-->|<script>.*?</script>|<[^>]*>", "", page, flags=re.DOTALL),
        "attributes": " ".join(re.findall(r'"([^"]*)"', re.sub(r"<script>.*?</script>", "", page))),
        "comments": " ".join(re.findall(r"<!--(.*?)-->", page)),
        "script": " ".join(re.findall(r"<script>(.*?)</script>", page)),
    }
    for name, part in parts.items():
        assert find_words(part.encode(), "text/plain", all_words()), name


def test_pages_of_one_host_have_one_length_and_the_words_of_the_host_in_common() -> None:
    one, other = body("a" * 32), body("b" * 32)
    shared = words_for(KEY, HOST, "", "host")

    assert len(one) == len(other)
    assert find_words(one, "text/html", shared) == find_words(other, "text/html", shared) == shared
    assert not set(words_for(KEY, HOST, "a" * 32, "attempt")) & set(
        find_words(other, "text/html", words_for(KEY, HOST, "a" * 32, "attempt"))
    )


def test_without_a_nonce_there_is_no_token_but_there_are_words() -> None:
    page = body("")

    assert b"ACCREDIT-TOKEN" not in page
    assert find_words(page, "text/html", all_words("")) == all_words("")


def test_the_words_of_the_path_stand_early_and_late_and_in_the_text() -> None:
    page, words = body(), path_words_for(KEY, HOST, "/")
    half = len(page) // 2
    text = re.sub(rb"<!--.*?-->|<[^>]*>", b"", page)

    assert words == find_words(page, "text/html", words)
    for part in (page[:half], page[half:], text):
        assert find_words(part, "text/plain", words)
