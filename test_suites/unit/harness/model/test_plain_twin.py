"""Plain twins: names that can be undone, and which items are ordinary."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.corpus import Item
from harness.model.plain_twin import NAME, host_of_twin, is_ordinary, twin_of

ZONE, TWINS = "accredit.test", "orchard-view.test"
LABELS = st.lists(
    st.text(alphabet=NAME.replace(".", ""), min_size=1, max_size=12), min_size=1, max_size=3
)


@given(LABELS)
def test_the_host_of_a_twin_is_found_again(labels: list[str]) -> None:
    host = f"{'.'.join(labels)}.{ZONE}"
    twin = twin_of(host, ZONE, TWINS)

    assert host == host_of_twin(twin, ZONE, TWINS)
    assert re.fullmatch(rf"[a-z0-9]{{1,63}}\.{re.escape(TWINS)}", twin)


def test_hosts_that_differ_in_one_character_have_twins_that_share_little() -> None:
    first, second = (twin_of(f"drug-{n}.canary.{ZONE}", ZONE, TWINS) for n in (101, 102))

    alike = sum(one == other for one, other in zip(first, second, strict=False))
    assert alike < len(TWINS) + 6
    assert "drug" not in first


@pytest.mark.parametrize("host", [ZONE, "other.test", "a_b.accredit.test", "x" * 70 + "." + ZONE])
def test_what_is_not_in_the_zone_or_has_no_place_there_has_no_twin(host: str) -> None:
    assert not twin_of(host, ZONE, TWINS)


@given(st.text(alphabet=NAME, min_size=1, max_size=40))
def test_any_label_is_a_twin_or_none(label: str) -> None:
    host = host_of_twin(f"{label}.{TWINS}", ZONE, TWINS)

    assert not host or twin_of(host, ZONE, TWINS) == f"{label}.{TWINS}"


def test_the_case_of_a_host_says_nothing() -> None:
    assert twin_of("Drug-1.Canary.Accredit.Test.", ZONE, TWINS) == twin_of(
        "drug-1.canary.accredit.test", ZONE, TWINS
    )


@pytest.mark.parametrize(
    ("label", "stratum", "ordinary"),
    [
        ("ALW.DRUGED", "", True),
        ("CTRL", "", True),
        ("DRUG", "", False),
        ("SEXED", "twin:PORN", True),
    ],
)
def test_ordinary_is_what_is_harmless_by_its_category(
    label: str, stratum: str, *, ordinary: bool
) -> None:
    item = Item(id="i", value="h", labels=(label,), stratum=stratum)

    assert is_ordinary(item) is ordinary
