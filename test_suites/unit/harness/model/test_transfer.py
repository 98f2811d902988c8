"""Transfers: what they are, where they go, and what only the origin can read in their addresses."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.transfer import (
    FORMS,
    MOST_BYTES,
    SIZES,
    Form,
    Transfer,
    content_of,
    receipt_of,
    requests_of,
    size_drawn,
    size_in,
    sized_token,
    transfer_item,
    transfer_of,
)

KEY, OTHER = b"k" * 32, b"o" * 32
FORM_NAMES = st.sampled_from(sorted(FORMS))


@given(FORM_NAMES, st.integers(1, 3 * MOST_BYTES), st.integers(0, 999), st.integers(0, 9))
def test_a_stratum_says_what_a_transfer_is(form: Form, size: int, turn: int, sample: int) -> None:
    made = Transfer(form=form, situation="sample", round=turn, sample=sample, size=size)
    assert transfer_of(made.stratum) == made


@pytest.mark.parametrize(
    "stratum",
    [
        "",
        "CTRL/log:ordinary:page",
        "CTRL/transfer:page:alone:1:2",
        "CTRL/transfer:film:alone:1:2:3",
        "CTRL/transfer:page:idle:1:2:3",
        "CTRL/transfer:page:alone:1:2:-3",
        "CTRL/transfer:page:alone:1:2:\u0663",
        "CTRL/transfer:page:alone:1:2:3:4",
    ],
)
def test_other_strata_are_no_transfers(stratum: str) -> None:
    assert transfer_of(stratum) is None


@given(st.text(max_size=20), st.integers(0, MOST_BYTES))
def test_only_the_key_reads_the_size_in_an_address(name: str, size: int) -> None:
    path = f"/video/{sized_token(KEY, name, size)}.m4s"
    assert size_in(KEY, path) == size
    assert size_in(OTHER, path) is None
    last = path[-5]
    assert size_in(KEY, f"{path[:-5]}{'0' if last != '0' else '1'}.m4s") is None


@given(st.text(alphabet="0123456789abcdef", min_size=24, max_size=24))
def test_an_address_that_somebody_made_up_asks_for_nothing(token: str) -> None:
    found = size_in(KEY, f"/files/{token}.zip")
    assert found is None or found <= MOST_BYTES


def test_an_address_that_asks_for_too_much_asks_for_nothing() -> None:
    assert size_in(KEY, f"/files/{sized_token(KEY, 'a', MOST_BYTES + 1)}.zip") is None
    assert size_in(KEY, "/files/letter.zip") is None


@given(FORM_NAMES, st.integers(1, MOST_BYTES), st.text(max_size=10))
def test_the_requests_of_a_transfer_carry_its_bytes(form: Form, size: int, draw: str) -> None:
    made = Transfer(form=form, situation="alone", round=1, sample=0, size=size)
    item = transfer_item(made, draw)
    requests = list(requests_of(item, made, KEY))

    assert sum(one.size for one in requests) == size
    assert len(requests) == {"page": 4, "video": 3}.get(form, 1)
    for one in requests:
        assert size_in(KEY, urlsplit(one.url).path) == one.size
        assert urlsplit(one.url).hostname == item.host
        assert (one.method == "POST") == (form == "upload")


def test_hosts_and_addresses_are_used_once_and_say_nothing_of_a_test() -> None:
    made = [
        Transfer(form=form, situation="sample", round=turn, sample=0, size=100_000)
        for form in FORMS
        for turn in range(20)
    ]
    items = [transfer_item(one, "run") for one in made]
    urls = [
        one.url
        for item, each in zip(items, made, strict=True)
        for one in requests_of(item, each, KEY)
    ]

    assert len({item.host for item in items}) == len(items)
    assert len(set(urls)) == len(urls)
    assert {item.scheme for item in items} == {"http", "https"}
    for word in ("test", "speed", "accredit-", "mark", "sample"):
        assert not any(word in url.replace("accredit.test", "") for url in urls)


def test_content_is_random_and_differs_for_each_address() -> None:
    first, second = (content_of(KEY, f"/files/{name}.zip", 5000) for name in "ab")
    assert len(first) == len(second) == 5000
    assert first != second
    assert content_of(OTHER, "/files/a.zip", 5000) != first
    page = content_of(KEY, "/news/a.html", 999)
    assert len(page) == 999
    assert page.isascii()


def test_a_receipt_depends_on_what_arrived() -> None:
    whole = receipt_of(KEY, "/homework/a", b"whole")
    assert whole != receipt_of(KEY, "/homework/a", b"whol")
    assert whole != receipt_of(OTHER, "/homework/a", b"whole")
    assert whole != receipt_of(KEY, "/homework/b", b"whole")


@given(st.text(max_size=10), st.integers(0, 100), st.integers(0, 100))
def test_drawn_sizes_are_within_their_limits(draw: str, least: int, more: int) -> None:
    assert least <= size_drawn(draw, least, least + more) <= least + more


def test_sizes_vary() -> None:
    for least, most in SIZES.values():
        drawn = {size_drawn(f"round {turn}", least, most) for turn in range(50)}
        assert len(drawn) > 40
        assert max(drawn) > 1.5 * min(drawn)
