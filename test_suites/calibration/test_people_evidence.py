"""Requirements that people judge: met, broken, and without the evidence of two people."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from harness.cli.conclude import conclude_journal
from harness.model.metric import PEOPLE_JUDGE
from harness.model.outcome import Assessment, Conformity, Outcome
from harness.model.people_facts import PeopleAnswerFacts
from test_suites.kit.campaigns.people_stating import BROKEN, GOVERNOR, LEAD, both, keep, stated
from test_suites.kit.campaigns.rehearsal import rehearse, simulated_origin, write_campaign

ALL = sorted(BROKEN)
SCHEME = f"""\
id: by-people
version: "1.0"
title: What people judge
policy: uk-schools-2026
requirements: [{", ".join(f"{{id: {one}}}" for one in (*ALL, "URL-04"))}]
"""
FAILS, CONFORMS, OPEN = Conformity.DOES_NOT_CONFORM, Conformity.CONFORMS, Conformity.INSUFFICIENT


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a campaign over a simulated line that was measured."""
    folder = tmp_path_factory.mktemp("by-people")
    (folder / "scheme.yaml").write_text(SCHEME)
    campaign = write_campaign(
        folder / "campaign",
        origin=simulated_origin(folder),
        lines=[{"name": "proxy", "type": "simulated", "options": {"block": ["DRUG", "ILL"]}}],
        categories=["DRUG"],
        control={"type": "simulated"},
        plain_twins={"number": 0},
    )
    return rehearse(campaign).journal


Conclude = Callable[[Iterable[PeopleAnswerFacts]], dict[str, Outcome]]


@pytest.fixture
def conclude(measured: Path, tmp_path: Path) -> Conclude:
    """Concludes the journal with answers of people; outcomes by requirement."""

    def with_answers(answers: Iterable[PeopleAnswerFacts]) -> dict[str, Outcome]:
        return by_requirement(assessed(measured, tmp_path / "copy", answers))

    return with_answers


def assessed(
    measured: Path, folder: Path, answers: Iterable[PeopleAnswerFacts], scheme: str = ""
) -> Assessment:
    shutil.copytree(measured.parent, folder)
    keep(folder / "journal", answers)
    return conclude_journal(folder, scheme or str(measured.parents[3] / "scheme.yaml"))[0]


def by_requirement(assessment: Assessment) -> dict[str, Outcome]:
    return {one.requirement.id: one for one in assessment.outcomes}


def test_what_two_people_state_in_agreement_conforms(conclude: Conclude) -> None:
    outcomes = conclude([one for name in ALL for one in both(name)])

    assert {name: outcomes[name].conformity for name in ALL} == dict.fromkeys(ALL, CONFORMS)
    assert outcomes["ILL-08"].metric.value == 40
    assert outcomes["MAL-06"].metric.value == 20
    assert outcomes["UPD-01"].metric.value == 22
    assert outcomes["PRV-01"].metric.value == 1


def test_what_two_people_state_against_a_requirement_does_not_conform(conclude: Conclude) -> None:
    outcomes = conclude([one for name in ALL for one in both(name, BROKEN[name])])

    assert {name: outcomes[name].conformity for name in ALL} == dict.fromkeys(ALL, FAILS)
    assert outcomes["ILL-08"].metric.value == 93
    assert outcomes["TLS-04"].metric.value == 1
    assert outcomes["UPD-01"].metric.value == 30
    assert "missing" in outcomes["PRV-01"].witnesses[0].saw


def test_what_only_one_person_states_decides_nothing(conclude: Conclude) -> None:
    outcomes = conclude([stated(name) for name in ALL])

    assert {name: outcomes[name].conformity for name in ALL} == dict.fromkeys(ALL, OPEN)
    for name in ALL:
        assert f"only one reviewer answered ({LEAD})" in " ".join(outcomes[name].reasons)


def test_what_nobody_states_decides_nothing(conclude: Conclude) -> None:
    outcomes = conclude([])

    assert {name: outcomes[name].reasons for name in ALL} == dict.fromkeys(ALL, (PEOPLE_JUDGE,))
    assert {outcomes[name].conformity for name in ALL} == {OPEN}


@pytest.mark.parametrize(
    "scheme", ["dfe-2024", "iwf-member", "strict", "surveillance", "uksic-2024"]
)
def test_no_evidence_row_of_a_shipped_scheme_stays_undecided(
    measured: Path, tmp_path: Path, scheme: str
) -> None:
    answers = [one for name in ALL for one in both(name)]
    rows = [
        one
        for one in assessed(measured, tmp_path / "copy", answers, scheme).outcomes
        if one.requirement.rule == "evidence" and one.requirement.id != "TQ-07"
    ]

    assert rows
    assert {one.id for one in rows if one.conformity is not CONFORMS} == set()


def test_two_contradictory_reviewers_are_reported_and_neither_wins(conclude: Conclude) -> None:
    outcomes = conclude([
        one for name in ALL for one in (stated(name), stated(name, GOVERNOR, BROKEN[name]))
    ])  # fmt: skip

    assert {name: outcomes[name].conformity for name in ALL} == dict.fromkeys(ALL, OPEN)
    for name in ALL:
        (reason,) = (one for one in outcomes[name].reasons if "contradict" in one)
        assert LEAD in reason
        assert GOVERNOR in reason
        assert "neither answer counts" in reason
