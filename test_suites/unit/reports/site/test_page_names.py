"""Names of pages, and the buyers' guide."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from harness.schemes.load import load_scheme, whole_catalogue
from reports.site.buyers_guide import guide_areas
from reports.site.page_names import page_name

NAMES = st.lists(st.text(max_size=80), min_size=1, max_size=4)


@given(NAMES)
def test_a_name_is_safe_on_every_file_system(names: list[str]) -> None:
    name = page_name(*names)

    assert re.fullmatch("[a-z0-9]([a-z0-9-]*[a-z0-9])?", name)
    assert len(name) <= 49
    assert page_name(*names) == name


@given(NAMES, NAMES)
def test_different_names_have_different_pages(one: list[str], other: list[str]) -> None:
    assert (page_name(*one) == page_name(*other)) is ("\x1f".join(one) == "\x1f".join(other))


def test_a_name_can_be_read() -> None:
    assert page_name("supplier:acme", "Safe Net", "2.1").startswith("safe-net-2-1-")
    assert page_name("Dŵr Ysgol").startswith("dwr-ysgol-")


def test_the_guide_has_every_requirement_of_the_catalogue_once() -> None:
    rows = [row for area in guide_areas() for row in area.rows]

    assert sorted(row.code for row in rows) == sorted(row.id for row in whole_catalogue())
    by_code = {row.code: row for row in rows}
    for requirement in load_scheme("becta-2008").requirements:
        is_bound = requirement.binding and requirement.rule != "report"
        assert ("Becta 2008" in by_code[requirement.id].schemes) is is_bound
