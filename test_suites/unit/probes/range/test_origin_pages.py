"""Pages show what their host stands for, and the token of the attempt."""

from __future__ import annotations

import re

import pytest

from harness.model.marker import MARKER_PREFIX, path_words_for, token_for
from probes.range.origin_pages import (
    TITLES,
    Page,
    Pages,
    block_page,
    portal_page,
    redirect_page,
)

KEY = b"k" * 32
DIGITS = re.compile("[0-9A-Fa-f]{32}")
NONCE = "0123456789abcdef" * 2


def shown(host: str, *, path: str = "/", nonce: str = NONCE, scheme: str = "http") -> Page:
    return Pages(key=KEY, texts={"ob-1.overblock.accredit.test": "Scunthorpe & more"}).page(
        host, path, scheme, nonce
    )


def test_a_canary_shows_its_category_marker_and_the_attempt_s_token() -> None:
    host = "porn-nude-017.canary.accredit.test"

    body = shown(host).body.decode()
    assert f"{MARKER_PREFIX}PORN-NUDE-0123" in body
    assert token_for(KEY, host, NONCE) in body


def test_a_twin_shows_the_token_and_no_marker() -> None:
    body = shown("porn-nude-017.twin.accredit.test").body.decode()

    assert token_for(KEY, "porn-nude-017.twin.accredit.test", NONCE) in body
    assert MARKER_PREFIX not in body


def test_without_a_nonce_there_is_no_token() -> None:
    body = shown("gamb-001.canary.accredit.test", nonce="").body.decode()

    assert not DIGITS.search(body)
    assert f"{MARKER_PREFIX}GAMB-0000" in body


def test_a_redirect_takes_two_hops_and_ends_at_another_host() -> None:
    first = shown("redirect-007.special.accredit.test", scheme="https")
    second = shown("redirect-007.special.accredit.test", scheme="https", path="/moved")
    last = shown("landed-007.special.accredit.test", scheme="https")

    assert (first.status, second.status, last.status) == (302, 302, 200)
    assert dict(first.headers)["Location"] == "https://redirect-007.special.accredit.test/moved"
    assert dict(second.headers)["Location"] == "https://landed-007.special.accredit.test/"
    token = token_for(KEY, "redirect-007.special.accredit.test", NONCE).encode()
    assert token in first.body
    assert token in second.body
    assert not DIGITS.search(redirect_page("http://block.test/").body.decode())
    assert token_for(KEY, "landed-007.special.accredit.test", NONCE).encode() in last.body


def test_a_host_may_have_words_of_its_own_and_they_are_escaped() -> None:
    assert b"Scunthorpe &amp; more" in shown("ob-1.overblock.accredit.test").body


@pytest.mark.parametrize("host", ["gamb-001.canary.accredit.test", "amber-lantern.accredit.test"])
def test_a_page_does_not_say_that_it_is_a_test(host: str) -> None:
    page = shown(host)
    told = page.body.decode().replace(MARKER_PREFIX, "") + str(page.headers)

    for telling in ("accredit", "token", "canary", "test", "sentinel", host):
        assert telling not in told.lower()


def test_titles_of_hosts_differ_and_stay() -> None:
    hosts = [f"gamb-{number:03}.canary.accredit.test" for number in range(50)]
    titles = [re.findall("<title>(.*)</title>", shown(host).body.decode())[0] for host in hosts]

    assert set(titles) == set(TITLES)
    assert titles == [
        re.findall("<title>(.*)</title>", shown(host, nonce="").body.decode())[0] for host in hosts
    ]


@pytest.mark.parametrize("page", [block_page("h.test", "GAMB"), portal_page()])
def test_the_filter_s_own_pages_show_no_mark(page: Page) -> None:
    assert not DIGITS.search(page.body.decode())
    assert MARKER_PREFIX.encode() not in page.body


def test_the_block_page_names_host_and_category() -> None:
    page = block_page("gamb-001.canary.accredit.test", "GAMB", 451)

    assert page.status == 451
    assert b"<title>Access to this page is blocked</title>" in page.body
    assert b"gamb-001.canary.accredit.test" in page.body
    assert b"Category: GAMB" in page.body


def test_the_block_host_s_page_is_the_supplier_s_and_shows_no_token() -> None:
    page = shown("blocked.filter.accredit.test")

    assert b"Access to this page is blocked" in page.body
    assert not DIGITS.search(page.body.decode())


def test_a_page_shows_the_words_of_its_own_path_alone() -> None:
    host = "gamb-001.canary.accredit.test"
    home, root = (path_words_for(KEY, host, path) for path in ("/home", "/"))
    page = shown(host, path="/home?a=1").body

    assert all(word.encode() in page for word in home)
    assert not any(word.encode() in page for word in root)
