"""Nothing favourable follows from having stopped: decided by the plan, at any time, or not."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from msgspec.structs import replace

from harness.assess.outcomes import assess
from harness.estimate.e_process import anytime_bounds
from harness.estimate.early_stopping_outcomes import EarlyStoppingOutcomes, bounded_at_any_time
from harness.estimate.estimate import estimate
from harness.judge.composite_measurements import judge_maker
from harness.model.campaign import Campaign, Stop, Stopping, StoppingPlan
from harness.model.corpus import Item
from harness.model.journal_header import PackNote
from harness.model.observation import AttemptKey
from harness.model.outcome import Conformity, Outcome, Precondition
from harness.model.plain_twin import TwinPair
from harness.model.run_record import NO_RUN
from harness.model.sampler import order_key
from harness.model.scheme import Scheme
from harness.model.service_records import NO_RECORDS
from harness.model.verdict import State, Verdict
from harness.model.verdict_basis import VerdictBasis
from test_suites.kit.campaigns.journal_headers import header
from test_suites.kit.campaigns.memory_fold import MemoryFold
from test_suites.unit.harness.measure.test_early_stopping import Memory

PACKS = {"pack 0123abcd": PackNote(name="pack", kind="real")}
RECORD: Any = object()
PLAN = StoppingPlan(categories=("PORN",), bad=0.9, good=0.98, alpha=0.05, beta=0.1)
MARK = {"at_least": 0.9, "provenance": "proposed", "source": "test"}
STOP = Stop(plan=1, categories=("PORN",), profile="ks2", after={"proxy": 40},
            settled=2, batch=4, untried=60, attempts=120)  # fmt: skip


def campaign(*plans: StoppingPlan) -> Campaign:
    declared = Campaign.model_validate(
        {
            "campaign": "c",
            "service": {"name": "s"},
            "lines": ({"name": "proxy", "type": "t"},),
            "profiles": {"ks2": {}},
            "corpora": ({"pack": "canary"},),
            "limits": {"batch": 20},
        }
    )
    return declared.model_copy(update={"stopping": Stopping(plans=plans)}) if plans else declared


def scheme(**changes: Any) -> Scheme:
    """A scheme of one requirement about PORN."""
    wanted: dict[str, Any] = {
        "id": "URL-01",
        "title": "t",
        "area": "url",
        "severity": "Crit",
        "rule": "guarded",
        "measure": {"metric": "block_rate", "categories": ("PORN",), "expectation": "block"},
        "threshold": MARK,
    }
    rows = {code: {"ks2": "block"} for code in ("PORN", "PORN.NUDE", "DRUG")}
    return Scheme.model_validate(
        {
            "id": "own",
            "version": "1",
            "title": "t",
            "policy": {
                "id": "p",
                "title": "p",
                "provenance": "proposed",
                "source": "test",
                "rows": rows | {"ALW": {"ks2": "allow"}},
            },
            "requirements": (wanted | changes,),
        }
    )


def measure(metric: str = "block_rate", *categories: str, **more: Any) -> dict[str, Any]:
    return {"metric": metric, "categories": categories, "expectation": "block", **more}


def verdicts(states: list[State], category: str = "PORN", seed: str = "accredit") -> list[Verdict]:
    """Verdicts whose states come in that order when the items are ordered by the seed."""
    names = sorted(
        (f"{category}-{n}" for n in range(len(states))), key=lambda n: order_key(seed, n)
    )
    return [
        Verdict(
            key=AttemptKey(campaign="c", item=name, probe="web", line="proxy", profile="ks2"),
            item=Item(id=name, value=f"{name}.test", labels=(category,)),
            state=state,
            rule="r",
            rules_version="v",
        )
        for name, state in zip(names, states, strict=True)
    ]


def journal(held: int, items: int, *stops: Stop) -> Memory:
    kept = Memory(header(items=items))
    kept.kept = {number: [] for number in range(1, held + 1)}
    kept.written = list(stops)
    return kept


def settlement(declared: Campaign, wanted: Scheme, kept: Memory) -> EarlyStoppingOutcomes:
    """How the stopping of a campaign bears on a scheme."""
    kept.header = replace(kept.header, campaign=declared)
    return EarlyStoppingOutcomes(wanted, kept, judge_maker(kept))


def outcome(declared: Campaign, wanted: Scheme, kept: Memory, found: list[Verdict]) -> Outcome:
    """What becomes of the one requirement, whose journal was judged as ``found`` says."""
    judge: Any = SimpleNamespace(verdicts=lambda _: found)
    kept.header = replace(kept.header, campaign=declared)
    early = EarlyStoppingOutcomes(wanted, kept, lambda: judge)
    measured = estimate(
        MemoryFold(found), early.scheme, {"ks2": "ks2"}, frames={"PORN": 100}
    ).measurements
    [only] = assess(early.decide(measured), wanted.decision)
    return only


GOOD = [State.BLOCKED] * 40
BAD = [State.ALLOWED] * 5


def test_what_the_plan_was_declared_for_is_decided_by_it_alone() -> None:
    """40 of 40 are too few for the exact bound of 95 %, not for the declared test of 90 to 98."""
    found = outcome(campaign(PLAN), scheme(), journal(3, 100, STOP), verdicts(GOOD))

    assert found.conformity is Conformity.CONFORMS
    assert found.sequential is not None
    assert (found.sequential.decision, found.sequential.used) == ("pass", 36)
    assert found.decided_by == (
        "sequential test of stopping plan 1 (Wald): 90 % against 98 %, each way at most 5 % wrong, "
        "decided after 36 items (36 blocked, 0 missed, 0 undecided); bounds that hold at any time: "
        f"{(anytime_bounds(40, 40, 0.05).lower or 0) * 100:.4g} % to 100 %"
    )
    bad = outcome(campaign(PLAN), scheme(), journal(3, 100, STOP), verdicts(BAD))
    assert bad.conformity is Conformity.DOES_NOT_CONFORM
    assert len(bad.witnesses) == 5


def test_the_order_of_the_seed_decides_not_the_order_in_the_journal() -> None:
    found = verdicts([*GOOD, *BAD])

    one = outcome(campaign(PLAN), scheme(), journal(3, 100, STOP), found)
    other = outcome(campaign(PLAN), scheme(), journal(3, 100, STOP), found[::-1])

    assert one.conformity is Conformity.CONFORMS
    assert one.sequential == other.sequential


def test_an_undecided_test_is_insufficient_whatever_the_bounds_say() -> None:
    slow = StoppingPlan(categories=("PORN",), bad=0.9, good=0.91)
    found = outcome(campaign(slow), scheme(), journal(10, 200), verdicts([State.BLOCKED] * 200))

    assert found.conformity is Conformity.INSUFFICIENT
    assert "show neither a rate of 0.9 nor a lower one" in found.reasons[0]


def test_a_decision_on_batches_that_are_missing_is_none() -> None:
    for kept in (journal(1, 100, STOP), journal(2, 100)):
        found = outcome(campaign(PLAN), scheme(), kept, verdicts(GOOD))

        assert found.conformity is Conformity.INSUFFICIENT
        assert "batches are missing" in found.reasons[0]


def test_doubt_forbids_a_pass_as_it_does_everywhere() -> None:
    states = [State.BLOCKED] * 60 + [State.INSUFFICIENT] * 10
    found = outcome(campaign(PLAN), scheme(), journal(5, 100, STOP), verdicts(states))

    assert found.conformity is Conformity.INSUFFICIENT
    assert found.leaning == "pass"
    assert "could not be decided" in found.reasons[0]


@pytest.mark.parametrize(
    "other",
    [
        {"threshold": MARK | {"at_least": 0.89}},
        {"measure": measure("block_rate", "PORN.NUDE")},
        {"measure": measure("block_rate", "PORN", strata=("head",))},
        {"measure": measure("block_rate_by_category", "PORN")},
        {"alpha": 0.01},
        {"rule": "sequential", "alpha": 0.01},
    ],
)
def test_what_asks_something_else_of_the_same_items_is_bounded_at_any_time(
    other: dict[str, Any],
) -> None:
    kept = journal(3, 100, STOP)
    early = settlement(campaign(PLAN), scheme(**other), kept)
    found = outcome(campaign(PLAN), scheme(**other), journal(3, 100, STOP), verdicts(GOOD))

    assert [one.rule for one in early.scheme.requirements] == ["sequential"]
    assert found.sequential is None
    assert found.conformity is Conformity.INSUFFICIENT
    if found.metric.n:
        bounds = anytime_bounds(40, 40, found.metric.alpha)
        assert (found.metric.lower, found.metric.upper) == pytest.approx(bounds)


@pytest.mark.parametrize(
    "wanted",
    [
        {"measure": measure("block_rate", "PORN", "DRUG")},
        {"measure": measure("block_rate", "PORN", "DRUG"), "rule": "sequential"},
        {"measure": measure("block_rate")},
        {"measure": measure("missed", "PORN"), "rule": "functional", "threshold": "none"},
        {"measure": measure("missed", "PORN"), "rule": "census", "threshold": "none"},
        {"measure": measure("discordant", "PORN"), "rule": "functional", "threshold": "none"},
    ],
)
def test_where_it_stopped_nothing_else_is_granted(wanted: dict[str, Any]) -> None:
    if wanted.get("threshold") == "none":
        wanted = wanted | {"threshold": {"at_most": 0, "provenance": "proposed", "source": "t"}}
    drugs = verdicts([State.BLOCKED] * 200, "DRUG")
    twice = [v for each in verdicts(GOOD * 3) for v in (each, _by_name(each))]
    found = [*twice, *drugs, *map(_by_name, drugs)]

    stopped = outcome(campaign(PLAN), scheme(**wanted), journal(20, 300, STOP), found)
    went_on = outcome(campaign(PLAN), scheme(**wanted), journal(20, 300), found)

    assert stopped.conformity is Conformity.INSUFFICIENT
    assert any("60 items were not tried" in reason for reason in stopped.reasons)
    if wanted.get("rule") != "census":  # which needs every entry, stopped or not
        assert went_on.conformity is Conformity.CONFORMS


def test_bounds_that_hold_at_any_time_may_grant_what_stopped() -> None:
    other = scheme(measure=measure("block_rate_by_category", "PORN"))
    found = outcome(campaign(PLAN), other, journal(20, 300, STOP), verdicts([State.BLOCKED] * 200))

    assert (found.conformity, found.reasons) == (Conformity.CONFORMS, ())


def _by_name(verdict: Verdict) -> Verdict:
    """The same verdict by another probe."""
    key = verdict.key
    again = AttemptKey(campaign="c", item=key.item, probe="dns", line=key.line, profile=key.profile)
    return Verdict(key=again, item=verdict.item, state=verdict.state, rule="r", rules_version="v")


def test_a_verified_miss_stays_a_failure() -> None:
    none = {"at_most": 0, "provenance": "proposed", "source": "t"}
    wanted = scheme(measure=measure("missed", "PORN"), rule="census", threshold=none)

    found = outcome(campaign(PLAN), wanted, journal(3, 100, STOP), verdicts(BAD))

    assert found.conformity is Conformity.DOES_NOT_CONFORM


def test_what_counts_no_item_of_a_plan_is_left_alone() -> None:
    wanted = scheme(measure=measure("block_rate", "DRUG"))
    drugs = verdicts([State.BLOCKED] * 40, "DRUG")

    kept = journal(5, 100, STOP)
    found = outcome(campaign(PLAN), wanted, kept, [*drugs, *verdicts(GOOD)])
    plain = outcome(campaign(), wanted, kept, [*drugs, *verdicts(GOOD)])

    assert found == plain
    assert found.conformity is Conformity.CONFORMS


def test_the_table_of_categories_is_bounded_at_any_time_as_well() -> None:
    drugs, doubt = verdicts(GOOD, "DRUG"), [State.BLOCKED] * 38 + [State.ALTERED]
    found = [*drugs, *verdicts([*doubt, State.INSUFFICIENT])]
    kept, wanted = journal(3, 100, STOP), scheme()
    plain = estimate(MemoryFold(found), wanted, {"ks2": "ks2"}).rates
    rates = {
        one.category: one
        for one in settlement(campaign(PLAN), wanted, kept).with_anytime_bounds(plain)
    }

    assert rates["DRUG"] in plain
    assert (rates["PORN"].lower, rates["PORN"].upper) == (
        anytime_bounds(38, 40, 0.05).lower,
        anytime_bounds(40, 40, 0.05).upper,
    )
    assert settlement(campaign(), wanted, kept).with_anytime_bounds(plain) == plain


def test_the_estimates_are_those_of_the_journal_with_bounds_that_hold_at_any_time() -> None:
    found = verdicts([State.BLOCKED] * 38 + [State.ALLOWED] * 2)
    kept, wanted = journal(3, 100, STOP), scheme()
    early = settlement(campaign(PLAN), wanted, kept)
    kept.header = replace(kept.header, packs=PACKS, frames={"PORN": 100})
    off = Precondition(name="filter on", line="proxy", profile="ks2", held=False, detail="off")
    pair = TwinPair(
        item="PORN-1", category="PORN", line="proxy", profile="ks2", probe="web",
        tested="blocked", plain="allowed",
    )  # fmt: skip
    basis = VerdictBasis(observations=40, rules_version="v", preconditions=(off,), twins=(pair,))
    whole = early.estimate(MemoryFold(found), basis, ())
    with patch("harness.estimate.estimate.estimate", return_value=whole) as estimated:
        assert (
            early.estimate(MemoryFold(found), basis, (RECORD,)).measurements == whole.measurements
        )
    assert estimated.call_args.kwargs == {
        "frames": kept.header.frames, "packs": PACKS, "items": early._campaign.items,
        "twins": (pair,), "polls": (), "instrument": (RECORD,), "probes": kept.header.probes,
        "campaign": early._campaign,
        "users": early._campaign.users(), "records": NO_RECORDS, "run": NO_RUN,
    }  # fmt: skip
    assert estimated.call_args.args[1:] == (early.scheme, {"ks2": "ks2"}, (off,))
    plain = estimate(
        MemoryFold(found), early.scheme, {"ks2": "ks2"}, (off,),
        frames={"PORN": 100}, packs=PACKS, items="real", twins=(pair,),
    )  # fmt: skip

    assert whole == dataclasses.replace(plain, rates=early.with_anytime_bounds(plain.rates))
    assert whole.rates != plain.rates
    assert off in whole.preconditions
    assert len(whole.preconditions) > 1, "that of the twins"


def test_what_a_plan_holds_and_does_not_decide_is_bounded_at_any_time() -> None:
    other = {"measure": measure("block_rate_by_category", "PORN")}

    assert {"URL-01"} == bounded_at_any_time(campaign(PLAN), scheme(**other))
    assert set() == bounded_at_any_time(campaign(PLAN), scheme()), "the plan decides it"
    assert set() == bounded_at_any_time(campaign(), scheme(**other)), "no plan"
    apart = {"measure": measure("block_rate", "PORN", "DRUG")}
    assert set() == bounded_at_any_time(campaign(PLAN), scheme(**apart))


def test_the_plan_that_holds_all_items_decides_wherever_it_stands() -> None:
    drugs = StoppingPlan(categories=("DRUG",), bad=0.5, good=0.6)
    second = replace(STOP, plan=2)
    found = outcome(campaign(drugs, PLAN), scheme(), journal(3, 100, second), verdicts(GOOD))

    assert found.conformity is Conformity.CONFORMS
    assert found.sequential is not None
    assert (found.sequential.plan, found.sequential.bad, found.sequential.good) == (2, 0.9, 0.98)
    assert (found.sequential.alpha, found.sequential.beta) == (0.05, 0.1)


def test_an_open_test_says_so_and_counts_what_it_saw() -> None:
    found = outcome(campaign(PLAN), scheme(), journal(10, 20), verdicts([State.BLOCKED] * 5))

    assert found.sequential is not None
    assert found.sequential.decision == "continue"
    assert (
        found.sequential.why_open == "the items at hand show neither a rate of 0.9 nor a lower one"
    )
    assert (found.sequential.blocked, found.sequential.missed, found.sequential.doubtful) == (
        5,
        0,
        0,
    )
    decided = outcome(campaign(PLAN), scheme(), journal(3, 100, STOP), verdicts(GOOD)).sequential
    assert decided is not None
    assert decided.why_open == ""


def test_where_nothing_was_tried_the_test_is_open() -> None:
    kept, wanted = journal(10, 20), scheme()
    early = settlement(campaign(PLAN), wanted, kept)
    drugs = verdicts([State.BLOCKED] * 5, "DRUG")
    [measured] = estimate(MemoryFold(drugs), early.scheme, {"ks2": "ks2"}).measurements
    [decided] = early.decide([measured])

    assert decided.sequential is not None
    assert (decided.sequential.decision, decided.sequential.used) == ("continue", 0)


def test_without_stopping_no_journal_is_asked() -> None:
    kept, wanted = journal(3, 100, STOP), scheme()

    assert settlement(campaign(), wanted, kept).scheme == wanted
    assert kept.asked == 0


def test_stopping_grants_a_bad_service_no_oftener_than_declared() -> None:
    """2,000 services at exactly the mark, each looked at after every item and stopped for it.

    The ordinary bound, read where the test stopped, is what the plan replaces.
    """
    random = np.random.default_rng(21)
    granted = at_any_time = 0
    for _ in range(2_000):
        blocked = random.random(400) < PLAN.bad
        ratio = np.cumsum(np.where(blocked, np.log(0.9 / 0.98), np.log(0.1 / 0.02)))
        ended = np.flatnonzero((ratio <= np.log(0.05)) | (ratio >= np.log(1 / 0.1)))
        n = int(ended[0]) + 1 if len(ended) else 400
        granted += bool(len(ended)) and bool(ratio[n - 1] < 0)
        at_any_time += (anytime_bounds(int(blocked[:n].sum()), n, 0.05).lower or 0) >= PLAN.bad

    assert granted / 2_000 <= 0.05 + 3 * (0.05 * 0.95 / 2_000) ** 0.5
    assert at_any_time / 2_000 <= 0.05
