"""Policies inherit downwards; a scheme's numbers have bounds."""

from __future__ import annotations

from datetime import date

import pytest
from pydantic import ValidationError

from harness.model.scheme import NeededList, Policy, Scheme, Threshold

POLICY = Policy(
    id="p",
    title="P",
    provenance="proposed",
    source="test",
    rows={"PORN": {"ks2": "block", "staff": "block"}, "PORN.NUDE": {"staff": "allow"}},
)


def test_a_code_without_a_row_inherits_its_parents() -> None:
    assert "block" == POLICY.expects("PORN.NUDE", "ks2")
    assert "allow" == POLICY.expects("PORN.NUDE", "staff")
    assert "block" == POLICY.expects("PORN.OTHER.DEEP", "staff")


def test_what_the_policy_does_not_name_it_does_not_judge() -> None:
    assert POLICY.expects("GAMB", "ks2") is None


def test_a_rate_above_one_is_refused() -> None:
    with pytest.raises(ValidationError):
        Threshold(at_least=1.1, provenance="seen", source="x")


def test_a_number_without_a_source_is_refused() -> None:
    with pytest.raises(ValidationError):
        Threshold(at_least=0.9, provenance="seen", source="")


def scheme(**changed: object) -> Scheme:
    rows = {
        "id": "AA-01",
        "title": "t",
        "area": "a",
        "severity": "Maj",
        "rule": "report",
        "measure": {"metric": "m"},
    }
    told = {"id": "own-2026", "version": "1", "title": "Own", "policy": POLICY}
    return Scheme.model_validate(told | {"requirements": (rows,)} | changed)


def test_a_review_is_overdue_only_after_its_day() -> None:
    one = scheme(reviewed_on="2026-01-01", review_by=date(2026, 12, 31))

    assert () == one.warnings(date(2026, 12, 31))
    (sentence,) = one.warnings(date(2027, 1, 1))
    assert sentence == one.overdue(date(2027, 1, 1))
    assert "own-2026 1: review overdue (last reviewed on 2026-01-01, due by 2026-12-31)" in sentence


def test_without_a_day_no_review_is_overdue() -> None:
    assert () == scheme().warnings(date(2100, 1, 1))
    assert "(due by 2026-12-31)" in scheme(review_by="2026-12-31").overdue(date(2027, 1, 1))


def test_a_day_is_written_as_iso_8601_says() -> None:
    with pytest.raises(ValidationError, match="like 2026-11-24"):
        scheme(review_by="24/11/2026")


def test_a_needed_list_is_as_long_as_the_minimum_at_least() -> None:
    row = scheme().requirements[0].model_copy(update={"n_min": 59})

    assert 0 == row.list_size
    needs = NeededList(kind="real")
    assert 59 == row.model_copy(update={"needs_list": needs}).list_size
    longer = NeededList(kind="real", domains=500)
    assert 500 == row.model_copy(update={"needs_list": longer}).list_size
