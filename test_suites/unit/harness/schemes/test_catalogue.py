"""The catalogue: 151 requirements, each with a known metric, a source, a title and a note."""

from __future__ import annotations

from collections import Counter

import pytest

from harness.model.metric_spec import SPECS
from harness.schemes.load import (
    areas,
    find_row,
    load_scheme,
    shipped,
    whole_catalogue,
)


def test_the_catalogue_has_151_different_requirements() -> None:
    ids = [row.id for row in whole_catalogue()]

    assert len(ids) == len(set(ids)) == 151
    assert Counter(row.severity for row in whole_catalogue()) == {
        "Crit": 54,
        "Maj": 74,
        "Min": 11,
        "Obs": 12,
    }


def test_every_requirement_is_found_by_its_area_and_id() -> None:
    assert {row.id.partition("-")[0].lower() for row in whole_catalogue()} == set(areas())
    assert all(find_row(row.id) == row for row in whole_catalogue())


@pytest.mark.parametrize(
    "unknown",
    ["URL-99", "XYZ-01", "URL-0", "URL-01 ", "URL-01\n  title: A", "-01", ""],
)
def test_what_is_no_id_of_the_catalogue_finds_no_requirement(unknown: str) -> None:
    assert find_row(unknown) is None


def test_every_requirement_has_a_known_metric_and_every_metric_is_used() -> None:
    rows = {row.measure.metric for row in whole_catalogue()}
    schemes = [load_scheme(name) for name in shipped()]
    overridden = {row.measure.metric for scheme in schemes for row in scheme.requirements}

    assert rows | overridden | FOR_OTHER_SCHEMES == set(SPECS)


FOR_OTHER_SCHEMES = {"block_rate_by_stratum", "discordant"}
"""Metrics that only schemes of one's own name, or those of earlier versions."""


def test_every_threshold_has_a_source() -> None:
    for row in whole_catalogue():
        if row.rule == "report":
            assert not row.binding
        else:
            assert row.threshold is not None
            assert row.threshold.source


def test_titles_and_notes_are_statements_and_sentences() -> None:
    shipped_rows = (row for name in shipped() for row in load_scheme(name).requirements)
    for row in (*whole_catalogue(), *shipped_rows):
        assert len(row.title) <= 90, row.title
        assert row.title[0].isupper(), row.title
        assert not row.title.endswith("."), row.title
        assert row.note.endswith(".") or row.id.startswith("AMT-"), row.id
        for shorthand in (">=", "<=", "Stated:", "Test:", " n>", "[P]", "[M]"):
            assert shorthand not in row.title + row.note, row.id


def test_the_strict_scheme_contains_the_whole_catalogue() -> None:
    strict = {one.id for one in load_scheme("strict").requirements}

    assert strict == {row.id for row in whole_catalogue()}


@pytest.mark.parametrize(
    ("scheme", "rows"),
    [
        (
            "becta-2008",
            "ILL-01 ILL-04 URL-05 CIR-01 CIR-02 LOG-01 LOG-02 EML-04 MAL-01 AVL-01 PRF-02",
        ),
        ("uksic-2024", "ILL-01 ILL-02 ILL-06 ILL-08 URL-06 DYN-06 OVB-03 CIR-08 POL-08 ALR-05"),
        ("dfe-2024", "ILL-01 AVL-02 DYN-04 OVB-04 CIR-02 LOG-02 SUP-04 PRF-01"),
        ("iwf-member", "ILL-01 ILL-03 ILL-04 ILL-05 ILL-07 ILL-08 OVB-06"),
        ("avc-parental", "URL-07 OVB-02"),
        ("acma-2008", "ILL-01 URL-05 OVB-01 CIR-01 PRF-02"),
        ("enex-2009", "ILL-01 URL-05 OVB-01 CIR-01 PRF-02"),
        ("cipa-us", "ILL-01 URL-01 OVB-03"),
        ("surveillance", "ILL-01 URL-05 OVB-01 CIR-01 LOG-01 LOG-02 AVL-01"),
    ],
)
def test_shipped_schemes_contain_the_requirements_of_their_sources(scheme: str, rows: str) -> None:
    assert {one.id for one in load_scheme(scheme).requirements} >= set(rows.split())


def test_all_schemes_are_shipped() -> None:
    assert set(shipped()) == {
        "acma-2008",
        "amt-awards",
        "avc-parental",
        "becta-2008",
        "cipa-us",
        "dfe-2024",
        "enex-2009",
        "iwf-member",
        "strict",
        "surveillance",
        "uksic-2024",
    }
