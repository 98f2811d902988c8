"""A hub's places: the newest always gets one, and nobody holds many for long."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from harness.cli.hub_door import (
    BODY_BYTES,
    BODY_WINDOW,
    HEAD_WITHIN,
    IDLE_WITHIN,
    MOST_PAGES,
    UNREAD_WITHIN,
    Door,
    Phase,
)
from harness.cli.serve import among
from harness.model.subscriber import subscriber_of


@dataclass(eq=False)
class Caller:
    address: str
    phase: Phase = Phase.HEAD
    since: float = 0.0
    heard: int = 0
    is_page: bool = False
    is_proxy: bool = False
    ended: list[bool] = field(default_factory=list)

    def look(self) -> None:
        """Its phase is as it was set."""

    def end(self) -> None:
        self.ended.append(True)


def test_one_address_with_many_connections_loses_its_oldest() -> None:
    door = Door(most=100, of_one=3)
    own = [Caller("a", since=float(number)) for number in range(4)]
    other = Caller("b")
    assert all(door.enter(each) for each in (*own[:3], other, own[3]))
    assert [True, False, False, False] == [bool(each.ended) for each in own]
    assert not other.ended


def test_where_all_is_held_the_address_with_most_gives_way_and_never_who_has_one() -> None:
    door = Door(most=8, of_one=4)
    lone = Caller("lone", since=-100)
    flood = [Caller(name, since=1.0) for name in "aaabbcd"]
    assert all(door.enter(each) for each in (lone, *flood))
    newest = Caller("new")
    assert door.enter(newest)
    assert ["a"] == [each.address for each in (lone, *flood) if each.ended]


def test_who_is_idle_gives_way_first_and_who_is_answered_never() -> None:
    door = Door(most=3, of_one=3)
    slow, idle = Caller("a"), Caller("b", Phase.IDLE, since=9)
    answered = Caller("a", Phase.ANSWERING, since=-1)
    for each in (slow, answered, idle, Caller("c", Phase.ANSWERING), Caller("d", Phase.ANSWERING)):
        assert door.enter(each)
    assert idle.ended
    assert slow.ended
    assert not door.enter(Caller("e")), "all places are held by answers"
    assert not answered.ended
    door.leave(answered)
    assert door.enter(Caller("e"))


def test_a_proxy_has_as_many_connections_as_it_needs() -> None:
    door = Door(most=4, of_one=2)
    of_proxy = [Caller("p", Phase.IDLE, is_proxy=True) for _ in range(3)]
    slow = Caller("a")
    assert all(door.enter(each) for each in (*of_proxy, slow, Caller("b")))
    assert slow.ended
    assert not any(each.ended for each in of_proxy)


@pytest.mark.parametrize(
    ("phase", "seconds", "heard", "is_ended"),
    [
        (Phase.IDLE, IDLE_WITHIN, 0, True),
        (Phase.HEAD, HEAD_WITHIN - 1, 0, False),
        (Phase.HEAD, HEAD_WITHIN, 9000, True),
        (Phase.BODY, BODY_WINDOW - 1, 0, False),
        (Phase.BODY, BODY_WINDOW, BODY_BYTES - 1, True),
        (Phase.BODY, BODY_WINDOW, BODY_BYTES, False),
        (Phase.UNREAD, UNREAD_WITHIN, 0, True),
        (Phase.ANSWERING, 9999, 0, False),
    ],
)
def test_who_is_too_slow_is_ended(phase: Phase, seconds: float, heard: int, is_ended: bool) -> None:
    door, caller = Door(), Caller("a", phase, since=5.0, heard=heard)
    door.enter(caller)
    door.end_overdue(5.0 + seconds)
    assert is_ended == bool(caller.ended)


def test_pages_leave_half_of_the_places_to_agents() -> None:
    door = Door()
    for number in range(MOST_PAGES + 1):
        assert door.has_room_for_page()
        door.enter(Caller(f"{number}", Phase.ANSWERING, is_page=True))
    assert not door.has_room_for_page()
    agents = Door()
    for number in range(MOST_PAGES + 50):
        agents.enter(Caller(f"{number}", Phase.ANSWERING))
    assert agents.has_room_for_page()


def test_an_address_is_one_host_or_one_subscriber() -> None:
    assert subscriber_of("::ffff:192.0.2.1") == "192.0.2.1" == subscriber_of("192.0.2.1")
    assert subscriber_of("2001:db8::1") == subscriber_of("2001:db8::ffff:2")
    assert subscriber_of("2001:db8::1") != subscriber_of("2001:db8:0:1::1")
    assert subscriber_of("no address") == "no address"


def test_proxies_are_named_by_address_or_network() -> None:
    is_proxy = among(("127.0.0.1", "10.1.0.0/16", "::1"))
    assert [True, True, True, False, False, False] == [
        is_proxy(each) for each in ("127.0.0.1", "10.1.9.9", "::1", "127.0.0.2", "::2", "unix:")
    ]
    assert not among(())("127.0.0.1")
