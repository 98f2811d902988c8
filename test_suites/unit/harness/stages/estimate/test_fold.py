"""An item is blocked only if every trial was, and missed if any got through."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.corpus import Item
from harness.model.observation import AttemptKey
from harness.model.verdict import Mechanism, State, Verdict
from harness.stages.estimate.fold import Folded, fold, sort_items

A, B, X, D, I = (  # noqa: E741 - one letter a state keeps the table readable
    State.ALLOWED,
    State.BLOCKED,
    State.ALTERED,
    State.DOWN,
    State.INSUFFICIENT,
)


def sorted_states(*states: State, adverse: State = A, favourable: State = B) -> str:
    """Where an item with these trials ends up."""
    entry = Folded(item=Item(id="i", value="i.test", labels=("DRUG",)))
    for number, state in enumerate(states):
        key = AttemptKey(campaign="c", item="i", probe=f"p{number}", line="l", profile="ks2")
        entry.seen[key.probe, state] = Verdict(
            key=key, item=entry.item, state=state, rule="r", rules_version="1"
        )
    found = sort_items([entry], adverse, favourable)
    names = {"adverse": len(found.adverse), "favourable": len(found.favourable)}
    names |= {"indeterminate": len(found.indeterminate), "down": found.down}
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


def test_verdicts_are_kept_apart_by_line_profile_and_category(
    verdict: Callable[..., Verdict],
) -> None:
    folded = fold(
        [
            verdict("one"),
            verdict("one", line="resolver", mechanism=Mechanism.DNS_NXDOMAIN),
            verdict("two", category="ALW", state=A, profile="staff"),
        ]
    )

    assert set(folded.cells) == {("proxy", "ks2"), ("resolver", "ks2"), ("proxy", "staff")}
    assert list(folded.cells["proxy", "staff"].categories) == ["ALW"]
    assert folded.mechanisms == {"block_page": 1, "dns_nxdomain": 1}


@pytest.mark.parametrize("probe", ["dns", "dns_aaaa"])
def test_a_name_server_is_not_asked_about_paths(
    verdict: Callable[..., Verdict], probe: str
) -> None:
    cell = fold([verdict("deep", probe=probe, applies_to="url", state=A)]).cells["proxy", "ks2"]

    assert cell.categories == {}
    assert cell.unseen == {(probe, "url", "DRUG"): 1}


@pytest.mark.parametrize("state", list(State))
def test_what_became_of_https_records_counts_for_nobody(
    verdict: Callable[..., Verdict], state: State
) -> None:
    noted = verdict("one", probe="dns_https", state=state)

    assert fold([noted]).cells == {}
    both = fold([verdict("one", probe="dns"), noted])
    assert set(both.cells["proxy", "ks2"].categories["DRUG"]["one"].seen) == {("dns", B)}
    assert both.cells["proxy", "ks2"].probes == {"dns"}


def test_only_pages_that_were_allowed_are_timed(verdict: Callable[..., Verdict]) -> None:
    times = {"first_byte_service": 0.3, "first_byte_control": 0.1}
    folded = fold([verdict("ok", "ALW", A, **times), verdict("no", "ALW", B, **times)])
    items = folded.cells["proxy", "ks2"].categories["ALW"]

    assert items["ok"].pairs == [("web", 0.3, 0.1)]
    assert items["no"].pairs == []
