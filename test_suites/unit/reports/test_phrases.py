"""Wording: no digit flatters, no word is missing, no control character gets through."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.metric import Spread
from harness.model.metric_spec import SPECS
from harness.model.outcome import Conformity, Corrected, Sequential
from harness.model.outcome_group import SHOWN
from harness.model.scheme import Measure, Threshold
from reports import phrases
from test_suites.kit.campaigns.example import (
    example_assessment,
    example_metric,
    example_outcome,
    example_outcomes,
    example_requirement,
    example_witness,
)


@pytest.mark.parametrize(
    ("value", "beside", "shown"),
    [
        (None, None, phrases.NONE),
        (0.0, None, "0.0 %"),
        (1.0, 0.9, "100.0 %"),
        (0.9, 0.9, "90.0 %"),
        (0.8996, 0.9, "89.96 %"),
        (0.90004, 0.9, "90.004 %"),
        (0.99996, None, "99.996 %"),
        (0.0004, None, "0.04 %"),
        (0.05, 0.05, "5.0 %"),
        (0.07, 0.07, "7.0 %"),
    ],
)
def test_percent_stays_on_its_side(value: float | None, beside: float | None, shown: str) -> None:
    assert phrases.percent(value, beside) == shown


@given(n=st.integers(1, 3000), data=st.data())
def test_a_rate_never_looks_whole_unless_it_is(n: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, n))

    shown = phrases.percent(k / n)

    assert (float(shown.removesuffix(" %")) == 100) == (k == n)
    assert (float(shown.removesuffix(" %")) == 0) == (k == 0)


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (0.12, "s", "120 ms"),
        (0.0123, "s", "12.3 ms"),
        (0.5, "share", "50.0 %"),
        (3.0, "items", "3 items"),
        (None, "s", phrases.NONE),
        (2.5, "", "2.5"),
        (22.3012, "ratio", "22.3012"),
        (1.0, "ratio", "1"),
    ],
)
def test_quantities_have_units(value: float | None, unit: str, shown: str) -> None:
    assert phrases.quantity(value, unit) == shown


@pytest.mark.parametrize(
    ("limit", "unit", "words", "sign"),
    [
        (
            Threshold(at_least=0.9, provenance="seen", source="x"),
            "share",
            "at least 90 %",
            "≥ 90 %",
        ),
        (Threshold(at_most=0.15, provenance="seen", source="x"), "s", "at most 150 ms", "≤ 150 ms"),
        (Threshold(at_most=90, provenance="seen", source="x"), "s", "at most 90 s", "≤ 90 s"),
        (Threshold(at_most=300, provenance="seen", source="x"), "s", "at most 5 min", "≤ 5 min"),
        (Threshold(at_most=43200, provenance="seen", source="x"), "s", "at most 12 h", "≤ 12 h"),
        (Threshold(at_most=604800, provenance="seen", source="x"), "s", "at most 7 d", "≤ 7 d"),
        (
            Threshold(at_most=0, provenance="seen", source="x"),
            "items",
            "at most 0 items",
            "≤ 0 items",
        ),
        (
            Threshold(at_least=0.995, provenance="seen", source="x"),
            "share",
            "at least 99.5 %",
            "≥ 99.5 %",
        ),
        (Threshold(at_most=2, provenance="seen", source="x"), "ratio", "at most 2", "≤ 2"),
        (
            Threshold(provenance="seen", source="x"),
            "share",
            "for information only",
            "for information only",
        ),
        (None, "share", "for information only", "for information only"),
    ],
)
def test_thresholds(limit: Threshold | None, unit: str, words: str, sign: str) -> None:
    requirement = example_requirement(threshold=limit)

    assert phrases.threshold(requirement, unit) == words
    assert phrases.demand(requirement, unit) == sign


def test_every_unit_that_is_shown_as_a_percentage_is_a_part_of_a_whole() -> None:
    """A service that blocks 22 clean pages for each harmful one does not block 2,230 %."""
    units = {name: spec.unit for name, spec in SPECS.items() if spec.unit in phrases.RATES}

    assert not units.keys() & {"clean_blocked_per_harmful", "contention", "design_effect"}
    assert set(units.values()) == {"share"}


def test_the_sentence_holds_every_number() -> None:
    sentence = phrases.sentence(example_outcomes()[2])

    assert sentence == (
        "URL-04 (Illegal drug taking and promotion is blocked) for ks2 on proxy: does not conform; "
        "80 of 100 items were blocked (80.0 %); one-sided 95 % bounds 72.3 to 86.4 %; "
        "required: at least 90 %."
    )


def test_the_sentence_of_doubt_says_how_many_and_which_way() -> None:
    sentence = phrases.sentence(example_outcomes()[3])

    assert (
        "2 undecided items counted as the worst case; its value alone passes; 2 of 100" in sentence
    )


def test_nothing_counted_is_a_dash_and_not_nought() -> None:
    outcome = example_outcome(Conformity.INSUFFICIENT, metric=example_metric(0, 0))

    assert phrases.value(outcome) == phrases.NONE
    assert phrases.bounds(outcome) == phrases.NONE


def test_a_bound_that_is_missing_is_said_in_words() -> None:
    outcome = example_outcome(metric=example_metric(upper=None))
    other = example_outcome(metric=example_metric(lower=None, upper=0.5))

    assert phrases.bounds(outcome) == "97.0 % or more"
    assert phrases.bounds(other) == "50.0 % or less"


def test_a_bound_stays_on_its_side_of_what_is_required() -> None:
    outcome = example_outcome(metric=example_metric(lower=0.8996, upper=0.90004))

    assert phrases.bounds(outcome) == "89.96 to 90.004 %"


def test_a_metric_that_counts_nothing_known_says_how_many_were_measured() -> None:
    measure = Measure(metric="first_byte_overhead", quantile=0.95)
    outcome = example_outcome(
        requirement=example_requirement(measure=measure),
        metric=example_metric(name="first_byte_overhead", unit="s"),
    )

    assert phrases.counted(outcome) == "100 items measured"


@pytest.mark.parametrize("conformity", list(Conformity))
def test_every_conformity_has_a_symbol_and_a_word(conformity: Conformity) -> None:
    verdict = phrases.verdict(example_outcome(conformity))

    assert verdict == f"{phrases.SYMBOLS[conformity]} {phrases.WORDS[conformity]}"


def test_symbols_differ() -> None:
    assert len(set(phrases.SYMBOLS.values())) == len(Conformity)


def test_the_headline_counts() -> None:
    assert phrases.headline(example_assessment()) == (
        "SafeLine Schools meets 4 of 7 checks and fails 1; 2 could not be decided: too little "
        "evidence."
    )


def test_the_headline_of_a_clean_pass() -> None:
    assessment = example_assessment(outcomes=(example_outcome(),))

    assert phrases.headline(assessment) == (
        "SafeLine Schools meets the one check of this specification."
    )


def test_the_headline_of_a_service_without_a_name_has_a_subject() -> None:
    clean = example_assessment(service="", outcomes=(example_outcome(),))

    assert phrases.headline(clean) == "The service meets the one check of this specification."
    assert phrases.headline(example_assessment(service="")).startswith("The service meets 4 of 7")


def test_nothing_binding_is_nothing_shown() -> None:
    report_only = example_requirement(binding=False)
    assessment = example_assessment(outcomes=(example_outcome(requirement=report_only),))

    assert "nothing is shown to conform" in phrases.headline(assessment)


def test_tally_leaves_out_what_binds_nobody() -> None:
    report_only = example_requirement("URL-02", binding=False)
    outcomes = (example_outcome(), example_outcome(requirement=report_only))

    tally = phrases.tally(example_assessment(outcomes=outcomes))

    assert tally == {
        Conformity.CONFORMS: 1,
        Conformity.DOES_NOT_CONFORM: 0,
        Conformity.INSUFFICIENT: 0,
    }


@given(st.text())
def test_no_control_character_survives(text: str) -> None:
    shown = phrases.plain(text)

    assert shown.isprintable() or any(sign.isspace() or sign > "\ue000" for sign in shown)
    assert not set(shown) & {"\x1b", "\x07", "\x9b", "\x00", "\u202e", "\u2066", "\r", "\n"}


def test_a_witness_is_one_plain_line() -> None:
    witness = example_witness(saw=("\x1b[31mred\x1b[0m", "web"))

    line = phrases.witness_line(witness)

    assert "\x1b" not in line
    assert line.startswith(
        "canary/GAMB/001 gamb-001.canary.accredit.test (GAMB): let through (rule"
    )


def test_what_an_audit_of_the_labels_leaves_open_is_told_in_a_sentence() -> None:
    told = Corrected(lower=0.912, upper=1.0, label_error=0.0209, audited=299, wrong=2)

    assert phrases.corrected(example_outcome(corrected=told)) == (
        "2 of 299 audited labels were wrong, so up to 2.1 % of all may be: of truly harmful "
        "items, 91.2 % to 100.0 % were blocked (for information only)"
    )
    assert phrases.corrected(example_outcome()) == ""


def test_that_a_stopping_plan_decided_is_told_beside_its_bounds() -> None:
    test = Sequential(
        plan=2,
        bad=0.9,
        good=0.98,
        alpha=0.05,
        beta=0.1,
        decision="pass",
        blocked=34,
        missed=0,
        doubtful=0,
    )
    outcome = example_outcome(sequential=test)

    assert phrases.planned(outcome) == "decided by stopping plan 2 after 34 items"
    assert "; decided by stopping plan 2 after 34 items" in phrases.sentence(outcome)
    undecided = example_outcome(sequential=replace(test, decision="continue", why_open="few"))
    assert phrases.planned(undecided) == "undecided by stopping plan 2 after 34 items"
    assert phrases.planned(example_outcome()) == ""


@pytest.mark.parametrize(
    ("count", "shown"), [(0, "0"), (SHOWN - 1, "4,999"), (SHOWN, "5,000 or more")]
)
def test_a_sample_of_answers_is_not_told_as_all_of_them(count: int, shown: str) -> None:
    assert phrases.answers([0.1] * count) == shown


def test_where_pages_share_domains_both_rates_are_told() -> None:
    spread = Spread(domains=50, rate=0.8996, tried=50, least=44.98, most=44.98)
    outcome = replace(example_outcome(), metric=example_metric(470, 500, spread=spread))

    assert phrases.by_domain(outcome) == "89.96 % by domain, 50 domains"
    assert phrases.counted(outcome) == (
        "470 of 500 items were blocked; 89.96 % by domain, 50 domains"
    )
    assert "94.0 %" in phrases.sentence(outcome)
    assert phrases.by_domain(example_outcome()) == ""
    unnamed = replace(example_outcome(), metric=example_metric(97, 100, unnamed=30))
    assert phrases.counted(unnamed) == (
        "97 of 100 items were blocked; 30 have no registrable domain and count as independent"
    )


@pytest.mark.parametrize(
    ("name", "unit", "limit", "words"),
    [
        ("missed", "items", Threshold(at_most=0, provenance="seen", source="x"),
         "2 of 120 items got through. None may."),
        ("missed", "items", Threshold(at_most=3, provenance="seen", source="x"),
         "2 of 120 items got through. At most 3 items may."),
        ("block_rate", "share", Threshold(at_least=0.9, provenance="seen", source="x"),
         "2 of 120 items were blocked (1.7%). At least 90% must be."),
    ],
)  # fmt: skip
def test_what_was_counted_stands_beside_what_is_required(
    name: str, unit: str, limit: Threshold, words: str
) -> None:
    outcome = example_outcome(
        requirement=example_requirement(threshold=limit),
        metric=example_metric(2, 120, name=name, unit=unit),
    )

    assert phrases.count_and_rule(outcome) == words


def test_a_threshold_that_decides_nothing_says_so() -> None:
    requirement = example_requirement(rule="report")

    assert phrases.threshold(requirement, "share") == "at least 90 % (for information only)"


def test_items_left_out_are_counted_by_reason_in_words() -> None:
    outcome = example_outcome(metric=example_metric(left_out={"down": 3, "other reason": 1}))

    assert phrases.left_out(outcome) == (
        "3 left out (not working on the unfiltered line either)",
        "1 left out (other reason)",
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("90.0 %", "90%"),
        ("89.96 % or more", "89.96% or more"),
        ("0.0 to 3.1 %", "0 to 3.1%"),
        ("100.0 %", "100%"),
        ("15.0 to 24.0 ms", "15.0 to 24.0 ms"),
        ("1.0.0", "1.0.0"),
    ],
)
def test_a_page_prints_per_cent_without_space_or_empty_digits(text: str, shown: str) -> None:
    assert phrases.tight(text) == shown


def test_what_is_only_reported_is_for_information() -> None:
    reported = example_outcome(
        Conformity.INSUFFICIENT, requirement=example_requirement(rule="report")
    )

    assert phrases.verdict(reported) == f"{phrases.NONE} For information"


@pytest.mark.parametrize(
    ("kind", "code", "noun"),
    [
        ("agreed", "GAMB", "test items"),
        ("agreed", "ILL.CSAM", "test entries"),
        ("real", "ILL.CSAM", "real sites"),
        ("content", "GAMB", "test pages"),
        ("", "GAMB", "items"),
    ],
)
def test_items_are_called_what_they_are(kind: Any, code: str, noun: str) -> None:
    requirement = example_requirement(measure=Measure(metric="block_rate", categories=(code,)))

    assert phrases.items_of(example_outcome(requirement=requirement, kind=kind)) == noun
