"""Entries of a log are joined with the requests and changes that they are about, and with no others."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.interop.log_join import (
    LogJoin,
    host_of,
    path_of,
    reading_observations,
    secret_forms,
)
from harness.model.corpus import Item
from harness.model.facts import MOST_ENTRIES, LogFileFacts
from harness.model.log_case import SECRETS, log_items, secret_of
from harness.model.log_entry import LogEntry
from harness.model.observation import AttemptKey, Observation
from harness.model.service_log import MOST_TURNS, ROUND, next_turn

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def item(name: str, value: str) -> Item:
    return Item(id=name, value=value, labels=("CTRL",), kind="url" if "/" in value else "host")


def joined(
    requests: list[Item], *entries: LogEntry, changes: tuple[Item, ...] = ()
) -> dict[str, int]:
    join = LogJoin(requests, changes)
    for entry in entries:
        join.add(entry)
    return {name: len(facts.entries) + facts.more for name, facts in join.found.items()}


def entry(url: str, action: str = "") -> LogEntry:
    return LogEntry(line=1, url=url, action=action)


@pytest.mark.parametrize(
    "url",
    [
        "http://own.example/a/b-1",
        "http://OWN.example:80/a/b-1?x=1",
        "https://user@own.example/other",
        "own.example:443",
        "own.example",
        "own.example.",
        "own.example/",
    ],
)
def test_an_entry_belongs_to_the_request_whose_host_it_names(url: str) -> None:
    assert joined([item("one", "http://own.example/a/b-1")], entry(url)) == {"one": 1}


@pytest.mark.parametrize(
    "url", ["http://other.example/a/b-1", "notown.example:443", "", "-", "error:invalid-request"]
)
def test_an_entry_of_another_host_belongs_to_no_request(url: str) -> None:
    assert joined([item("one", "http://own.example/a/b-1")], entry(url)) == {}


def test_requests_for_one_host_are_told_apart_by_their_paths() -> None:
    requests = [item("one", "http://own.example/a b"), item("two", "http://own.example/c")]

    assert joined(requests, entry("http://own.example/a%20b?q=1")) == {"one": 1}
    assert joined(requests, entry("http://own.example/c")) == {"two": 1}
    assert joined(requests, entry("own.example:443")) == {}


def test_the_first_entries_are_kept_and_the_others_counted() -> None:
    many = [entry("own.example:443")] * (MOST_ENTRIES + 5)
    join = LogJoin([item("one", "own.example")])
    for each in many:
        join.add(each)

    assert len(join.found["one"].entries) == MOST_ENTRIES
    assert join.found["one"].more == 5


@pytest.mark.parametrize(
    "change",
    [
        entry("site.example", action="rule changed"),
        entry("", action="allowed site.example for pupils"),
        entry("", action='block "site.example"'),
        entry("http://site.example/", action="override"),
    ],
)
def test_an_entry_of_administration_belongs_to_the_change_of_its_host(change: LogEntry) -> None:
    event = item("rule-1", "site.example")
    requests = [item("one", "http://site.example/x")]

    assert joined(requests, change, changes=(event,)) == {"rule-1": 1}


def test_entries_of_administration_are_counted_whatever_they_are_about() -> None:
    join = LogJoin([], ())
    join.add(entry("", action="login"))
    assert join.changes == 1
    assert join.found == {}


@given(st.text(max_size=40), st.sampled_from(["", "http://", "https://", "//"]))
def test_any_text_in_the_place_of_an_address_is_read_without_an_error(
    text: str, start: str
) -> None:
    host_of(start + text)
    path_of(start + text)


@given(
    st.integers(0, 19), st.binary(max_size=5), st.binary(max_size=5), st.sampled_from(list(SECRETS))
)
def test_a_secret_is_found_as_it_is_in_base64_and_in_hexadecimal(
    place: int, before: bytes, after: bytes, kind: str
) -> None:
    items = list(log_items("a draw", "ordinary", 1310, "", names=False))[:20]
    forms = secret_forms(items)
    text = before + secret_of(items[place].id, kind).encode() + after
    for written in (text, base64.b64encode(text), text.hex().encode()):
        found = {forms[form] for form in forms if form in written}
        assert found == {(kind, items[place].id)}


def test_no_secret_is_part_of_another() -> None:
    forms = list(secret_forms(log_items("a draw", "ordinary", 200, "", names=False)))
    assert not [one for one in forms for other in forms if one is not other and one in other]


def logged(number: int, role: str = "log") -> Observation:
    key = AttemptKey(
        campaign="c", item="i", probe="log", line="log", profile="log", round=ROUND + number
    )
    return Observation(key=key, item=item("i", "x"), started=NOON, batch=1, role=role)  # type: ignore[arg-type]  # a role by its name


def test_readings_are_numbered_from_one_and_limited() -> None:
    assert next_turn([], "log") == 1
    assert next_turn([logged(3), logged(1), logged(9, "logged")], "log") == 4
    with pytest.raises(UsageError, match="the most that it can"):
        next_turn([logged(MOST_TURNS)], "log")


def test_a_reading_is_one_observation_of_the_file_and_one_of_each_request_found() -> None:
    one = item("one", "own.example")
    join = LogJoin([one])
    join.add(entry("own.example"))
    facts = LogFileFacts(format="squid-log", sha256="0", bytes=1, lines=1, entries=1)

    made = reading_observations(
        "c", {"one": one}, facts, join.found, number=2, at=NOON, batch=7, name="access.log"
    )

    assert [(each.key.item, each.key.round, each.role) for each in made] == [
        ("log-reading-2", ROUND + 2, "log"),
        ("one", ROUND + 2, "log"),
    ]
    assert len({each.key for each in made}) == 2
