"""A re-test takes every missed item and a fresh sample, and needs both to conform."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.follow.retest import (
    CASES_OF_METRIC,
    RetestSelection,
    as_attempt,
    judge_retest,
    scheme_of_attempt,
    select_retest,
)
from harness.model.action_plan import ActionPlan, Finding, Retest, RetestResult
from harness.model.corpus import Item
from harness.model.outcome import Assessment, Conformity, Outcome
from harness.model.scheme import Requirement, Scheme
from harness.model.transition_address import TRANSITIONS
from harness.schemes.load import load_scheme

Make = Callable[..., Outcome]
Assess = Callable[..., Assessment]
CONFORMS, FAILS, UNSURE = (
    Conformity.CONFORMS,
    Conformity.DOES_NOT_CONFORM,
    Conformity.INSUFFICIENT,
)
SELECTION = RetestSelection(missed=("gamb-001", "gamb-002"), fresh=("gamb-009",), short_of=0)


def item(name: str, category: str = "GAMB") -> Item:
    return Item(id=name, value=f"{name}.test", labels=(category,))


ITEMS = [
    *(item(f"gamb-{number:03d}") for number in range(1, 31)),
    item("gamb-sub", "GAMB.LOTTERY"),
    item("porn-001", "PORN"),
    item("gambol-001", "GAMBOL"),
    Item(id="gamb-secret", value="", value_hmac="ab", labels=("GAMB",), sensitivity="S4"),
]


@given(used=st.sets(st.integers(1, 30)), size=st.integers(0, 40), seed=st.text(max_size=3))
def test_fresh_items_are_of_the_stratum_and_never_used(
    finding: Finding, used: set[int], size: int, seed: str
) -> None:
    spent = {f"gamb-{number:03d}" for number in used}

    chosen = select_retest(finding, ITEMS, used=spent, seed=seed, size=size)

    stratum = {each.id for each in ITEMS if each.id.startswith("gamb-")} - {"gamb-secret"}
    assert chosen.missed == finding.missed
    assert set(chosen.fresh) <= stratum - spent - set(finding.missed)
    assert len(set(chosen.fresh)) == len(chosen.fresh) == size - chosen.short_of
    again = select_retest(finding, reversed(ITEMS), used=spent, seed=seed, size=size)
    assert again == chosen


def test_another_seed_draws_another_sample(finding: Finding) -> None:
    samples = {
        select_retest(finding, ITEMS, used=(), seed=seed, size=5).fresh for seed in ("a", "b", "c")
    }

    assert len(samples) == 3


def test_fresh_files_are_of_each_way_that_must_be_tried(finding: Finding) -> None:
    ways = CASES_OF_METRIC["eicar_variants_passed"]
    files = [
        Item(id=f"{way}-{number}", value="a.test", labels=("MALW.MAL",), stratum=f"{kind}{way}")
        for way in (*ways, "file:archive-deep", "file:none by HTTPS GET")
        for number, kind in [(1, "MALW.MAL/"), (2, "MALW.MAL/"), (3, "twin:MALW.MAL/")]
    ]
    passed = replace(finding, missed=("file:zip-1",), categories=("MALW.MAL",))

    first = select_retest(passed, files, used=(), seed="a", size=1, cases=ways)
    spent = {"file:zip-2", *(f"{way}-1" for way in ways)}
    rest = select_retest(passed, files, used=spent, seed="a", size=1, cases=ways)

    assert sorted(name.rpartition("-")[0] for name in first.fresh) == sorted(ways)
    assert {name for name in first.fresh if name.endswith(("-1", "-2"))} == set(first.fresh)
    assert (first.short_of, first.left["file:zip"], first.left["file:http"]) == (0, 0, 1)
    assert set(rest.fresh) == {f"{way}-2" for way in ways} - {"file:zip-2"}
    assert rest.short_of == 1


def test_fresh_pages_are_of_each_transition_mechanism(finding: Finding) -> None:
    """Else a re-test would leave out the mechanisms of which it has no page."""
    ways = CASES_OF_METRIC["ipv6_transitions_open"]
    pages = [
        Item(id=f"{way}-{number}", value="a.test", labels=("DRUG",), stratum=f"DRUG/{way}")
        for way in ways
        for number in (1, 2)
    ]
    passed = replace(finding, missed=("transition:6to4-1",), categories=("DRUG",))
    drawn = select_retest(passed, pages, used=(), seed="a", size=1, cases=ways)

    assert {name.rpartition("-")[0] for name in drawn.fresh} == {*TRANSITIONS}
    assert "transition:6to4-2" in drawn.fresh


def test_a_corpus_without_a_missed_item_is_named(finding: Finding) -> None:
    with pytest.raises(UsageError, match="no longer have gamb-001; a re-test needs every missed"):
        select_retest(finding, ITEMS[1:], used=(), seed="a", size=5)


@pytest.fixture
def judge(
    finding: Finding, make_outcome: Make, make_assessment: Assess, now: datetime
) -> Callable[..., Retest]:
    """Judge a re-test in which both parts conform, unless told otherwise."""

    def judge_(
        selection: RetestSelection = SELECTION,
        *,
        tested: int = 2,
        failing: tuple[str, ...] = (),
        fresh: Conformity | None = CONFORMS,
        **differing: str,
    ) -> Retest:
        again = make_outcome(UNSURE, n=tested, missed=failing, **differing)
        anew = make_outcome(fresh, n=60) if fresh else make_outcome(CONFORMS, line="other")
        return judge_retest(
            finding,
            selection,
            campaign="spring-retest",
            service="Safe Net",
            at=now,
            missed=make_assessment(again, campaign="spring-retest"),
            fresh=make_assessment(anew, campaign="spring-retest"),
        )

    return judge_


def test_conforms_when_every_missed_item_and_the_fresh_sample_do(
    judge: Callable[..., Retest],
) -> None:
    retest = judge()

    assert retest.outcome is RetestResult.CONFORMS
    assert (retest.missed_tested, retest.missed_still_failing, retest.fresh_tested) == (2, (), 60)
    assert retest.statement == (
        "0 of 2 missed items still fail; "
        "60 of 60 fresh items were blocked (100 %); at least 90 % is required"
    )


@pytest.mark.parametrize("fresh", [CONFORMS, FAILS, UNSURE, None])
def test_one_missed_item_that_still_fails_is_enough(
    judge: Callable[..., Retest], fresh: Conformity | None
) -> None:
    retest = judge(failing=("gamb-002",), fresh=fresh)

    assert retest.outcome is RetestResult.DOES_NOT_CONFORM
    assert retest.missed_still_failing == ("gamb-002",)
    assert "1 of 2 missed items still fail (gamb-002)" in retest.statement


def test_mending_only_the_missed_items_does_not_conform(judge: Callable[..., Retest]) -> None:
    assert judge(fresh=FAILS).outcome is RetestResult.DOES_NOT_CONFORM


@pytest.mark.parametrize(
    ("differing", "why"),
    [
        ({"tested": 1}, "1 of 2 missed items could not be decided"),
        ({"tested": 0}, "2 of 2 missed items could not be decided"),
        ({"fresh": UNSURE}, "is required; that is too little evidence"),
        ({"fresh": None}, "no fresh sample was assessed"),
        ({"selection": replace(SELECTION, short_of=3)}, "the corpora have 3 fresh items too few"),
        ({"selection": replace(SELECTION, missed=("gamb-001",)), "tested": 1}, "0 of 1"),
        ({"profile": "ks4"}, "2 of 2 missed items could not be decided"),
    ],
)
def test_whatever_is_lacking_the_re_test_shows_too_little(
    judge: Callable[..., Retest], differing: dict[str, object], why: str
) -> None:
    retest = judge(**differing)

    assert retest.outcome is RetestResult.INSUFFICIENT
    assert why in retest.statement


def test_a_whole_list_is_not_called_fresh(
    finding: Finding, make_outcome: Make, make_assessment: Assess, now: datetime
) -> None:
    """Both missed items fail again, and they are two of all items."""
    missed = ("gamb-001", "gamb-002")

    retest = judge_retest(
        finding,
        SELECTION,
        campaign="spring-retest",
        service="Safe Net",
        at=now,
        missed=make_assessment(make_outcome(UNSURE, n=2, missed=missed), campaign="spring-retest"),
        fresh=make_assessment(make_outcome(FAILS, n=60, missed=missed), campaign="spring-retest"),
        is_whole=True,
    )

    assert "items of the whole list" in retest.statement
    assert "fresh" not in retest.statement


def test_nothing_assessed_is_insufficient(finding: Finding, now: datetime) -> None:
    retest = judge_retest(
        finding,
        SELECTION,
        campaign="spring-retest",
        service="Safe Net",
        at=now,
        missed=None,
        fresh=None,
    )

    assert retest.outcome is RetestResult.INSUFFICIENT


def test_a_requirement_without_missed_items_hangs_on_the_fresh_sample(
    finding: Finding, make_outcome: Make, make_assessment: Assess, now: datetime
) -> None:
    slow = replace(finding, missed=())
    selection = replace(SELECTION, missed=())

    for conformity, ended in ((CONFORMS, RetestResult.CONFORMS), (FAILS, "does-not-conform")):
        retest = judge_retest(
            slow,
            selection,
            campaign="r",
            service="Safe Net",
            at=now,
            missed=None,
            fresh=make_assessment(make_outcome(conformity), campaign="r"),
        )
        assert retest.outcome == ended


def test_an_assessment_of_more_than_the_missed_items_is_refused(
    judge: Callable[..., Retest],
) -> None:
    with pytest.raises(ValueError, match="3 items counted: assess the 2 missed ones alone"):
        judge(tested=3)


@pytest.mark.parametrize(
    "other", [{"campaign": "spring"}, {"campaign": "r", "service": "Other Net"}]
)
def test_an_assessment_of_another_campaign_or_service_is_refused(
    finding: Finding,
    make_outcome: Make,
    make_assessment: Assess,
    now: datetime,
    other: dict[str, str],
) -> None:
    sound = make_assessment(make_outcome(CONFORMS), campaign="r")
    wrong = make_assessment(make_outcome(CONFORMS), **other)

    for missed, fresh in ((sound, wrong), (wrong, sound)):
        with pytest.raises(UsageError, match="the re-test is campaign 'r' of service 'Safe Net'"):
            judge_retest(
                finding,
                SELECTION,
                campaign="r",
                service="Safe Net",
                at=now,
                missed=missed,
                fresh=fresh,
            )


def scheme(**differing: object) -> Scheme:
    """A scheme with one requirement."""
    requirement: dict[str, object] = {
        "id": "URL-01",
        "title": "Gambling is blocked",
        "area": "url",
        "severity": "Maj",
        "rule": "guarded",
        "measure": {"metric": "block_rate", "categories": ("GAMB",)},
        "threshold": {"at_least": 0.95, "provenance": "reported", "source": "BECTA"},
        "n_min": 59,
    }
    loaded = load_scheme("becta-2008")
    return loaded.model_copy(
        update={"requirements": (Requirement.model_validate(requirement | differing),)}
    )


def tried(plan: ActionPlan, *outcomes: RetestResult, fresh: int = 60) -> ActionPlan:
    """The plan after re-tests with these outcomes."""
    return replace(
        plan,
        retests=tuple(
            Retest(
                campaign=f"r{number}",
                at=plan.opened,
                outcome=outcome,
                statement="",
                missed_tested=2,
                missed_still_failing=(),
                fresh_tested=fresh,
            )
            for number, outcome in enumerate(outcomes)
        ),
    )


BAD, OPEN = RetestResult.DOES_NOT_CONFORM, RetestResult.INSUFFICIENT


GOOD = RetestResult.CONFORMS


@pytest.mark.parametrize(
    ("outcomes", "alpha", "n_min"),
    [
        ((), 0.05 / 2, 72),
        ((BAD,), 0.05 / 6, 94),
        ((OPEN,), 0.05 / 6, 94),
        ((GOOD,), 0.05 / 6, 94),  # a verified fix that did not hold
        ((BAD, OPEN, GOOD, BAD), 0.05 / 30, 125),
    ],
)
def test_each_try_is_at_its_own_level_and_the_sample_large_enough(
    plan: ActionPlan, outcomes: tuple[RetestResult, ...], alpha: float, n_min: int
) -> None:
    (stricter,) = scheme_of_attempt(scheme(), tried(plan, *outcomes)).requirements
    (own,) = scheme_of_attempt(scheme(alpha=0.02), tried(plan, *outcomes)).requirements

    assert stricter.alpha is not None
    assert stricter.alpha == pytest.approx(alpha)
    assert stricter.n_min == n_min
    assert own.alpha == pytest.approx(alpha * 0.02 / 0.05)


def test_an_attempt_that_decided_no_fresh_item_spends_nothing(plan: ActionPlan) -> None:
    spent = scheme_of_attempt(scheme(), tried(plan, BAD, OPEN, fresh=0))

    assert spent == scheme_of_attempt(scheme(), plan)
    assert spent != scheme_of_attempt(scheme(), tried(plan, BAD, OPEN, fresh=1))


def test_a_re_test_that_is_extended_has_spent_its_level(plan: ActionPlan) -> None:
    [open_] = tried(plan, OPEN).retests
    extended = replace(plan, retests=(msgspec.structs.replace(open_, extension=200),))

    assert scheme_of_attempt(scheme(), extended) == scheme_of_attempt(scheme(), tried(plan, OPEN))
    assert extended.extension == 200


def test_a_census_has_no_level(plan: ActionPlan) -> None:
    census = scheme(
        rule="census", threshold={"at_least": 1.0, "provenance": "proposed", "source": "s"}
    )

    assert scheme_of_attempt(census, tried(plan, BAD, BAD)) == census


def test_the_number_of_the_attempt_and_its_level_are_told(
    judge: Callable[..., Retest], plan: ActionPlan
) -> None:
    first = as_attempt(judge(), plan, scheme())
    twice = tried(plan, BAD, OPEN)
    third = as_attempt(judge(), twice, scheme_of_attempt(scheme(), twice))
    census = scheme(
        rule="census", threshold={"at_least": 1.0, "provenance": "proposed", "source": "s"}
    )

    assert (first.attempt, first.alpha) == (1, 0.05)
    assert first.statement.startswith("attempt 1, judged at 95 %: 0 of 2 missed items still fail")
    assert third.attempt == 3
    assert third.alpha == pytest.approx(0.05 / 12)
    assert third.statement.startswith("attempt 3, judged at 99.5833 %: 0 of 2")
    assert as_attempt(judge(), twice, census).alpha == 0.0
