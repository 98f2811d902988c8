"""Carriers are drawn by key and run, and the origin finds the nonce in each of them."""

from __future__ import annotations

from collections import Counter

import pytest

from harness.model.marker import (
    CARRIERS,
    COOKIES,
    HEADERS,
    Carrier,
    carrier_for,
    find_nonce,
    nonce_for,
)
from harness.model.observation import AttemptKey

SECRET = b"k" * 32
NONCE = nonce_for(
    SECRET, AttemptKey(campaign="c", item="i", probe="web", line="l", profile="ks2"), 1, "run"
)


@pytest.mark.parametrize("carrier", CARRIERS, ids=lambda each: each.name)
def test_the_origin_finds_the_nonce_in_each(carrier: Carrier) -> None:
    assert NONCE == find_nonce(SECRET, (carrier.value(NONCE),))


def test_names_are_many_and_none_of_them_tells() -> None:
    names = [name for name, _ in (*COOKIES, *HEADERS)]

    assert len(COOKIES) >= 50
    assert len({name for name, _ in COOKIES}) == len(COOKIES)
    assert not [name for name in names if "accredit" in name.lower() or "test" in name.lower()]
    assert all(name.isascii() and " " not in name and "=" not in name for name in names)


def test_one_run_has_one_carrier_and_runs_have_many() -> None:
    drawn = Counter(carrier_for(SECRET, f"run {number}").name for number in range(1000))

    assert carrier_for(SECRET, "run 1") == carrier_for(SECRET, "run 1")
    assert len(drawn) > 100
    assert max(drawn.values()) < 60


def test_the_run_alone_does_not_tell_the_carrier() -> None:
    pairs = [
        (carrier_for(SECRET, str(run)), carrier_for(b"x" * 32, str(run))) for run in range(200)
    ]

    assert sum(one == other for one, other in pairs) < 20


def test_cookies_and_headers_are_written_as_such() -> None:
    assert Carrier("sid", is_cookie=True).value(NONCE) == f"sid={NONCE}"
    assert Carrier("X-Id").value(NONCE) == NONCE
    assert [*map(len, Carrier("X-Id", "uuid").value(NONCE).split("-"))] == [8, 4, 4, 4, 12]
    assert Carrier("t", "trace").value(NONCE) == f"00-{NONCE}-{NONCE[16:]}-01"
    assert Carrier("sid", is_cookie=True).header(NONCE) == ("Cookie", f"sid={NONCE}")
    assert Carrier("X-Id").header(NONCE) == ("X-Id", NONCE)
