"""Items that passed: told by what came, and drawn by the seed."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from harness.measure.heartbeats import (
    HeartbeatTarget,
    PassedItem,
    PassedItems,
    PassedItemsByTarget,
    has_passed,
    port_of,
    target_at,
)
from harness.model.corpus import Item
from harness.model.facts import Facts
from harness.model.observation import CONTROL, Timings
from test_suites.kit.campaigns.trials import dns, foreign, observation, reach, web

PLACE = HeartbeatTarget(line="proxy", profile="ks2", probe="web", port="")


def item(name: str) -> Item:
    return Item(id=name, value=f"{name}.canary.accredit.test", labels=("ALW",))


@pytest.mark.parametrize(
    ("service", "control", "is_passed"),
    [
        (web(), web(), True),
        (web(canary="absent", status=403), web(), False),
        (web(), web(canary="absent", status=500), False),
        (foreign(), foreign(), True),
        (foreign(title="Access denied"), foreign(), False),
        (foreign(status=403), foreign(), False),
        (foreign(title=""), foreign(title=""), False),
        (dns("127.0.0.1"), dns("127.0.0.1", "127.0.0.2"), True),
        (dns("192.0.2.1"), dns("127.0.0.1"), False),
        (dns(rcode="SERVFAIL"), dns("127.0.0.1"), False),
        (reach(reached=True), reach(reached=True), False),
    ],
)
def test_an_item_passed_if_the_line_brought_what_the_control_brought(
    service: Facts, control: Facts, is_passed: bool
) -> None:
    assert is_passed == has_passed(observation(service), observation(control, CONTROL))


def test_items_are_drawn_by_the_seed_and_take_turns() -> None:
    one, same, other = (PassedItems(seed) for seed in ("x", "x", "y"))
    for number in range(50):
        for each in (one, other):
            each.offer(PassedItem(item(f"i{number}")))
    for number in reversed(range(50)):
        same.offer(PassedItem(item(f"i{number}")))

    turns = [str(number) for number in range(30)]
    assert [one.draw(turn) for turn in turns] == [same.draw(turn) for turn in turns]
    assert [one.draw(turn) for turn in turns] != [other.draw(turn) for turn in turns]
    assert len({one.draw(turn) for turn in turns}) > 10


def test_what_was_dropped_is_drawn_no_more() -> None:
    items = PassedItems("x")
    assert items.draw("1") is None
    items.offer(PassedItem(item("a")))
    assert items.draw("1") == PassedItem(item("a"))

    items.drop("a")
    items.offer(PassedItem(item("a")))

    assert items.draw("1") is None


def test_those_that_passed_are_taken_by_place_with_the_time_of_strangers() -> None:
    passed_items = PassedItemsByTarget("x")
    stranger = replace(observation(foreign(), CONTROL, item="s"), timings=Timings(total=0.7))
    passed_items.add_batch(
        [
            observation(web()),
            observation(web(), CONTROL),
            observation(foreign(), item="s", probe="web_https"),
            replace(stranger, key=replace(stranger.key, probe="web_https")),
            observation(web(canary="absent", status=403), item="blocked"),
            observation(web(), CONTROL, item="blocked"),
            observation(web(), item="alone"),
        ]
    )

    assert {PLACE, PLACE._replace(probe="web_https")} == set(passed_items)
    ours, theirs = (
        passed_items[PLACE].draw(""),
        passed_items[PLACE._replace(probe="web_https")].draw(""),
    )
    assert ours is not None
    assert theirs is not None
    assert (ours.item.id, ours.took) == ("gamb-001", 0.0)
    assert (theirs.item.id, theirs.took) == ("s", 0.7)


@pytest.mark.parametrize("change", [{"sensitivity": "S3"}, {"kind": "vector"}])
def test_sensitive_items_and_vectors_are_never_drawn(change: dict[str, str]) -> None:
    pair = (observation(web()), observation(web(), CONTROL))
    passed_items = PassedItemsByTarget("x")
    passed_items.add_batch(replace(one, item=replace(one.item, **change)) for one in pair)

    assert not passed_items


@pytest.mark.parametrize(
    ("stratum", "is_drawn"),
    [("alert:in_hours:HARM:en:phone", False), ("alert:in_hours:benign:en:phone", True),
     ("log:ordinary:page", False)],
)  # fmt: skip
def test_what_leaves_traces_that_are_counted_is_not_repeated(stratum: str, is_drawn: bool) -> None:
    session = {"stratum": f"CTRL/{stratum}"}
    passed_items = PassedItemsByTarget("x")
    passed_items.add_batch(
        replace(one, item=replace(one.item, **session))
        for one in (observation(web()), observation(web(), CONTROL))
    )

    assert bool(passed_items) is is_drawn


def test_the_place_of_a_url_with_a_port_is_its_own() -> None:
    url = Item(id="u", value="http://h.test:8080/", labels=("ALW",), kind="url")

    assert port_of(url) == "8080"
    assert target_at(observation(web()).key, url) == PLACE._replace(port="8080")
