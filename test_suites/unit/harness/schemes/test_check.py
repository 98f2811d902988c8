"""Names that mean nothing are told with their line and what is known instead."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from harness.errors import Fault
from harness.model.scheme import Policy, Requirement
from harness.schemes.check import check, duplicate_ids, misdated, with_remedy
from harness.yaml_reader import Document

TEXT = """\
requirements:
  - id: URL-01
    measure:
      metric: m
      categories: [DRUG, GAMB]
    threshold:
      at_most: 1.1
    profiles: [no]
"""
DOCUMENT = Document("s.yaml", TEXT)
POLICY = Policy.model_validate(
    {
        "id": "p",
        "title": "p",
        "provenance": "seen",
        "source": "s",
        "rows": {"DRUG": {"ks2": "block"}, "GAMB": {"ks2": "block"}},
    }
)


def faults(**changed: Any) -> list[str]:
    data = {
        "id": "URL-01",
        "title": "t",
        "area": "url",
        "severity": "Crit",
        "rule": "guarded",
        "measure": {"metric": "block_rate"},
        "threshold": {"at_least": 0.9, "provenance": "seen", "source": "s"},
    }
    made = Requirement.model_validate(data | changed)
    return [str(fault) for fault in check(DOCUMENT, [(0, made)], POLICY)]


def test_a_sound_requirement_has_no_fault() -> None:
    assert faults() == []


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (
            {"measure": {"metric": "blok_rate"}},
            (
                "s.yaml:4: requirements[0].measure.metric: no metric 'blok_rate'; "
                "did you mean 'block_rate'? 146 are known; 'accredit scheme schema' lists them"
            ),
        ),
        (
            {"measure": {"metric": "block_rate", "categories": ("DRUG", "GAMBL")}},
            (
                "s.yaml:5: requirements[0].measure.categories[1]: no category 'GAMBL' in policy p; "
                "did you mean 'GAMB'? known: DRUG, GAMB"
            ),
        ),
        (
            {"threshold": None},
            (
                "s.yaml:6: requirements[0].threshold: is missing; rule guarded needs one; "
                "add one, or write rule: report"
            ),
        ),
        (
            {"threshold": {"provenance": "seen", "source": "s"}},
            "s.yaml:6: requirements[0].threshold: holds no number; add at_least or at_most",
        ),
        (
            {"threshold": {"at_most": 1.1, "provenance": "seen", "source": "s"}},
            (
                "s.yaml:7: requirements[0].threshold.at_most: 1.1 is more than the whole; "
                "a rate is a fraction: 0.05 for 5 %; a duration is in seconds"
            ),
        ),
        (
            {"profiles": ("no",)},
            (
                "s.yaml:8: requirements[0].profiles[0]: no school phase 'no'; "
                "known: ks1, ks2, ks3, ks4, post16, staff"
            ),
        ),
    ],
)
def test_each_fault_names_line_key_and_remedy(changed: dict[str, Any], expected: str) -> None:
    assert faults(**changed) == [expected]


def test_what_is_only_reported_needs_no_threshold() -> None:
    assert faults(rule="report", threshold=None) == []


def test_an_id_is_used_once() -> None:
    document = Document("s.yaml", "requirements:\n  - id: URL-01\n  - id: URL-01\n")

    assert [str(fault) for fault in duplicate_ids(document, document.data["requirements"])] == [
        "s.yaml:3: requirements[1].id: 'URL-01' is defined twice (first on line 2); keep one"
    ]


def test_a_fault_gets_the_remedy_of_its_key_unless_it_has_one() -> None:
    bare = Fault(where="s", line=1, key="a.at_least", found="110", known="")
    told = Fault(where="s", line=1, key="a.at_least", found="110", known="say less")

    assert "0.9 for 90 %" in with_remedy(bare).known
    assert with_remedy(told) is told


@pytest.mark.parametrize(
    ("name", "example"), [("uksic-current", "uksic-2024"), ("our-current", "our-2026")]
)
def test_no_scheme_is_called_like_an_alias(name: str, example: str) -> None:
    document = Document("s.yaml", f"version: '1'\nid: {name}\n")

    assert [str(fault) for fault in misdated(document, name, None, None)] == [
        (
            f"s.yaml:2: id: {name!r} ends in -current, which only aliases may; "
            f"date it after its edition, like {example}"
        )
    ]
    assert not list(misdated(document, "our-2026", None, None))


def test_a_review_is_due_after_it_was_done() -> None:
    document = Document("s.yaml", "id: own\nreviewed_on: 2026-11-24\nreview_by: 2026-11-23\n")
    done, due = date(2026, 11, 24), date(2026, 11, 23)

    assert [str(fault) for fault in misdated(document, "own", done, due)] == [
        "s.yaml:3: review_by: 2026-11-23 is before reviewed_on (2026-11-24); give a later day"
    ]
    assert not list(misdated(document, "own", done, done))
