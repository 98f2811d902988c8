"""An item is what all its trials say together, as the block rate counts it."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.estimate.stopping_tests import ItemResult, Trials, trials_by_line_profile
from harness.model.batch import AGAIN
from harness.model.corpus import Item, Layer
from harness.model.observation import AttemptKey
from harness.model.probe import declared
from harness.model.verdict import BRACKET_FAILED, State, Verdict


def item(layer: Layer = "any") -> Item:
    return Item(id="a", value="a.test", labels=("PORN",), applies_to=layer)


def verdict(
    state: State, probe: str = "web", layer: Layer = "any", rule: str = "r", **place: str | int
) -> Verdict:
    key = AttemptKey(campaign="c", item="a", probe=probe, line="proxy", profile="ks2")
    return Verdict(
        key=msgspec.structs.replace(key, **place),
        item=item(layer),
        state=state,
        rule=rule,
        rules_version="v",
        counts=declared({}, probe).counts,
        is_blind=not declared({}, probe).can_see(item(layer)),
    )


@pytest.mark.parametrize(
    ("states", "item_result"),
    [
        ([State.BLOCKED], "blocked"),
        ([State.BLOCKED, State.ALLOWED], "missed"),
        ([State.INSUFFICIENT, State.ALLOWED], "missed"),
        ([State.BLOCKED, State.INSUFFICIENT], "doubtful"),
        ([State.BLOCKED, State.ALTERED], "doubtful"),
        ([State.DOWN], "none"),
        ([State.DOWN, State.BLOCKED], "blocked"),
        ([], "none"),
    ],
)
def test_one_way_in_is_a_miss_and_a_block_must_be_whole(
    states: list[State], item_result: ItemResult
) -> None:
    tried = Trials(item=item())
    for number, state in enumerate(states):
        tried.add(verdict(state, f"probe{number}"))

    assert tried.item_result() == item_result


def test_only_the_probes_that_are_named_count() -> None:
    tried = Trials(item=item())
    tried.add(verdict(State.ALLOWED))
    tried.add(verdict(State.BLOCKED, "dns"))

    assert (tried.item_result(), tried.item_result(["dns"]), tried.item_result(["mail"])) == (
        "missed",
        "blocked",
        "none",
    )


def test_trials_are_gathered_by_line_and_profile() -> None:
    places = trials_by_line_profile(
        [
            verdict(State.BLOCKED),
            verdict(State.ALLOWED, "dns"),
            verdict(State.BLOCKED, line="other"),
            verdict(State.DOWN, profile="ks4"),
        ]
    )

    assert {place: [one.item_result() for one in tried] for place, tried in places.items()} == {
        ("proxy", "ks2"): ["missed"],
        ("other", "ks2"): ["blocked"],
        ("proxy", "ks4"): ["none"],
    }


def test_a_probe_that_cannot_see_an_item_says_nothing_of_it() -> None:
    blind = verdict(State.ALLOWED, "dns", "url")

    assert trials_by_line_profile([blind]) == {}
    [[only]] = trials_by_line_profile([blind, verdict(State.BLOCKED, "web", "url")]).values()
    assert only.item_result() == "blocked"


@pytest.mark.parametrize("state", list(State))
def test_what_a_probe_only_notes_says_nothing(state: State) -> None:
    seen = [verdict(State.BLOCKED), verdict(state, "dns_https")]

    (only,) = trials_by_line_profile(seen)["proxy", "ks2"]
    assert only.decided == {("web", 1, State.BLOCKED)}


@given(st.permutations(range(3)))
def test_a_void_round_is_made_up_for_by_its_own_second_trial_alone(order: list[int]) -> None:
    """Whichever comes first: round 1 is good, round 2 void, and tried again."""
    good, void = verdict(State.BLOCKED), verdict(State.INSUFFICIENT, round=2, rule=BRACKET_FAILED)
    again = verdict(State.BLOCKED, round=2 + AGAIN)

    def item_result(*verdicts: Verdict) -> ItemResult:
        [[only]] = trials_by_line_profile(verdicts).values()
        assert only.probes == {"web"}
        return only.item_result(["web"])

    assert item_result(good, void) == item_result(void, good) == "doubtful"
    assert item_result(*((good, void, again)[place] for place in order)) == "blocked"
    missed = verdict(State.ALLOWED, round=2 + AGAIN)
    assert item_result(*((good, void, missed)[place] for place in order)) == "missed"


@pytest.mark.parametrize("first", [State.INSUFFICIENT, State.DOWN])
def test_a_later_trial_that_decides_makes_up_for_one_that_did_not(first: State) -> None:
    def tried(*states: State) -> Trials:
        found = Trials(item=item())
        for number, state in enumerate(states):
            found.add(verdict(state, round=1 + number * AGAIN))
        return found

    assert tried(first, State.BLOCKED).item_result() == "blocked"
    assert tried(first, first, State.ALLOWED).item_result() == "missed"
    assert tried(State.BLOCKED, first).item_result() == "blocked"
    assert tried(State.DOWN, State.INSUFFICIENT).item_result() == "doubtful"
    other_round = tried(first)
    other_round.add(verdict(State.BLOCKED, round=2))
    assert other_round.states() == {first, State.BLOCKED}


def test_the_probes_that_tried_an_item_include_those_of_void_batches() -> None:
    tried = Trials(item=item())
    tried.add(verdict(State.BLOCKED, "web"))
    tried.add(verdict(State.INSUFFICIENT, "dns"))
    tried.add(verdict(State.INSUFFICIENT, "tcp", rule=BRACKET_FAILED))

    assert {"web", "dns", "tcp"} == tried.probes
    assert {State.BLOCKED, State.INSUFFICIENT} == tried.states()
    assert {State.BLOCKED} == tried.states(("web",))
    assert {State.INSUFFICIENT} == tried.states(("tcp",))
    assert set() == tried.states(("mail",))
