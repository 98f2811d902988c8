"""The terminal: preconditions first, symbol and word, eighty columns, nothing that steers."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.console import Console

from harness.model.metric import CANNOT_MEASURE, PEOPLE_JUDGE
from harness.model.outcome import Assessment, Conformity, Corrected, Precondition
from reports.terminal import SHOWN, render_assessment
from test_suites.kit.campaigns.example import (
    example_assessment,
    example_outcome,
    example_requirement,
)


def printed(assessment: Assessment, width: int = 100) -> str:
    console = Console(
        width=width, record=True, color_system=None, force_terminal=False, quiet=False
    )
    with console.capture() as capture:
        render_assessment(assessment, console)
    return capture.get()


def test_preconditions_that_failed_come_before_the_table() -> None:
    text = printed(example_assessment())

    assert text.index("refused every connection") < text.index("ILL-01")
    assert "24 of 24 brackets held" not in text


def test_outcomes_have_symbol_and_word() -> None:
    text = printed(example_assessment())

    assert "✓ Conforms" in text
    assert "✗ Does not conform" in text
    assert "? Not decided" in text
    assert "its value alone passes" in " ".join(text.split())


def test_the_numbers_are_all_there() -> None:
    text = printed(example_assessment())

    for number in ("80/100", "72.3-86.4 %", "≥ 90 %", "widely reported", "93/98 +2?", "≤ 150 ms"):
        assert number in text


def test_eighty_columns_are_enough() -> None:
    text = printed(example_assessment(), width=80)

    assert max(len(line) for line in text.splitlines()) <= 80
    for word in ("widely reported", "proposed", "≤ 0 items", "97.0-100.0 %", "✗ Does not conform"):
        assert word in text


@pytest.mark.parametrize("width", range(60, 111, 2))
def test_no_word_is_cut_off_however_wide_the_terminal_is(width: int) -> None:
    said = printed(example_assessment(), width=width).split()
    leanings = [said[place : place + 4] for place, word in enumerate(said) if word == "its"]

    assert "its value alone passes" in " ".join(said)
    assert all(words[1] == "value" for words in leanings)


def test_failures_point_to_the_plans() -> None:
    told = "1 failed requirement: 'accredit run' opens an action plan for each; "
    assert told in printed(example_assessment())
    assert "action plan" not in printed(example_assessment(outcomes=(example_outcome(),)))


def test_markup_and_escapes_from_outside_are_only_text() -> None:
    hostile = Precondition(
        name="[bold]x[/bold]", line="proxy", profile="ks2", held=False, detail="\x1b]0;owned\x07"
    )
    text = printed(example_assessment(preconditions=(hostile,), title="[link=http://x]y[/link]"))

    assert "[bold]x[/bold]" in text
    assert "[link=http://x]y[/link]" in text
    assert "\x1b" not in text
    assert "\x07" not in text


def test_many_failed_preconditions_are_counted_not_poured_out() -> None:
    one = example_assessment().preconditions[0]
    text = printed(example_assessment(preconditions=(one,) * 40))

    assert text.count("refused every connection") == SHOWN
    assert f"and {40 - SHOWN} more of 40" in text


def test_what_binds_nobody_says_so() -> None:
    requirement = example_requirement(binding=False)
    outcome = example_outcome(Conformity.DOES_NOT_CONFORM, requirement=requirement)
    text = printed(example_assessment(outcomes=(outcome,)))

    assert "(not binding)" in text
    assert "action plan" not in text


def test_each_requirement_says_by_which_rule_it_is_decided() -> None:
    text = printed(example_assessment())

    assert "≥ 90 % (widely reported); decided by confidence bounds" in text
    assert "≤ 0 items (widely reported); every item counts" in text


def test_what_cannot_be_measured_yet_is_told_in_one_line() -> None:
    reasons = {"AVL-01": CANNOT_MEASURE, "AVL-02": CANNOT_MEASURE, "MAL-06": PEOPLE_JUDGE}
    absent = [
        example_outcome(
            Conformity.INSUFFICIENT,
            requirement=example_requirement(code),
            reasons=(reason,),
        )
        for code, reason in reasons.items()
    ]
    text = printed(example_assessment(outcomes=tuple(absent)))

    assert "Accredit cannot measure or decide these yet: AVL-01, AVL-02" in text
    assert "People judge these, and nobody has yet (accredit assess): MAL-06" in text
    assert CANNOT_MEASURE not in text
    assert PEOPLE_JUDGE not in text


def test_what_a_precondition_explains_is_not_said_again() -> None:
    text = printed(example_assessment())

    assert "URL-04[ks2-resolver]: 2 of 100 items could not be decided" in text
    assert "URL-01[ks4-proxy]:" not in text


def test_a_precondition_that_also_held_explains_nothing() -> None:
    assessment = example_assessment()
    failed = replace(assessment.preconditions[0], profile="ks2", line="resolver", held=False)
    text = printed(replace(assessment, preconditions=(failed, replace(failed, held=True))))

    assert "URL-04[ks2-resolver]: 2 of 100 items could not be decided" in text
    assert "why outcomes could not be decided" not in text
    hidden = printed(replace(assessment, preconditions=(replace(failed, profile="*", line="*"),)))
    assert "URL-04[ks2-resolver]: 2 of" not in hidden


def test_doubt_about_the_labels_is_told_where_they_were_audited() -> None:
    told = Corrected(lower=0.912, upper=1.0, label_error=0.0209, audited=299, wrong=2)
    doubtful = example_assessment(outcomes=(example_outcome(corrected=told),))

    assert "URL-01[ks2-proxy]: 2 of 299 audited labels were wrong" in printed(doubtful)
    assert "audited" not in printed(example_assessment())


def test_a_warning_stands_before_the_outcomes() -> None:
    text = printed(replace(example_assessment(), warnings=("review [bold]overdue",)))

    assert text.index("Warning: review [bold]overdue") < text.index("ILL-01")
    assert "Warning" not in printed(example_assessment())
