"""Neutral names say nothing, come in a keyed order, and are never handed out twice."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora import hostnames
from corpora.synthetic_sites import ZONE, neutral_hosts

TELLING = re.compile(
    "sex|porn|nude|adult|drug|weed|grass|poppy|pill|needle|gun|knife|weapon|bomb|kill|blood|gore|bet|"
    "casino|poker|game|hack|crack|virus|pirat|torrent|hate|terror|crime|steal|proxy|vpn|beer|wine|"
    "block|allow|filter|test-|harm|health|news|school|child"
)


def test_no_name_tells_a_category() -> None:
    found = [host for host in neutral_hosts("k", 20000) if TELLING.search(host.partition(".")[0])]

    assert found == []


def test_each_name_is_a_site_of_its_own_that_nobody_is_told_of() -> None:
    for host in neutral_hosts("k", 50):
        assert host.endswith(f".{ZONE}")
        assert hostnames.registrable(host) == host
        assert not hostnames.is_agreed(host)
    assert hostnames.is_agreed("porn-001.canary.accredit.test")


@given(st.text(min_size=1), st.text(min_size=1))
def test_another_key_gives_another_order_and_the_same_key_the_same(one: str, other: str) -> None:
    first = neutral_hosts(one, 30)

    assert first == neutral_hosts(one, 30)
    assert len(set(first)) == 30
    if one.encode()[:64] != other.encode()[:64]:
        assert first != neutral_hosts(other, 30)


def test_what_is_taken_is_not_given_again() -> None:
    first = neutral_hosts("k", 40)

    assert not set(first[:20]) & set(neutral_hosts("k", 40, excluded=first[:20]))


def test_more_than_there_are_is_an_error() -> None:
    with pytest.raises(ValueError, match="neutral names are needed"):
        neutral_hosts("k", 10**6)
