"""Which outcomes a declared stopping plan may decide, and which not."""

from __future__ import annotations

from dataclasses import replace as replace_fields

import pytest
from msgspec.structs import replace

from harness.assess.outcomes import assess
from harness.estimate.e_process import anytime_bounds
from harness.estimate.estimate import estimate
from harness.estimate.intervals import lower_bound
from harness.model.corpus import AS_VISITED
from harness.model.metric import Metric
from harness.model.outcome import Conformity, Measurement, Outcome, Precondition, Sequential
from harness.model.scheme import Decision
from harness.model.verdict import State, Verdict
from test_suites.kit.campaigns.memory_fold import MemoryFold
from test_suites.unit.harness.assess.test_outcomes import (
    CONFORMS,
    FAILS,
    INSUFFICIENT,
    count,
    held,
    rate,
    requirement,
)
from test_suites.unit.harness.estimate.test_early_stopping_outcomes import (
    GOOD,
    PLAN,
    STOP,
    campaign,
    journal,
    measure,
    outcome,
    scheme,
    settlement,
    verdicts,
)


def declared(decision: str, why: str = "") -> Sequential:
    """What a declared test came to."""
    return Sequential(
        plan=2,
        bad=0.9,
        good=0.98,
        alpha=0.05,
        beta=0.1,
        decision=decision,
        blocked=33,
        missed=1,
        doubtful=0,
        why_open=why,
    )


def below(k: int, n: int, p_value: float) -> Metric:
    """A rate with the p-value of a failure."""
    return replace_fields(rate(k, n), p_value=p_value)


def ruled(test: Sequential, metric: Metric, *preconditions: Precondition) -> Outcome:
    wanted = requirement("sequential", n_min=29, at_least=0.9)
    taken = Measurement(
        requirement=wanted, profile="ks2", line="proxy", metric=metric, sequential=test
    )
    return assess([taken], Decision(), preconditions)[0]


def test_a_declared_stopping_plan_decides_instead_of_the_bounds() -> None:
    assert held(requirement(at_least=0.9), rate(33, 34)).conformity is INSUFFICIENT
    assert ruled(declared("pass"), rate(33, 34)).conformity is CONFORMS
    for open_or_ended in (declared("fail"), declared("continue", "too few")):
        assert ruled(open_or_ended, below(20, 34, 0.0004)).conformity is FAILS
    ended = ruled(declared("fail"), below(20, 34, 0.07))
    assert (ended.conformity, ended.leaning) == (INSUFFICIENT, "fail")
    assert "not surely among all outcomes" in ended.reasons[0]
    assert ruled(declared("pass"), below(33, 34, 0.0004)).conformity is CONFORMS
    still = ruled(declared("continue", "too few"), rate(34, 34))
    assert (still.conformity, still.reasons, still.leaning) == (INSUFFICIENT, ("too few",), "")
    assert "undecided after 34 items (33 blocked, 1 missed, 0 undecided)" in still.decided_by
    assert ruled(declared("pass"), rate(33, 34)).sequential == declared("pass")


def test_a_stopping_plan_needs_the_same_preconditions_for_a_pass() -> None:
    off = Precondition(name="filter-is-on", line="proxy", profile="ks2", held=False, detail="off")

    assert ruled(declared("pass"), rate(20, 20)).conformity is INSUFFICIENT, "n_min"
    assert ruled(declared("pass"), rate(40, 40, 10)).conformity is INSUFFICIENT, "doubt"
    assert ruled(declared("pass"), rate(0, 0)).conformity is INSUFFICIENT, "nothing counted"
    assert ruled(declared("pass"), rate(40, 40), off).conformity is INSUFFICIENT
    assert ruled(declared("fail"), rate(0, 40), off).conformity is INSUFFICIENT


@pytest.mark.parametrize(
    ("rule", "metric", "plain", "leaning"),
    [
        ("guarded", rate(200, 200), CONFORMS, "pass"),
        ("guarded", rate(0, 200), FAILS, "fail"),
        ("guarded", rate(9, 10), INSUFFICIENT, "pass"),
        ("quantile", rate(200, 200), CONFORMS, "pass"),
    ],
)
def test_a_barred_measurement_is_insufficient(
    rule: str, metric: Metric, plain: Conformity, leaning: str
) -> None:
    wanted = requirement(rule, at_least=0.9)
    taken = Measurement(
        requirement=wanted, profile="ks2", line="proxy", metric=metric, barred="stopped"
    )
    found = assess([taken], Decision())[0]

    assert held(wanted, metric).conformity is plain
    assert (found.conformity, found.leaning, found.reasons[0]) == (
        INSUFFICIENT,
        leaning,
        "stopped",
    )


def test_a_barred_census_can_still_fail() -> None:
    wanted = requirement("census", at_most=0)
    for metric, expected in ((count(0, 50), INSUFFICIENT), (count(1, 50), FAILS)):
        taken = Measurement(
            requirement=wanted, profile="ks2", line="proxy", metric=metric, barred="stopped"
        )
        assert assess([taken], Decision())[0].conformity is expected


def framed(number: int, state: State, frame: str) -> list[Verdict]:
    """Verdicts of items that count equally, or in proportion to visits of their sites."""
    pack = f"pack 0123abcd {frame}".rstrip()
    return [
        replace(
            one,
            key=replace(one.key, item=f"{frame}{one.item.id}"),
            item=replace(one.item, id=f"{frame}{one.item.id}", pack=pack),
        )
        for one in verdicts([state] * number)
    ]


def test_a_stopping_plan_does_not_pool_two_sampling_frames() -> None:
    """Popular sites are blocked and rare ones are not; pooled, they would pass."""
    visited, tail = framed(400, State.BLOCKED, AS_VISITED), framed(8, State.ALLOWED, "")
    few = framed(20, State.BLOCKED, "")
    kept = journal(3, 1000, STOP)

    assert outcome(campaign(PLAN), scheme(), kept, visited).conformity is CONFORMS
    assert outcome(campaign(PLAN), scheme(), kept, [*visited, *tail]).conformity is FAILS
    assert outcome(campaign(PLAN), scheme(), kept, [*visited, *few]).conformity is INSUFFICIENT


def test_a_rate_below_good_alone_neither_ends_a_plan_nor_fails() -> None:
    """Two misses of 30: 93 % is below 98 %, and does not show a rate below 90 %."""
    states = [State.BLOCKED] * 4 + [State.ALLOWED, State.BLOCKED, State.ALLOWED]
    states += [State.BLOCKED] * 23
    found = outcome(campaign(PLAN), scheme(), journal(3, 100, STOP), verdicts(states))

    assert found.sequential is not None
    assert (found.sequential.decision, found.conformity) == ("continue", INSUFFICIENT)


def test_a_failure_is_proven_by_the_evidence_at_any_time_and_only_over_whole_batches() -> None:
    """32 misses of 100 at first; what is tried of the last batch after the end changes nothing."""
    states = ([State.ALLOWED] + [State.BLOCKED] * 2) * 33 + [State.BLOCKED] * 300
    kept = journal(22, 1000, STOP)
    found = outcome(campaign(PLAN), scheme(), kept, verdicts(states))
    torn = outcome(campaign(PLAN), scheme(), journal(22, 1000), verdicts(states))

    assert found.sequential is not None
    assert found.sequential.decision == "fail"
    assert found.sequential.used < 100
    assert found.conformity is FAILS
    assert torn.conformity is INSUFFICIENT
    assert "batches are missing" in torn.reasons[0]


def test_partly_tried_domains_prevent_a_pass_after_early_stopping() -> None:
    """Which pages of a domain were tried depends on the results of others."""
    wanted = scheme(measure=measure("block_rate_by_category", "PORN"))
    single = verdicts([State.BLOCKED] * 300)
    pages = [
        replace(one, item=replace(one.item, registrable=f"d{n // 2}.test"))
        for n, one in enumerate(single)
    ]

    alone = outcome(campaign(PLAN), wanted, journal(20, 400, STOP), single)
    shared = outcome(campaign(PLAN), wanted, journal(20, 400, STOP), pages)
    whole = outcome(campaign(PLAN), wanted, journal(20, 400), pages)

    assert (alone.conformity, whole.conformity) == (CONFORMS, CONFORMS)
    assert shared.conformity is INSUFFICIENT
    assert "some domains may be tried only in part" in shared.reasons[0]


def test_the_table_also_counts_each_domain_once() -> None:
    pages = [
        replace(one, item=replace(one.item, registrable=f"d{n // 4}.test"))
        for n, one in enumerate(verdicts([*GOOD, State.ALLOWED, State.INSUFFICIENT]))
    ]
    kept, wanted = journal(3, 100, STOP), scheme()
    [plain] = estimate(MemoryFold(pages), wanted, {"ks2": "ks2"}).rates
    [wide] = settlement(campaign(PLAN), wanted, kept).with_anytime_bounds([plain])

    assert plain.spread is not None
    assert plain.lower == lower_bound({1.0: 10, 0.0: 1}, 0.05)
    assert (wide.lower, wide.upper) == (
        anytime_bounds(10, 11, 0.05).lower,
        anytime_bounds(10.5, 11, 0.05).upper,
    )
