"""The matrices of cases say in words what happened, and name what was not tried."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.model.content_form import FORMS, RECIPE, FormCount
from harness.model.outcome import Assessment, CategoryRate
from reports.case_matrices import CaseMatrix, Cell, content_matrix, policy_matrix
from reports.documents import Report, html
from test_suites.kit.campaigns.example import example_assessment


def count(form: str, blocked: int, arrived: int = 0, **more: Any) -> FormCount:
    values: dict[str, Any] = {
        "profile": "ks2", "line": "proxy", "undecided": 0, "down": 0,
    } | more  # fmt: skip
    return FormCount(form=form, blocked=blocked, arrived=arrived, **values)


def test_searches_are_held_back_rather_than_blocked() -> None:
    assessment = replace(
        example_assessment(), forms=(count("lock:header", 2, 1), count("open:", 4))
    )
    matrix = content_matrix(assessment)

    assert matrix is not None
    searches = dict(dict(matrix.groups)["Searches"])
    assert searches["An engine locked by a request header"][0].text == "2 of 3 held back"
    assert searches["An engine without a lock"][0] == Cell(
        text="all 4 held back", status="conforms"
    )


def rate(category: str, blocked: int, allowed: int, expects: str, **more: Any) -> CategoryRate:
    values: dict[str, Any] = {
        "profile": "ks2", "line": "proxy", "altered": 0, "down": 0, "insufficient": 0,
        "lower": None, "upper": None,
    } | more  # fmt: skip
    return CategoryRate(
        category=category, blocked=blocked, allowed=allowed, expects=expects, **values
    )


def with_forms(*forms: FormCount) -> Assessment:
    return replace(example_assessment(), forms=forms)


def cells(matrix: CaseMatrix | None) -> dict[str, tuple[Cell, ...]]:
    assert matrix is not None
    return {name: row for _, rows in matrix.groups for name, row in rows}


def test_there_is_no_matrix_of_forms_without_content_pages() -> None:
    assert content_matrix(with_forms()) is None


@pytest.mark.parametrize(
    ("tried", "text", "status"),
    [
        (count("gzip", 44), "all 44 blocked", "conforms"),
        (count("gzip", 40, 4), "40 of 44 blocked", "partly"),
        (count("gzip", 0, 44), "all 44 arrived", "does-not-conform"),
        (count("gzip", 0, undecided=3), "insufficient: 3 not decided", "insufficient"),
        (count("gzip", 0, down=3), "did not arrive without the filter either", "insufficient"),
        (count("gzip", 0), "not tried", "information"),
    ],
)
def test_a_cell_says_what_came_of_an_ordinary_form(
    tried: FormCount, text: str, status: str
) -> None:
    (cell,) = cells(content_matrix(with_forms(tried)))["Compressed with gzip"]

    assert (text, status) == (cell.text, cell.status)


def test_an_ordinary_form_that_was_not_tried_is_named() -> None:
    shown = cells(content_matrix(with_forms(count("gzip", 44))))

    ordinary = [form for form in FORMS.values() if form.family == "ordinary"]
    assert len(shown) == len(ordinary)
    assert "not tried" == shown["Compressed with Brotli"][0].text


@pytest.mark.parametrize("form", ["zero-width", f"{RECIPE}RTA label in meta"])
def test_disguises_and_other_marks_are_for_information(form: str) -> None:
    matrix = content_matrix(with_forms(count(form, 0, 11)))
    assert matrix is not None
    (title, ((_, (cell,)),)) = matrix.groups[-1]

    assert title.endswith("for information")
    assert ("all 11 arrived", "information") == (cell.text, cell.status)


def test_each_place_has_a_column() -> None:
    forms = (count("gzip", 44), count("gzip", 0, 44, profile="staff"))
    matrix = content_matrix(with_forms(*forms))

    assert matrix is not None
    assert ("ks2 on proxy", "staff on proxy") == matrix.places
    assert ["conforms", "does-not-conform"] == [
        cell.status for cell in cells(matrix)["Compressed with gzip"]
    ]


def test_the_policy_matrix_groups_categories_by_what_is_asked() -> None:
    rates = (
        rate("GAMB", 60, 0, "block"),
        rate("GAMB", 0, 60, "local", profile="staff"),
        rate("DRUG", 50, 10, "block"),
        rate("ALW.NEWS", 0, 30, "allow"),
        rate("MISI", 1, 2, "none"),
    )
    matrix = policy_matrix(replace(example_assessment(), rates=rates, outcomes=()))

    assert matrix is not None
    assert ["Must be blocked", "Must stay open", "Nothing is asked"] == [
        title for title, _ in matrix.groups
    ]
    shown = cells(matrix)
    assert [
        ("60 of 60 blocked", "conforms"),
        ("0 of 60 blocked; the school decides", "information"),
    ] == [(cell.text, cell.status) for cell in shown["Gambling"]]
    assert ("50 of 60 blocked", "partly") == (
        shown["Drugs and substance misuse"][0].text, shown["Drugs and substance misuse"][0].status,
    )  # fmt: skip
    assert ("not tried", "information") == (shown["News"][1].text, shown["News"][1].status)
    assert "conforms" == shown["News"][0].status


def test_a_profile_that_was_not_tried_has_a_column_of_its_own() -> None:
    example = example_assessment()
    elsewhere = replace(example.outcomes[0], line="proxy", profile="ks4")
    rates = (rate("GAMB", 60, 0, "block"),)

    matrix = policy_matrix(replace(example, rates=rates, outcomes=(elsewhere,)))

    assert matrix is not None
    assert ("ks2 on proxy", "ks4 on proxy") == matrix.places
    assert "not tried" == cells(matrix)["Gambling"][1].text


@pytest.mark.parametrize(
    ("tried", "text"),
    [
        (rate("GAMB", 9, 0, "block", insufficient=2), "9 of 9 blocked; 2 not decided"),
        (rate("GAMB", 4, 0, "block"), "4 of 4 blocked; at least 5 are needed"),
    ],
)
def test_too_little_is_not_called_conforming(tried: CategoryRate, text: str) -> None:
    matrix = policy_matrix(replace(example_assessment(), rates=(tried,), outcomes=()))

    (cell,) = cells(matrix)["Gambling"]
    assert (text, "insufficient") == (cell.text, cell.status)


def test_the_page_holds_both_matrices_as_text() -> None:
    hostile = count("<b>x</b>", 1, profile="<i>p</i>")
    page = html.render(Report(assessment=with_forms(count("gzip", 44), hostile)))

    assert "Harmful pages by form" in page
    assert "Categories and the policy" in page
    assert "<i>p</i>" not in page
    assert "<b>x</b>" not in page
