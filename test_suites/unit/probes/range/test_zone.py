"""Names tell the kind of page, the category and the zone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.plain_twin import twin_of
from probes.range.zone import (
    RANGE,
    TWIN_ZONE,
    ZONE,
    PageKind,
    code_of,
    normalise,
    original_host,
    without_www,
)


@pytest.mark.parametrize(
    ("host", "kind"),
    [
        ("gamb-001.canary.accredit.test", PageKind.CATEGORY),
        ("GAMB-001.Canary.accredit.test.", PageKind.CATEGORY),
        ("gamb-001.twin.accredit.test", PageKind.TWIN),
        ("redirect-001.special.accredit.test", PageKind.REDIRECT),
        ("dead-001.special.accredit.test", PageKind.DEAD),
        ("slow-001.special.accredit.test", PageKind.SLOW),
        ("landed-001.special.accredit.test", PageKind.NEUTRAL),
        ("blocked.filter.accredit.test", PageKind.BLOCK),
        ("ob-0001.overblock.accredit.test", PageKind.NEUTRAL),
        ("amber-lantern.accredit.test", PageKind.NEUTRAL),
        ("accredit.test", PageKind.NEUTRAL),
        ("www.gamb-001.canary.accredit.test", PageKind.CATEGORY),
        ("www.dead-001.special.accredit.test", PageKind.DEAD),
    ],
)
def test_the_host_name_says_what_kind_of_page_it_has(host: str, kind: PageKind) -> None:
    assert RANGE.kind_of(host) is kind


@pytest.mark.parametrize(
    ("host", "code"),
    [
        ("gamb-001.canary.accredit.test", "GAMB"),
        ("porn-nude-017.canary.accredit.test:8080", "PORN.NUDE"),
        ("malw-c2-100.canary.accredit.test", "MALW.C2"),
        ("loc-p2p-001.canary.accredit.test", "LOC.P2P"),
        ("copper-meadow.accredit.test", ""),
        ("www.gamb-001.canary.accredit.test", "GAMB"),
        ("www.www.gamb-001.canary.accredit.test", ""),
        ("gamb-001.twin.accredit.test", ""),
        ("gamb-001.canary.accredit.test.example", ""),
    ],
)
def test_the_category_is_in_a_canary_s_name_only(host: str, code: str) -> None:
    assert code_of(host) == code


def test_all_names_of_the_zone_exist_but_the_gone_ones() -> None:
    assert RANGE.exists("anything.at.all.accredit.test")
    assert not RANGE.exists("gone-001.special.accredit.test")
    assert not RANGE.exists("www.gone-001.special.accredit.test")
    assert not RANGE.exists("accredit.test.example.org")


@pytest.mark.parametrize("host", ["notaccredit.test", "test", "", "example.org"])
def test_other_names_are_outside_the_zone(host: str) -> None:
    assert not RANGE.is_within(host)


def test_a_bare_name_is_plain_and_without_www() -> None:
    assert (
        "a.accredit.test"
        == without_www("WWW.A.accredit.test.:80")
        == without_www("a.accredit.test")
    )


@given(st.text())
def test_any_text_is_a_host_name_of_some_kind(host: str) -> None:
    assert normalise(normalise(host)) in (normalise(host), normalise(host).rstrip("."))
    assert RANGE.kind_of(host) in PageKind


@pytest.mark.parametrize(
    "host",
    [
        "gamb-001.canary.accredit.test",
        "slow-001.special.accredit.test",
        "s0123.sites.accredit.test",
        "gone-1.canary.accredit.test",
    ],
)
def test_a_plain_twin_is_what_its_host_is(host: str) -> None:
    twin = twin_of(host, ZONE, TWIN_ZONE)

    assert original_host(twin) == host
    assert (RANGE.kind_of(twin), code_of(twin), RANGE.exists(twin)) == (
        RANGE.kind_of(host),
        code_of(host),
        RANGE.exists(host),
    )
    assert RANGE.is_within(twin)
    assert RANGE.is_twin(twin)
    assert not RANGE.is_twin(host)


def test_other_names_of_the_twins_zone_do_not_exist() -> None:
    assert not RANGE.exists("nothing-of-ours.orchard-view.test")
    assert not RANGE.exists("orchard-view.test")
