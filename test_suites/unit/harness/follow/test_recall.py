"""What a recall names is wrong in the versions that it names, and right in later ones."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from harness.follow.recall import (
    Measured,
    changes_between,
    recalled_decision,
    review_name,
    why_wrong,
)
from harness.model.people_answer import PeopleEvidence
from harness.model.recall_event import Wrong
from harness.model.registry_record import Review
from test_suites.unit.harness.follow.proposal_cases import FAILED, MET, OPEN, Assess, Make
from test_suites.unit.harness.follow.test_decisions import NOW

PACK = "canary 1.2 " + "a" * 64
MEASURED = Measured(
    scheme="becta-2008", scheme_version="1", rules="1+aa", software="isp-accredit 0.9.1",
    corpora=(PACK,),
)  # fmt: skip
PROBE = Wrong(probes=("web",), software=("isp-accredit 0.9.0", "isp-accredit 0.10.0"))
ITEM = Wrong(items=("drug-001",), corpora=(PACK,))
RULES = Wrong(rules=("1+aa",))
SCHEME = Wrong(scheme="becta-2008", scheme_versions=("1",))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (PROBE, "its probe web proved wrong in isp-accredit 0.9.1"),
        (ITEM, "drug-001 proved wrong in its packs"),
        (Wrong(packs=("canary",), corpora=(PACK,)), "canary proved wrong in its packs"),
        (Wrong(packs=("canary",)), "canary proved wrong in its packs"),
        (RULES, "the rules 1+aa that judged it proved wrong"),
        (SCHEME, "the scheme becta-2008 1 proved wrong"),
        (msgspec.structs.replace(PROBE, scheme="becta-2008"), "its probe web proved wrong"),
    ],
)
def test_what_proved_wrong_is_named(wrong: Wrong, said: str) -> None:
    assert said in why_wrong(wrong, MEASURED)


@pytest.mark.parametrize(
    ("wrong", "measured"),
    [
        (PROBE, MEASURED._replace(software="isp-accredit 0.10.1")),
        (PROBE, MEASURED._replace(software="isp-accredit 1.0.0")),
        (ITEM, MEASURED._replace(corpora=("canary 1.3 " + "b" * 64,))),
        (RULES, MEASURED._replace(rules="1+bb")),
        (SCHEME, MEASURED._replace(scheme_version="2")),
        (SCHEME, MEASURED._replace(scheme="dfe-2024")),
        (msgspec.structs.replace(PROBE, scheme="dfe-2024"), MEASURED),
        (Wrong(), MEASURED),
    ],
)
def test_another_version_puts_it_right(wrong: Wrong, measured: Measured) -> None:
    assert why_wrong(wrong, measured) == ""


@pytest.mark.parametrize(
    ("name", "trigger", "decision"),
    [
        (review_name("D-0001", "2026-03-02"), "recall", "D-0001"),
        (review_name("D-12345", "2026-03-02"), "recall", "D-12345"),
        (review_name("D-0001", "2026-03-02"), "request", ""),
        ("Yearly look", "recall", ""),
    ],
)
def test_the_review_of_a_recall_names_its_decision(name: str, trigger: str, decision: str) -> None:
    review = Review(id=name, of="Safe Net", trigger=trigger, due=NOW)  # type: ignore[arg-type]  # from a table

    assert recalled_decision(review) == decision


def test_what_people_judged_and_lines_without_trials_are_no_change(
    make_assessment: Assess, make_outcome: Make
) -> None:
    people = PeopleEvidence(answers=(), methods=("examine",), expires=None)
    stated = replace(make_outcome(MET, requirement="MAL-06"), people=people)
    nowhere = replace(make_outcome(FAILED), line="none")
    before = make_assessment(make_outcome(MET), stated)

    again = replace(make_outcome(OPEN, requirement="MAL-06"), people=people)

    assert changes_between(before, make_assessment(make_outcome(MET), nowhere)) == ()
    assert changes_between(before, make_assessment(make_outcome(MET), again)) == ()
    (change,) = changes_between(before, make_assessment(make_outcome(FAILED)))
    assert str(change).startswith("URL-01[ks2-proxy] ")
