"""A re-test takes every missed item and a fresh sample, and needs both to conform."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.follow.retest import RetestSelection, judge_retest, select_retest
from harness.model.action_plan import Finding, Retest, RetestResult
from harness.model.corpus import Item
from harness.model.outcome import Assessment, Conformity, Outcome

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
