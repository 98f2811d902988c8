"""A bundle's journal is judged again: what the assessment says must follow from it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.cli.conclude import conclude_journal
from harness.cli.judge import TOLERANCE, JudgedAgain, differences, judge_again
from harness.cli.measure import measure_campaign
from harness.errors import UsageError
from harness.model.outcome import Assessment, Conformity, PrintedHead
from harness.schemes.load import load_scheme
from harness.store.bundle_reading import Bundle
from harness.store.journal.journal import SegmentJournal, open_journal
from test_suites.kit.processes.running import simulated_campaign

Change = Any


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Assessment]:
    """One small journal, and what it says."""
    folder = tmp_path_factory.mktemp("judged")
    journal = measure_campaign(simulated_campaign(folder, sample=10), folder / "out")
    return journal, conclude_journal(journal)[0]


@contextmanager
def bundled(
    measured: tuple[Path, Assessment], scheme: str = "", **changes: Any
) -> Iterator[Bundle]:
    """An open bundle, whose assessment was changed before it was signed."""
    journal, assessment = measured
    ours = load_scheme("becta-2008").model_dump_json()
    yield Bundle(
        signed_by="",
        assessment=replace(assessment, **changes),
        files=0,
        journal=open_journal(journal),
        registry={},
        scheme=json.loads(scheme or ours),
        appeals=(),
    )


def again(measured: tuple[Path, Assessment], **changes: Any) -> JudgedAgain:
    with bundled(measured, **changes) as bundle:
        return judge_again(bundle)


def test_an_honest_assessment_follows_from_its_journal(measured: tuple[Path, Assessment]) -> None:
    told = again(measured)

    assert ((), True) == (told.differences, told.is_same_version)


def test_figures_of_other_arithmetic_are_no_change_wherever_they_stand() -> None:
    recorded = {"alone": (0.9049661471446958, 1), "parts": [{"lower": 0.1}]}
    judged = {"alone": (0.9049661471446959, 1), "parts": [{"lower": 0.1}]}

    assert [] == list(differences("", recorded, judged, TOLERANCE))
    assert [("alone[0]", 0.9049661471446958, 0.9)] == list(
        differences("", recorded, recorded | {"alone": (0.9, 1)}, TOLERANCE)
    )


def changed_outcome(assessment: Assessment, **changes: Any) -> tuple[Any, ...]:
    first, *others = assessment.outcomes
    return (replace(first, **changes), *others)


def test_every_change_is_told_with_its_place(measured: tuple[Path, Assessment]) -> None:
    _, assessment = measured
    first = assessment.outcomes[0]
    better = changed_outcome(assessment, conformity=Conformity.CONFORMS, reasons=("better",))
    counted = changed_outcome(assessment, metric=replace(first.metric, n=first.metric.n + 1))
    for changes, place in (
        ({"outcomes": better}, f"outcomes.{first.id}.reasons"),
        ({"outcomes": counted}, f"outcomes.{first.id}.metric.n: recorded"),
        ({"outcomes": assessment.outcomes[1:]}, f"outcomes.{first.id}: recorded None"),
        ({"service": "another"}, "service: recorded 'another'"),
        ({"journal_head": PrintedHead(held=1, hash="ab")}, "journal_head.hash: recorded 'ab'"),
        ({"rates": ()}, "rates: recorded ()"),
    ):
        told = again(measured, **changes)
        assert any(one.startswith(place) for one in told.differences), (place, told.differences)


def test_other_rules_are_said(measured: tuple[Path, Assessment], tmp_path: Path) -> None:
    told = again(measured, rules_version="0")

    assert ("0", False, ()) == (told.recorded, told.is_same_version, told.differences)


def test_a_shipped_scheme_that_was_made_easier_is_refused(
    measured: tuple[Path, Assessment],
) -> None:
    easier = load_scheme("becta-2008").model_dump_json().replace('"at_least":0.9', '"at_least":0.1')

    with pytest.raises(UsageError, match=r"scheme.json was changed: it is not the becta-2008"):
        again(measured, scheme=easier)
    with pytest.raises(UsageError, match=r"scheme.json of the bundle is not understood"):
        again(measured, scheme="{}")


def test_a_shipped_scheme_of_another_version_cannot_be_compared(
    measured: tuple[Path, Assessment], capsys: pytest.CaptureFixture[str]
) -> None:
    shipped = load_scheme("becta-2008")
    other = shipped.model_copy(update={"version": "0.0"}).model_dump_json()

    again(measured, scheme=other)
    (warning,) = capsys.readouterr().err.splitlines()
    assert "says becta-2008 0.0; this installation has" in warning


def test_a_last_digit_that_differs_between_machines_is_no_difference(
    measured: tuple[Path, Assessment],
) -> None:
    _, assessment = measured
    outcome = next(one for one in assessment.outcomes if one.metric.upper)
    upper = (outcome.metric.upper or 0) * (1 + 1e-13)
    others = tuple(one for one in assessment.outcomes if one is not outcome)
    nearly = replace(outcome, metric=replace(outcome.metric, upper=upper))

    assert () == again(measured, outcomes=(nearly, *others)).differences


def test_a_journal_that_is_whole_and_of_no_campaign_is_refused(
    measured: tuple[Path, Assessment], tmp_path: Path
) -> None:
    stranger = tmp_path / "journal"
    SegmentJournal.create(stranger, {"campaign": '{"campaign":"tried"}', "corpora": []}).close()

    told = r"header\.json: not the header of a journal: service: Field required"
    with pytest.raises(UsageError, match=told):
        again((stranger, measured[1]))
