"""An item is what all its trials say together, as the block rate counts it."""

from __future__ import annotations

import msgspec
import pytest

from harness.model.corpus import Item, Layer
from harness.model.observation import AttemptKey
from harness.model.verdict import State, Verdict
from harness.stages.estimate.sequence import Ending, Trials, trials_by_place


def item(layer: Layer = "any") -> Item:
    return Item(id="a", value="a.test", labels=("PORN",), applies_to=layer)


def verdict(state: State, probe: str = "web", layer: Layer = "any", **place: str) -> Verdict:
    key = AttemptKey(campaign="c", item="a", probe=probe, line="proxy", profile="ks2")
    return Verdict(
        key=msgspec.structs.replace(key, **place),
        item=item(layer),
        state=state,
        rule="r",
        rules_version="v",
    )


@pytest.mark.parametrize(
    ("states", "ending"),
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
    states: list[State], ending: Ending
) -> None:
    tried = Trials(item=item())
    for number, state in enumerate(states):
        tried.seen.add((f"probe{number}", state))

    assert tried.ending() == ending


def test_only_the_probes_that_are_named_count() -> None:
    tried = Trials(item=item(), seen={("web", State.ALLOWED), ("dns", State.BLOCKED)})

    assert (tried.ending(), tried.ending(["dns"]), tried.ending(["mail"])) == (
        "missed",
        "blocked",
        "none",
    )


def test_trials_are_gathered_by_line_and_profile() -> None:
    places = trials_by_place(
        [
            verdict(State.BLOCKED),
            verdict(State.ALLOWED, "dns"),
            verdict(State.BLOCKED, line="other"),
            verdict(State.DOWN, profile="ks4"),
        ]
    )

    assert {place: [one.ending() for one in tried] for place, tried in places.items()} == {
        ("proxy", "ks2"): ["missed"],
        ("other", "ks2"): ["blocked"],
        ("proxy", "ks4"): ["none"],
    }


def test_a_probe_that_cannot_see_an_item_says_nothing_of_it() -> None:
    blind = verdict(State.ALLOWED, "dns", "url")

    assert trials_by_place([blind]) == {}
    [[only]] = trials_by_place([blind, verdict(State.BLOCKED, "web", "url")]).values()
    assert only.ending() == "blocked"


@pytest.mark.parametrize("state", list(State))
def test_what_a_probe_only_notes_says_nothing(state: State) -> None:
    seen = [verdict(State.BLOCKED), verdict(state, "dns_https")]

    (only,) = trials_by_place(seen)["proxy", "ks2"]
    assert only.seen == {("web", State.BLOCKED)}
