"""Expected results: what is listed is known, everything else must conform."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from harness.cli import expect
from harness.cli.expect import ExpectedResults, compare, read_expected, written
from harness.cli.main import app, invoke
from harness.errors import FaultyDocument, UsageError
from harness.model.outcome import Assessment, Conformity
from test_suites.kit.campaigns.example import example_assessment

TODAY, LATER = date(2026, 11, 27), date(2027, 3, 31)


def pinned(folder: Path, assessment: Assessment, until: date = LATER) -> ExpectedResults:
    """What a file written from an assessment holds."""
    path = folder / "expected.yaml"
    path.write_text(written(assessment, until, "known since spring"), encoding="utf-8")
    return read_expected(path)


def changed(assessment: Assessment, name: str, conformity: Conformity) -> Assessment:
    """The assessment with another outcome of one requirement."""
    outcomes = tuple(
        dataclasses.replace(each, conformity=conformity) if each.id == name else each
        for each in assessment.outcomes
    )
    return dataclasses.replace(assessment, outcomes=outcomes)


def test_what_was_written_is_as_expected_and_the_same_each_time(tmp_path: Path) -> None:
    assessment = example_assessment()
    comparison = compare(assessment, pinned(tmp_path, assessment), TODAY)

    assert {} == comparison.differences
    assert ["URL-01[ks4-proxy]", "URL-04[ks2-proxy]", "URL-04[ks2-resolver]"] == sorted(
        comparison.known
    )
    assert written(assessment, LATER, "x") == written(assessment, LATER, "x")


@pytest.mark.parametrize(
    ("name", "now", "said"),
    [
        ("URL-01[ks2-proxy]", Conformity.DOES_NOT_CONFORM, "does-not-conform; it is not listed"),
        ("URL-01[ks2-proxy]", Conformity.INSUFFICIENT, "insufficient; it is not listed"),
        (
            "URL-04[ks2-proxy]",
            Conformity.CONFORMS,
            "conforms, but does-not-conform was expected; remove the entry",
        ),
        (
            "URL-04[ks2-proxy]",
            Conformity.INSUFFICIENT,
            "insufficient, but does-not-conform was expected",
        ),
        (
            "URL-04[ks2-resolver]",
            Conformity.DOES_NOT_CONFORM,
            "does-not-conform, but insufficient was expected",
        ),
    ],
)
def test_every_other_outcome_is_a_difference(
    name: str, now: Conformity, said: str, tmp_path: Path
) -> None:
    before = example_assessment()
    after = changed(before, name, now)

    assert {name: said} == compare(after, pinned(tmp_path, before), TODAY).differences


def test_a_qualified_pass_that_was_not_declared_is_no_expected_pass(tmp_path: Path) -> None:
    before = example_assessment()
    outcomes = tuple(
        dataclasses.replace(each, qualifier="on agreed items") for each in before.outcomes
    )
    limited = dataclasses.replace(before, outcomes=outcomes, items="real")
    passed = {each.id for each in before.outcomes if each.conformity is Conformity.CONFORMS}

    found = compare(limited, pinned(tmp_path, before), TODAY).differences
    assert passed == set(found)
    assert {"insufficient; it is not listed"} == set(found.values())


def test_an_entry_ends_after_its_last_day(tmp_path: Path) -> None:
    assessment = example_assessment()
    expected = pinned(tmp_path, assessment, until=TODAY)

    assert {} == compare(assessment, expected, TODAY).differences
    ended = compare(assessment, expected, date(2026, 11, 28)).differences
    assert 3 == len(ended)
    assert "the entry ended on 2026-11-27: known since spring" in ended["URL-04[ks2-proxy]"]


def test_an_entry_that_names_no_outcome_is_a_difference(tmp_path: Path) -> None:
    assessment = example_assessment()
    fewer = dataclasses.replace(
        assessment,
        outcomes=tuple(each for each in assessment.outcomes if each.profile != "ks4"),
    )
    found = compare(fewer, pinned(tmp_path, assessment), TODAY).differences

    assert ["URL-01[ks4-proxy]"] == list(found)


def test_another_scheme_or_nothing_binding_is_a_mistake(tmp_path: Path) -> None:
    assessment = example_assessment()
    expected = pinned(tmp_path, assessment)

    with pytest.raises(UsageError, match="are for scheme 'becta-2008'"):
        compare(dataclasses.replace(assessment, scheme="strict"), expected, TODAY)
    with pytest.raises(UsageError, match="no binding requirement"):
        compare(dataclasses.replace(assessment, outcomes=()), expected, TODAY)


ENTRY = "{requirement: URL-04, profile: ks2, line: p, outcome: %s, reason: %s, until: %s}"


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ([ENTRY % ("conforms", "x", "2027-01-01")], "what conforms is not listed"),
        ([ENTRY % ("does-not-conform", "' '", "2027-01-01")], "reason"),
        ([ENTRY % ("does-not-conform", "x", "soon")], "until"),
        ([ENTRY % ("passes", "x", "2027-01-01")], "outcome"),
        ([ENTRY % ("insufficient", "x", "2027-01-01")] * 2, "listed twice: URL-04[ks2-p]"),
    ],
)
def test_a_faulty_file_is_told_by_line(entries: list[str], said: str, tmp_path: Path) -> None:
    path = tmp_path / "expected.yaml"
    path.write_text("scheme: x\nexpected:\n" + "".join(f"  - {each}\n" for each in entries))

    with pytest.raises(FaultyDocument) as raised:
        read_expected(path)
    assert said in str(raised.value)
    assert f"{path}:" in str(raised.value)


def test_the_commands_write_once_and_check_with_exit_codes(
    runner: CliRunner, simulated: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, file = tmp_path / "out", tmp_path / "expected.yaml"
    assert (
        0
        == runner.invoke(
            app, ["measure", str(simulated("s", categories=["DRUG"], whole=())), "--out", str(out)]
        ).exit_code
    )
    told = ["expect", "write", str(out / "s"), "--out", str(file), "--until", "2027-03-31"]
    told += ["--most", "1"]

    first = runner.invoke(app, told)
    unreasoned = runner.invoke(app, ["expect", "check", str(out / "s"), str(file)])
    again = runner.invoke(app, told)
    file.write_text(file.read_text().replace('reason: ""', 'reason: "few items"'))
    checked = runner.invoke(app, ["expect", "check", str(out / "s"), str(file)])
    moment = datetime(2027, 4, 1, tzinfo=UTC)
    monkeypatch.setattr(expect, "clock", type("Clock", (), {"now": lambda _: moment})())
    late = runner.invoke(app, ["expect", "check", str(out / "s"), str(file)])
    monkeypatch.undo()
    file.write_text(file.read_text().replace("pinned_at_most: 1\n", ""))
    most = runner.invoke(app, ["expect", "check", str(out / "s"), str(file)])

    assert 3 == most.exit_code, most.output
    assert "declares at most 50% (pinned_at_most)" in " ".join(most.output.split())
    assert "what is expected counts for no decision" in " ".join(most.output.split())
    assert 0 == first.exit_code, first.output
    assert "give the reason of each" in first.output
    assert isinstance(unreasoned.exception, FaultyDocument)
    assert "exists already" in str(again.exception)
    assert (0, 1) == (checked.exit_code, late.exit_code), checked.output
    assert "as expected: " in checked.output
    assert "the entry ended on 2027-03-31: few items" in late.output
    with pytest.raises(UsageError, match="is not a date"):
        invoke(["expect", "write", str(out / "s"), "--out", str(tmp_path / "x"), "--until", "soon"])


def with_value(assessment: Assessment, name: str, value: float | None) -> Assessment:
    """The assessment with another figure of one outcome."""
    outcomes = tuple(
        dataclasses.replace(each, metric=dataclasses.replace(each.metric, value=value))
        if each.id == name
        else each
        for each in assessment.outcomes
    )
    return dataclasses.replace(assessment, outcomes=outcomes)


FAILED = "URL-04[ks2-proxy]"


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (0.7, ""),
        (0.66, ""),
        (0.89, ""),  # better, if not good enough
        (0.64, "64 %, which is worse than the expected 70 % by more than 5 %"),
        (0.0, "0 %, which is worse than the expected 70 % by more than 5 %"),
        (None, "nothing was measured, and 70 % was expected"),
    ],
)
def test_a_known_failure_must_not_become_worse(
    now: float | None, said: str, tmp_path: Path
) -> None:
    before = with_value(example_assessment(), FAILED, 0.7)
    expected = pinned(tmp_path, before).model_copy(update={"pinned_at_most": 1.0})

    comparison = compare(with_value(before, FAILED, now), expected, TODAY)

    assert comparison.differences.get(FAILED, "") == said
    assert comparison.exit_code == (1 if said else 0)


def test_more_pins_than_declared_show_nothing(tmp_path: Path) -> None:
    assessment = example_assessment()
    expected = pinned(tmp_path, assessment)

    few = compare(assessment, expected.model_copy(update={"pinned_at_most": 0.1}), TODAY)

    assert (few.differences, few.exit_code) == ({}, 3)
    assert "binding outcomes, and declares at most 10% (pinned_at_most)" in few.undecided[0]
    assert any(" items, and declares at most 10%" in each for each in few.undecided)
    all_of_it = expected.model_copy(update={"pinned_at_most": 1.0})
    assert 0 == compare(assessment, all_of_it, TODAY).exit_code


def test_an_entry_without_a_figure_does_not_pass(tmp_path: Path) -> None:
    """Files of earlier versions hold none: a fall from 70 % to nothing would not be noticed."""
    assessment = with_value(example_assessment(), FAILED, 0.0)
    entries = tuple(
        entry.model_copy(update={"value": None}) for entry in pinned(tmp_path, assessment).expected
    )
    old = ExpectedResults(scheme=assessment.scheme, expected=entries, pinned_at_most=1.0)

    comparison = compare(assessment, old, TODAY)

    assert (comparison.differences, comparison.exit_code) == ({}, 3)
    (sentence,) = [each for each in comparison.undecided if each.startswith(FAILED)]
    assert "a further fall would not be noticed; add 'value: 0' if that is known" in sentence


def test_no_decision_rests_on_expected_results() -> None:
    """Only the command itself and the pytest plug-in know of the file."""
    root = Path(expect.__file__).parents[1]
    named = {
        str(path.relative_to(root))
        for path in root.rglob("*.py")
        if "harness.cli.expect" in path.read_text(encoding="utf-8")
        or "harness.cli import expect" in path.read_text(encoding="utf-8")
    }
    assert named <= {"cli/main.py"}


def test_a_fall_to_nothing_is_found_through_the_command_line(
    runner: CliRunner, simulated: Any, tmp_path: Path
) -> None:
    out, file = tmp_path / "out", tmp_path / "expected.yaml"
    drugs = [f"drug-{number:03d}.canary.accredit.test" for number in range(1, 121)]
    for name, missed in (("before", drugs[::2]), ("after", drugs)):
        path = simulated(name, sample=20, categories=["DRUG"], whole=(), miss=missed)
        assert 0 == runner.invoke(app, ["measure", str(path), "--out", str(out)]).exit_code
    words = ["--until", "2999-03-31", "--reason", "known", "--most", "1", "--out", str(file)]
    assert 0 == runner.invoke(app, ["expect", "write", str(out / "before"), *words]).exit_code

    same, fallen = (
        runner.invoke(app, ["expect", "check", str(out / name), str(file)])
        for name in ("before", "after")
    )

    assert (0, 1) == (same.exit_code, fallen.exit_code), fallen.output
    said = " ".join(fallen.output.split())
    assert "differs: URL-04[pupils-proxy]: 0 %, which is worse than the expected" in said
