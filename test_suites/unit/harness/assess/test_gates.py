"""An unmet gate leaves what it guards undecided, and nothing else; it fails nobody."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.assess.gates import apply_gates, is_failed
from harness.model.gate import DURATIONS, GATES, gate_of
from harness.model.metric import Metric
from harness.model.metric_spec import SPECS
from harness.model.outcome import Conformity, Outcome
from harness.model.scheme import Requirement

CONFORMS, FAILS, OPEN = (
    Conformity.CONFORMS,
    Conformity.DOES_NOT_CONFORM,
    Conformity.INSUFFICIENT,
)
Kind = Literal["", "real", "content", "agreed"]


def row(name: str, metric: str, rule: str, area: str, **more: Any) -> Requirement:
    given = {"id": name, "title": f"title of {name}", "area": area, "severity": "Crit"}
    limit = {"at_least": 1.0, "provenance": "proposed", "source": "test"}
    measure = {"metric": metric}
    return Requirement.model_validate(
        given | {"rule": rule, "measure": measure, "threshold": limit} | more
    )


def measured(k: int, n: int) -> Metric:
    value = k / n if n else None
    return Metric(
        name="m", unit="share", value=value, k=k, n=n, indeterminate=0, lower=value, upper=value,
        method="m", alpha=0.05,
    )  # fmt: skip


def outcome(
    requirement: Requirement,
    conformity: Conformity,
    metric: Metric | None = None,
    kind: Kind = "real",
    **place: str,
) -> Outcome:
    return Outcome(
        requirement=requirement,
        profile=place.get("profile", "ks2"),
        line=place.get("line", "proxy"),
        conformity=conformity,
        metric=metric or measured(50, 50),
        decided_by="d",
        kind=kind,
        reasons=("why",) if conformity is OPEN else (),
        qualifier="agreed list only" if kind == "agreed" and conformity is CONFORMS else "",
    )


def gate(metric: str, k: int = 0, n: int = 1, **more: Any) -> Outcome:
    more = {"binding": False} | more
    return outcome(row("TQ-90", metric, "gate", "harness", **more), OPEN, measured(k, n), "")


RATE = row("URL-01", "block_rate", "guarded", "url")
CENSUS = row("ILL-01", "missed", "census", "illegal")


def under(made: Outcome, *outcomes: Outcome) -> list[Conformity]:
    return [one.conformity for one in apply_gates([made, *outcomes])[1:]]


@pytest.mark.parametrize("metric", sorted(GATES))
def test_a_gate_of_another_place_or_one_that_is_met_changes_nothing(metric: str) -> None:
    own = [outcome(RATE, CONFORMS), outcome(RATE, FAILS)]
    elsewhere = replace(gate(metric), line="resolver")
    met = replace(gate(metric), conformity=CONFORMS)

    for one in (elsewhere, met, replace(gate(metric), profile="ks4")):
        assert list(apply_gates([*own, one])[:2]) == own


def test_the_table_says_which_failures_a_gate_lifts() -> None:
    decided = [outcome(one, to) for one in (RATE, CENSUS) for to in (CONFORMS, FAILS)]
    found = {name: under(gate(name), *decided) for name in sorted(GATES)}

    everything, nothing = [OPEN] * 4, [CONFORMS, FAILS] * 2
    assert found == {
        "clock_unknown": nothing,
        "control_success": [OPEN, FAILS, OPEN, FAILS],
        "indeterminate_share": [OPEN, FAILS, OPEN, FAILS],
        "instrument_record": nothing,
        "label_error": everything,
        "reproduced_decisions": everything,
        "seed_commitment": [OPEN, OPEN, OPEN, FAILS],
    }


@pytest.mark.parametrize("kind", ["", "agreed"])
@pytest.mark.parametrize("metric", ["label_error", "seed_commitment"])
def test_labels_and_seeds_say_nothing_of_agreed_items(metric: str, kind: Kind) -> None:
    assert under(gate(metric), outcome(RATE, CONFORMS, kind=kind)) == [CONFORMS]


def test_times_are_under_the_clock_and_rates_are_not() -> None:
    late = row("POL-06", "policy_change_delay", "quantile", "policy")
    assert under(gate("clock_unknown", 1), outcome(late, FAILS)) == [OPEN]
    assert under(gate("clock_unknown", 1), outcome(RATE, FAILS)) == [FAILS]
    assert DURATIONS <= SPECS.keys()


def test_no_time_from_an_event_to_its_effect_is_left_out() -> None:
    modules = ("waits:", "discovery:", "log_delays:", "mail_delivery:")
    named = {name for name, spec in SPECS.items() if spec.function.startswith(modules)}
    assert named <= DURATIONS
    assert {
        "discovery_delay",
        "recategorisation_delay",
        "outage_alerts",
        "drift_alerts",
    } <= DURATIONS


def test_records_of_the_service_do_not_rest_on_controls() -> None:
    log = row("LOG-01", "events_recorded", "guarded", "logging")
    mail = row("EML-04", "mail_false_positives", "guarded", "email")
    assert under(gate("control_success"), outcome(log, CONFORMS), outcome(mail, CONFORMS)) == [
        CONFORMS,
        CONFORMS,
    ]


def test_what_is_only_reported_or_judged_by_people_and_other_gates_stay() -> None:
    others = [
        outcome(row("OVB-07", "x", "report", "overblock"), OPEN),
        outcome(row("SUP-01", "x", "evidence", "support"), OPEN),
        outcome(row("TQ-91", "x", "gate", "harness"), CONFORMS),
    ]
    assert list(apply_gates([gate("reproduced_decisions"), *others])[1:]) == others


def test_a_gate_that_is_not_shown_acts_only_if_the_scheme_binds_it() -> None:
    unknown = gate("reproduced_decisions", n=0)

    assert under(unknown, outcome(RATE, CONFORMS)) == [CONFORMS]
    assert under(gate("reproduced_decisions", n=0, binding=True), outcome(RATE, CONFORMS)) == [OPEN]


def test_too_few_are_not_shown_unless_they_surely_miss_the_limit() -> None:
    few = gate("label_error", 5, 5, n_min=299)
    assert not is_failed(few)
    assert is_failed(replace(few, metric=replace(few.metric, lower=0.1, upper=0.2)))
    assert is_failed(gate("label_error", 5, 299, n_min=299))
    assert not is_failed(replace(gate("label_error"), conformity=CONFORMS))


def test_the_reason_names_the_gate_and_the_leaning_stays_known() -> None:
    made = apply_gates(
        [gate("reproduced_decisions"), outcome(RATE, FAILS), outcome(RATE, CONFORMS)]
    )

    assert [one.leaning for one in made[1:]] == ["fail", "pass"]
    for one in made[1:]:
        assert one.reasons[0] == "gate TQ-90 (title of TQ-90) is not met: why"
        assert one.qualifier == ""


def test_a_metric_alone_is_no_gate() -> None:
    assert gate_of(row("TQ-92", "label_error", "guarded", "harness")) is None


@given(
    st.lists(st.sampled_from(sorted(GATES)), max_size=4),
    st.lists(st.sampled_from([CONFORMS, FAILS, OPEN]), max_size=4),
    st.sampled_from(["", "real", "content", "agreed"]),
)
def test_no_gate_ever_decides_anything(
    gates: list[str], ends: list[Conformity], kind: Kind
) -> None:
    given = [outcome(one, end, kind=kind) for end in ends for one in (RATE, CENSUS)]
    made = apply_gates([*map(gate, gates), *given])[len(gates) :]

    for before, after in zip(given, made, strict=True):
        assert after.conformity in (before.conformity, OPEN)
        assert (after.metric, after.requirement) == (before.metric, before.requirement)
