"""Counts by hand: who blocked what, and what is left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from harness.estimate.intervals import clopper_pearson
from harness.estimate.item_selection import Selection
from harness.estimate.rates import (
    block_rate,
    explicit_share,
    handled_rate,
    mishandled,
    missed,
    overblock_rate,
    overblocked,
)
from harness.model.campaign import Campaign
from harness.model.verdict import Mechanism, State, Verdict
from test_suites.kit.campaigns.memory_fold import named
from test_suites.unit.harness.estimate.selected_outcome import spread


def test_block_rate_counts_items_and_names_the_missed(
    verdict: Callable[..., Verdict], select: Callable[..., Selection]
) -> None:
    verdicts = [verdict(f"ok-{n}") for n in range(7)]
    verdicts += [verdict("miss", state=State.ALLOWED), verdict("dead", state=State.DOWN)]
    verdicts += [verdict("odd", state=State.INSUFFICIENT)]

    selection = select(verdicts)
    measured = block_rate(selection)
    metric = measured.metric

    assert (metric.k, metric.n, metric.indeterminate) == (7, 8, 1)
    assert metric.value == pytest.approx(7 / 8)
    assert named(measured, selection) == ("miss",)
    assert metric.left_out == {"down": 1}
    assert metric.mechanisms == {"block_page": 7}


def test_a_miss_by_one_probe_is_shown_by_that_probe(
    verdict: Callable[..., Verdict], select: Callable[..., Selection]
) -> None:
    verdicts = [verdict("one"), verdict("one", state=State.ALLOWED, probe="web_https")]

    measured = block_rate(select(verdicts))

    assert measured.metric.value == 0
    assert measured.adverse[0].probes == ("web_https",)
    assert block_rate(select(verdicts, probes=("web",))).metric.value == 1


def test_overblock_rate_counts_the_wrongly_blocked(
    verdict: Callable[..., Verdict], select: Callable[..., Selection]
) -> None:
    verdicts = [verdict("fine", "ALW", State.ALLOWED), verdict("wrong", "ALW", State.BLOCKED)]

    selection = select(verdicts)
    measured = overblock_rate(selection)
    metric = measured.metric

    assert (metric.k, metric.n, metric.value) == (1, 2, 0.5)
    assert named(measured, selection) == ("wrong",)
    assert overblocked(select(verdicts)).metric.value == 1


def test_missed_counts_and_knows_how_many_more_there_may_be(
    verdict: Callable[..., Verdict], select: Callable[..., Selection]
) -> None:
    verdicts = [verdict("ok"), verdict("open", state=State.ALLOWED)]
    verdicts += [verdict("odd", state=State.INSUFFICIENT)]

    metric = missed(select(verdicts)).metric

    assert (metric.value, metric.lower, metric.upper, metric.unit) == (1, 1, 2, "items")


def test_nothing_counted_has_no_rate(
    verdict: Callable[..., Verdict], select: Callable[..., Selection]
) -> None:
    for take in (block_rate, overblock_rate, missed, overblocked, explicit_share):
        metric = take(select([verdict("odd", state=State.INSUFFICIENT)])).metric

        assert (metric.value, metric.lower, metric.upper, metric.n) == (None, None, None, 0)


def test_a_block_is_explicit_only_if_each_of_its_trials_said_so(
    verdict: Callable[..., Verdict], select: Callable[..., Selection]
) -> None:
    verdicts = [
        verdict("page"),
        verdict("reset", mechanism=Mechanism.TCP_RESET),
        verdict("mixed"),
        verdict("mixed", probe="web_https", mechanism=Mechanism.SILENT_DROP),
        verdict("open", state=State.ALLOWED),
        verdict("searched", mechanism=Mechanism.SAFE_MODE),
    ]

    selection = select(verdicts)
    measured = explicit_share(selection)

    assert (measured.metric.k, measured.metric.n) == (1, 3)
    assert named(measured, selection) == ("reset", "mixed")
    assert {("web",), ("web_https",)} == {one.probes for one in measured.adverse}


def test_what_a_policy_wants_otherwise_is_mishandled_in_both_directions(
    verdict: Callable[..., Verdict], select: Callable[..., Selection]
) -> None:
    states = {"passed": State.ALLOWED, "right": State.BLOCKED, "unclear": State.INSUFFICIENT}
    harmful = [verdict(name, "DRUG", state) for name, state in states.items()]
    harmless = [
        verdict("wrong", "ALW", State.BLOCKED),
        verdict("fine", "ALW", State.ALLOWED),
        verdict("too", "ALW", State.ALLOWED),
        verdict("gone", "ALW", State.DOWN),
        verdict("open", "ALW", State.INSUFFICIENT),
    ]
    selection = select([*harmful, *harmless])

    counted = mishandled(selection)
    share = handled_rate(selection, lambda each: selection.expects(each.category))

    for measured, right in ((counted, 2), (share, 3)):
        metric = measured.metric
        assert (metric.k, metric.n, metric.indeterminate) == (right, 5, 2)
        assert metric.left_out == {"down": 1}
        assert named(measured, selection) == ("passed", "wrong")
        assert [each.state for each in measured.adverse] == [State.ALLOWED, State.BLOCKED]


TOLD = {"block_page", "http_451", "proxy_refusal", "redirect", "tls_intercept_page"}
"""Ways to block that tell a user; a name server's, a reset and silence do not."""


@pytest.mark.parametrize(
    "mechanism", [each for each in Mechanism if each is not Mechanism.SAFE_MODE]
)
def test_each_way_to_block_tells_the_user_or_does_not(
    mechanism: Mechanism, verdict: Callable[..., Verdict], select: Callable[..., Selection]
) -> None:
    measured = explicit_share(select([verdict("site", mechanism=mechanism)]))

    assert (measured.metric.k, measured.metric.n) == (int(mechanism in TOLD), 1)


def test_what_was_left_out_is_counted_at_its_worst_beside(
    verdict: Callable[..., Verdict], select: Callable[..., Selection]
) -> None:
    states = [State.BLOCKED if each else State.DOWN for each in spread(88, 100)]
    verdicts = [verdict(f"d{n}", state=state) for n, state in enumerate(states)]

    metric = block_rate(select(verdicts)).metric

    assert (metric.n, metric.left_out) == (88, {"down": 12})
    assert metric.worst == (clopper_pearson(88, 100, 0.05).lower, 1.0)
    alive = [one for one in verdicts if one.state is State.BLOCKED]
    assert block_rate(select(alive)).metric.worst is None
    states = [State.ALLOWED if each else State.DOWN for each in spread(88, 100)]
    verdicts = [verdict(f"a{n}", "ALW", state=state) for n, state in enumerate(states)]
    wrong = overblock_rate(select(verdicts)).metric
    assert wrong.worst == (0.0, clopper_pearson(12, 100, 0.05).upper)


def test_the_worst_case_counts_what_stayed_undecided_too(
    verdict: Callable[..., Verdict], select: Callable[..., Selection]
) -> None:
    others = [State.DOWN if each else State.INSUFFICIENT for each in spread(12, 20)]
    lost = iter(others)
    states = [State.BLOCKED if each else next(lost) for each in spread(80, 100)]
    verdicts = [verdict(f"d{n}", state=state) for n, state in enumerate(states)]

    metric = block_rate(select(verdicts)).metric

    assert (metric.n, metric.indeterminate, metric.left_out) == (80, 8, {"down": 12})
    assert metric.worst == (clopper_pearson(80, 100, 0.05).lower, 1.0)


def campaign_on(pack: dict[str, Any]) -> Campaign:
    """A campaign on one pack."""
    return Campaign.model_validate(
        {
            "campaign": "spring",
            "service": {"name": "Filter"},
            "lines": ({"name": "proxy", "type": "explicit_proxy"},),
            "profiles": {"ks2": {}},
            "corpora": (pack,),
        }
    )


@pytest.mark.parametrize(("sample", "has_spells"), [({}, False), ({"sample": 300}, True)])
def test_neighbours_in_the_order_of_a_whole_pack_are_no_spell(
    verdict: Callable[..., Verdict],
    select: Callable[..., Selection],
    sample: dict[str, int],
    has_spells: bool,
) -> None:
    states = [State.ALLOWED if 40 <= n < 60 else State.BLOCKED for n in range(100)]
    verdicts = [verdict(f"i{n}", state=state) for n, state in enumerate(states)]
    campaign = campaign_on({"pack": "list"} | sample)

    metric = block_rate(replace(select(verdicts), campaign=campaign)).metric

    assert ("spells" in metric.method) is has_spells
