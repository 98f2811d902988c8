"""A stop survives the disk as it was, and holds no verdict."""

from __future__ import annotations

import msgspec

from harness.model.campaign import Stop

STOP = Stop(
    plan=1,
    categories=("PORN", "ADLT"),
    profile="ks2",
    after={"proxy": 41, "names": 38},
    settled=4,
    batch=9,
    untried=120,
    attempts=360,
)


def test_a_stop_comes_back_from_json_as_it_was() -> None:
    assert msgspec.json.decode(msgspec.json.encode(STOP), type=Stop) == STOP


def test_a_stop_says_where_and_what_but_never_how_it_was_decided() -> None:
    written = msgspec.json.encode(STOP).decode()

    assert {
        "plan",
        "categories",
        "profile",
        "after",
        "settled",
        "batch",
        "untried",
        "attempts",
    } == {field.name for field in msgspec.structs.fields(Stop)}
    for word in ("pass", "fail", "blocked", "missed", "conform"):
        assert word not in written
