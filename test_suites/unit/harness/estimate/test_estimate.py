"""One measurement per requirement, line and profile; nothing goes missing in silence."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.estimate.estimate import estimate
from harness.model.metric import NOT_IMPLEMENTED
from harness.model.outcome import Estimates
from harness.model.scheme import Scheme
from harness.model.verdict import State, Verdict
from harness.schemes.load import load_scheme
from test_suites.kit.campaigns.memory_fold import MemoryFold
from test_suites.kit.clocks.work import calls_of
from test_suites.unit.harness.estimate.test_waits import polls

MOST_CALLS = 220
"""Calls for each verdict; it takes half of that."""

KS2 = {"ks2": "ks2"}


def test_lines_and_profiles_are_measured_apart(
    verdict: Callable[..., Verdict], scheme: Callable[..., Scheme]
) -> None:
    verdicts = [verdict("a"), verdict("a", line="resolver", state=State.ALLOWED)]

    found = estimate(MemoryFold(verdicts), scheme(categories=("DRUG",), expectation="block"), KS2)

    values = {
        (measured.line, measured.profile): measured.metric.value for measured in found.measurements
    }
    assert values == {("proxy", "ks2"): 1, ("resolver", "ks2"): 0}


def test_a_profile_that_saw_nothing_is_measured_with_n_0(
    verdict: Callable[..., Verdict], scheme: Callable[..., Scheme]
) -> None:
    wanted = scheme(categories=("DRUG",), expectation="block")

    found = estimate(MemoryFold([verdict("a")]), wanted, {"ks2": "ks2", "older": "ks4"})

    assert {measured.profile: measured.metric.n for measured in found.measurements} == {
        "ks2": 1,
        "older": 0,
    }
    assert [
        measured.metric.n for measured in estimate(MemoryFold([]), wanted, KS2).measurements
    ] == [0]


def test_what_the_policy_leaves_open_is_not_applicable(
    verdict: Callable[..., Verdict], scheme: Callable[..., Scheme]
) -> None:
    wanted = scheme(categories=("DRUG",), expectation="block")

    found = estimate(MemoryFold([verdict("a", profile="staff")]), wanted, {"staff": "staff"})

    assert found.measurements == ()
    assert found.not_applicable == ("URL-04[staff-proxy]: policy p does not block DRUG",)


def test_a_requirement_may_be_asked_of_some_phases_only(
    verdict: Callable[..., Verdict], scheme: Callable[..., Scheme]
) -> None:
    wanted = scheme(profiles=("ks4",), categories=("DRUG",))

    found = estimate(MemoryFold([verdict("a")]), wanted, {"ks2": "ks2", "older": "ks4"})

    assert [measured.profile for measured in found.measurements] == ["older"]
    assert "asked only of ks4" in found.not_applicable[0]


def test_sub_categories_count_and_others_do_not(
    verdict: Callable[..., Verdict], scheme: Callable[..., Scheme]
) -> None:
    verdicts = [verdict("a"), verdict("b", "DRUG.DEEP"), verdict("c", "DRUGSTORE")]

    found = estimate(MemoryFold(verdicts), scheme(categories=("DRUG",), expectation="block"), KS2)

    assert found.measurements[0].metric.n == 2


def test_items_of_the_instrument_count_only_where_they_are_named(
    verdict: Callable[..., Verdict], scheme: Callable[..., Scheme]
) -> None:
    verdicts = [verdict("sentinel", "CTRL"), verdict("a")]

    assert estimate(MemoryFold(verdicts), scheme(), KS2).measurements[0].metric.n == 1
    assert (
        estimate(MemoryFold(verdicts), scheme(categories=("CTRL",)), KS2).measurements[0].metric.n
        == 1
    )
    assert [rate.category for rate in estimate(MemoryFold(verdicts), scheme(), KS2).rates] == [
        "DRUG"
    ]


def test_a_line_that_cannot_see_it_is_excused_only_if_another_does(
    verdict: Callable[..., Verdict], scheme: Callable[..., Scheme]
) -> None:
    wanted = scheme(categories=("DRUG",), probes=("web",))
    dns = verdict("a", line="resolver", probe="dns")

    alone = estimate(MemoryFold([dns]), wanted, KS2)
    both = estimate(MemoryFold([dns, verdict("a")]), wanted, KS2)

    assert [(measured.line, measured.metric.n) for measured in alone.measurements] == [
        ("resolver", 0)
    ]
    assert alone.not_applicable == ()
    assert [(measured.line, measured.metric.n) for measured in both.measurements] == [("proxy", 1)]
    assert "URL-04[ks2-resolver]: cannot be seen with dns" in both.not_applicable[0]


def test_a_line_whose_probe_cannot_see_its_items_is_excused_where_another_line_sees_them(
    verdict: Callable[..., Verdict], scheme: Callable[..., Scheme]
) -> None:
    path = verdict("p", line="resolver", probe="dns", applies_to="url", state=State.ALLOWED)
    seen = verdict("p", applies_to="url")
    wanted = scheme(categories=("DRUG",))

    alone = estimate(MemoryFold([path]), wanted, KS2).measurements
    both = estimate(MemoryFold([path, seen]), wanted, KS2).measurements

    assert [(measured.line, measured.metric.n) for measured in alone] == [("resolver", 0)]
    assert [(measured.line, measured.metric.n) for measured in both] == [("proxy", 1)]


def test_a_dns_filter_is_not_failed_for_paths(
    verdict: Callable[..., Verdict], scheme: Callable[..., Scheme]
) -> None:
    open_path = verdict("p", probe="dns", applies_to="url", state=State.ALLOWED)

    found = estimate(
        MemoryFold([verdict("a", probe="dns"), open_path]), scheme(categories=("DRUG",)), KS2
    )

    assert found.measurements[0].metric.value == 1
    assert "probe dns cannot see what applies to url" in found.not_applicable[0]


def test_an_unbuilt_metric_is_present_and_says_so(
    verdict: Callable[..., Verdict], scheme: Callable[..., Scheme]
) -> None:
    wanted = scheme(metric="laboratories_differing")

    metric = estimate(MemoryFold([verdict("a")]), wanted, KS2).measurements[0].metric

    assert (metric.method, metric.unit) == (NOT_IMPLEMENTED, "items")


def test_rates_count_the_items_of_each_category(
    verdict: Callable[..., Verdict], scheme: Callable[..., Scheme]
) -> None:
    states = [State.BLOCKED, State.BLOCKED, State.ALLOWED, State.ALTERED, State.DOWN]
    verdicts = [verdict(f"d{n}", state=state) for n, state in enumerate(states)]
    verdicts += [verdict("d5", state=State.INSUFFICIENT)]
    verdicts += [
        verdict("w", "ALW", State.ALLOWED),
        verdict("w", "ALW", State.BLOCKED, probe="dns"),
    ]

    allow, drug = estimate(MemoryFold(verdicts), scheme(), KS2).rates

    assert (drug.blocked, drug.allowed, drug.altered, drug.down, drug.insufficient) == (
        2,
        1,
        1,
        1,
        1,
    )
    assert (allow.blocked, allow.allowed) == (1, 0)
    assert (allow.expects, drug.expects) == ("allow", "block")


def test_a_category_of_which_the_policy_asks_nothing_says_so(
    verdict: Callable[..., Verdict], scheme: Callable[..., Scheme]
) -> None:
    (rate,) = estimate(MemoryFold([verdict("a", "XYZ")]), scheme(), KS2).rates

    assert rate.expects == "none"


def test_latencies_hold_both_arms(
    verdict: Callable[..., Verdict], scheme: Callable[..., Scheme]
) -> None:
    timed = verdict("a", "ALW", State.ALLOWED, first_byte_service=0.3, first_byte_control=0.1)

    assert estimate(MemoryFold([timed]), scheme(), KS2).latencies == {
        "proxy": (0.3,),
        "control": (0.1,),
    }


def test_witnesses_carry_what_was_seen(
    verdict: Callable[..., Verdict], scheme: Callable[..., Scheme]
) -> None:
    miss = verdict("m", state=State.ALLOWED, witnesses=("the token arrived",))

    witness = (
        estimate(MemoryFold([miss]), scheme(categories=("DRUG",)), KS2).measurements[0].witnesses[0]
    )

    assert (witness.item, witness.value, witness.state) == ("m", "m.test", "allowed")
    assert witness.saw == ("the token arrived",)


@pytest.mark.parametrize("rounds", [1, 2])
def test_the_work_of_ten_thousand_verdicts_grows_no_faster_than_their_number(
    verdict: Callable[..., Verdict], rounds: int
) -> None:
    codes = ("DRUG", "PORN", "VIOL", "DISC", "CRIM", "ALW.EDU", "ALW.NEWS", "ILL.CSAM")
    scheme = load_scheme("becta-2008")

    def work(number: int) -> tuple[int, Estimates]:
        counted = MemoryFold([
            verdict(f"{codes[n % 8]}-{n}", codes[n % 8], round=turn)
            for turn in range(rounds)
            for n in range(number // rounds)
        ])  # fmt: skip
        return calls_of(lambda: estimate(counted, scheme, KS2))

    work(80)  # fills caches
    few, _ = work(1_000)
    many, found = work(10_000)

    assert many <= 10 * few
    assert many <= MOST_CALLS * 10_000
    assert len(found.measurements) == len(scheme.requirements)


def test_a_phase_that_is_named_and_that_no_profile_has_is_not_tried(
    verdict: Callable[..., Verdict], scheme: Callable[..., Scheme]
) -> None:
    wanted = scheme(profiles=("ks2", "ks4"), categories=("DRUG",), expectation="block")

    found = estimate(MemoryFold([verdict("a")]), wanted, KS2).measurements

    assert [(one.profile, one.metric.n, one.barred) for one in found] == [
        ("ks2", 1, ""),
        ("ks4", 0, "ks4 not tried: no profile of the campaign has this phase"),
    ]
    both = estimate(MemoryFold([verdict("a")]), wanted, KS2 | {"older": "ks4"}).measurements
    assert [one.barred for one in both] == ["", ""]


def test_a_phase_that_was_not_tried_has_no_polls_of_another(
    verdict: Callable[..., Verdict], scheme: Callable[..., Scheme]
) -> None:
    """A profile is not held against the service for what another profile waited for."""
    wanted = scheme(rule="functional", profiles=("ks2", "ks4"), metric="policy_change_delay")

    found = estimate(
        MemoryFold([verdict("a", profile="pupils")]),
        wanted,
        {"pupils": "ks2"},
        polls=tuple(polls("a", "aabb")),
    )

    tried, untried = found.measurements
    assert tried.metric.n > 0
    assert (untried.profile, untried.metric.n, untried.metric.k) == ("ks4", 0, 0)
