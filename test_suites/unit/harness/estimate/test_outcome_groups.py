"""An item is blocked only if every trial was, and missed if any got through."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.estimate.outcome_groups import GroupResult, classify_results, results_by_profile
from harness.model.outcome_group import OutcomeGroup, ProbeState
from harness.model.verdict import Mechanism, State, Verdict
from test_suites.kit.campaigns.memory_fold import MemoryFold

A, B, X, D, I = (  # noqa: E741 - one letter a state keeps the table readable
    State.ALLOWED,
    State.BLOCKED,
    State.ALTERED,
    State.DOWN,
    State.INSUFFICIENT,
)


def result(*states: State, items: int = 1) -> GroupResult:
    """Items that one probe each found in these states."""
    probe_states = tuple(
        ProbeState("ks2", f"p{number}", state) for number, state in enumerate(states)
    )
    group = OutcomeGroup(
        number=0,
        line="l",
        category="DRUG",
        stratum="",
        lang="",
        phases=("*",),
        items=items,
        probe_states=probe_states,
    )
    return GroupResult(group=group, profile="ks2", probe_states=probe_states)


def sorted_states(*states: State, adverse: State = A, favourable: State = B) -> str:
    """Where items with these trials end up."""
    found = classify_results([result(*states, items=3)], adverse, favourable)
    names = {"adverse": found.wrong, "favourable": found.right}
    names |= {"indeterminate": found.doubtful, "down": found.down}
    assert sum(names.values()) == 3
    return next(name for name, count in names.items() if count)


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ((B, B), "favourable"),
        ((B, A), "adverse"),
        ((I, A), "adverse"),
        ((B, I), "indeterminate"),
        ((B, X), "indeterminate"),
        ((D, I), "indeterminate"),
        ((B, D), "favourable"),
        ((A, D), "adverse"),
        ((D, D), "down"),
    ],
)
def test_trials_of_one_item_fold_into_one_count(states: tuple[State, ...], expected: str) -> None:
    assert sorted_states(*states) == expected


def test_one_block_of_a_must_allow_item_is_an_overblock() -> None:
    assert sorted_states(A, B, adverse=B, favourable=A) == "adverse"
    assert sorted_states(A, X, adverse=B, favourable=A) == "indeterminate"


@given(st.lists(st.sampled_from(list(State)), min_size=1, max_size=6))
def test_favourable_means_no_trial_was_anything_else(states: list[State]) -> None:
    if sorted_states(*states) == "favourable":
        assert set(states) <= {B, D}
        assert B in states


def test_mechanisms_are_counted_by_items() -> None:
    page = result(B, items=2)
    reset = replace(page, probe_states=(ProbeState("ks2", "p0", B, Mechanism.TCP_RESET),))

    assert {"none": 2, "tcp_reset": 2} == classify_results([page, reset], A, B).mechanisms


def test_a_lot_says_who_found_it_so() -> None:
    mixed = result(A, B, A)

    assert mixed.as_adverse(A).probes == ("p0", "p2")
    assert mixed.as_adverse(A, ("p0", "p1")).probes == ("p0",)
    assert mixed.states(("p1",)) == {B}


def test_counts_are_kept_apart_by_line_profile_and_category(
    verdict: Callable[..., Verdict],
) -> None:
    by_profile = results_by_profile(
        MemoryFold(
            [
                verdict("one"),
                verdict("one", line="resolver", mechanism=Mechanism.DNS_NXDOMAIN),
                verdict("two", category="ALW", state=A, profile="staff"),
            ]
        ).counts
    )

    assert set(by_profile) == {("proxy", "ks2"), ("resolver", "ks2"), ("proxy", "staff")}
    assert list(by_profile["proxy", "staff"].categories) == ["ALW"]


@pytest.mark.parametrize("probe", ["dns", "dns_aaaa"])
def test_a_name_server_is_not_asked_about_paths(
    verdict: Callable[..., Verdict], probe: str
) -> None:
    blind = MemoryFold([verdict("deep", probe=probe, applies_to="url", state=A)])
    profile_results = results_by_profile(blind.counts)["proxy", "ks2"]

    assert (profile_results.categories, profile_results.probes) == ({}, {probe})
    assert [(one.probe, one.layer, one.trials) for one in profile_results.unseen] == [
        (probe, "url", 1)
    ]


@pytest.mark.parametrize("state", list(State))
def test_what_became_of_https_records_counts_for_nobody(
    verdict: Callable[..., Verdict], state: State
) -> None:
    noted = verdict("one", probe="dns_https", state=state)

    assert results_by_profile(MemoryFold([noted]).counts) == {}
    both = MemoryFold([verdict("one", probe="dns"), noted])
    assert both.counts == MemoryFold([verdict("one", probe="dns")]).counts
