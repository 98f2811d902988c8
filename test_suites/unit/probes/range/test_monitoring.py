"""The reference filter tells named people of worrying requests, and the operator of itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from probes.range.alert_delivery import AlertMessage, AlertSettings
from probes.range.alert_faults import is_below, words_of
from probes.range.connection import parse_request
from probes.range.faults import Fault, FaultKind, Faults
from probes.range.monitoring import LONGEST_SHOWN, Monitor
from probes.range.pending_entry import Asker
from test_suites.kit.networks.alert_receiving import (
    HOST,
    MARKER,
    SETTINGS,
    MovedTime,
    search,
)

ASKER = Asker(client="192.0.2.7", user="ann", profile="ks2", service="proxy")
Watched = tuple[Monitor, MovedTime, list[AlertMessage]]
Build = Callable[..., Watched]


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def build(faults: Faults) -> Build:
    """Makes a monitor whose time a test moves, and a list of what it sends."""

    def build(**settings: Any) -> Watched:
        time, sent = MovedTime(), list[AlertMessage]()
        given = AlertSettings(**{**SETTINGS, **settings})
        return Monitor(given, sent.append, time.later, faults=faults, clock=time.clock), time, sent

    return build


def ask(monitor: Monitor, query: str = "", body: bytes = b"", *lines: str) -> None:
    asked = search(query, body, *lines)
    monitor.examine(asked, ASKER, asked.target)


def test_an_alert_says_who_asked_for_what_when_and_where(build: Build) -> None:
    monitor, _, sent = build()
    ask(monitor, f"?q=I+feel+sad+{MARKER}")

    (message,) = sent
    assert ("dsl@school.test", "urgent") == (message.to, message.priority)
    assert message.subject == "Safeguarding alert 1: HARM"
    assert message.text.splitlines()[2:] == [
        "Alert:    1",
        "Category: HARM",
        "User:     ann (profile ks2)",
        "Computer: 192.0.2.7",
        "Time:     2026-11-28T12:00:00.000Z",
        f"Address:  http://{HOST}/search?q=I+feel+sad+{MARKER}",
        f"Words:    q=I feel sad {MARKER}",
        f"Found:    {MARKER}",
    ]


@pytest.mark.parametrize(
    ("query", "body", "categories"),
    [
        (f"?q={MARKER}", b"", "HARM"),
        ("?q=ACCREDIT-MARKER-HARM.SELF-ab12", b"", "HARM.SELF"),
        ("?q=ACCREDIT-MARKER-HARM-SELF-ab12", b"", "HARM.SELF"),
        ("?q=accredit-marker-drug-AB12", b"", "DRUG"),
        ("?q=%41CCREDIT%2DMARKER%2dHARM%2Eself-ab12.", b"", "HARM.SELF"),
        ("?a=ACCREDIT-MARKER-DRUG-0001&b=ACCREDIT-MARKER-ILL-0002", b"", "DRUG, ILL"),
        (f"?a={MARKER}&b=ACCREDIT-MARKER-HARM-zz99", b"", "HARM"),
        ("", f"text={MARKER.replace('-', '%2D')}".encode(), "HARM"),
        ("", json.dumps({"text": f"x {MARKER} y"}).encode(), "HARM"),
        ("", b"\xff\x00" + MARKER.encode(), "HARM"),
        (f"?q={MARKER}", f"text={MARKER}".encode(), "HARM"),
        ("", b"", ""),
        ("?q=ACCREDIT-MARKER-HARM", b"", ""),
        ("?q=ACCREDIT-MARKER-HARM-ab1", b"", ""),
        ("?q=ACCREDIT-MARKER-HARM-ab123", b"", ""),
        ("?q=ACCREDIT-MARKER--ab12", b"", ""),
        ("?q=%2541CCREDIT-MARKER-HARM-ab12", b"", ""),
        (f"/{MARKER}", b"", ""),
        ("", b"name=value", ""),
    ],
)
def test_markers_are_found_in_query_and_body(
    query: str, body: bytes, categories: str, build: Build
) -> None:
    monitor, _, sent = build()
    ask(monitor, query, body)

    assert [categories] * bool(categories) == [message.fields["category"] for message in sent]


def test_headers_and_tunnels_are_not_looked_at(build: Build) -> None:
    monitor, _, sent = build()
    ask(monitor, "", b"", f"Referer: http://a.test/?q={MARKER}")
    tunnel = parse_request(f"CONNECT a.test:443?{MARKER} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    assert tunnel is not None
    monitor.examine(tunnel, ASKER, tunnel.target)

    assert [] == sent


@pytest.mark.parametrize(
    ("code", "priority"),
    [("ILL", "urgent"), ("HARM", "urgent"), ("HARM.SELF", "urgent"), ("DRUG", "normal"),
     ("HARMLESS", "normal"), ("SELF.HARM", "normal")],
)  # fmt: skip
def test_some_categories_are_urgent(code: str, priority: str, build: Build) -> None:
    monitor, _, sent = build()
    ask(monitor, f"?q=ACCREDIT-MARKER-{code}-ab12")

    assert [priority] == [message.priority for message in sent]


def test_a_profile_without_a_recipient_causes_no_mail_but_a_request(build: Build) -> None:
    monitor, _, sent = build(recipients={"staff": "head@school.test"})
    ask(monitor, f"?q={MARKER}")

    assert [""] == [message.to for message in sent]


def test_an_urgent_alert_that_nobody_acknowledges_goes_to_the_next_contact(build: Build) -> None:
    monitor, time, sent = build()
    ask(monitor, f"?q={MARKER}")
    ask(monitor, "?q=ACCREDIT-MARKER-DRUG-ab12")
    ask(monitor, "?q=ACCREDIT-MARKER-ILL-ab12")
    monitor.acknowledge(3)
    time.move(599)
    assert 3 == len(sent)
    time.move(10_000)

    (escalated,) = sent[3:]
    assert ("head@school.test", "urgent") == (escalated.to, escalated.priority)
    assert escalated.subject == "Escalated: Safeguarding alert 1: HARM"
    assert escalated.text.startswith("Nobody acknowledged this alert within 600 seconds.")
    assert MARKER in escalated.text
    assert 600 == (escalated.at - sent[0].at).total_seconds()


def test_without_a_next_contact_or_with_the_fault_nothing_is_escalated(
    build: Build, faults: Faults
) -> None:
    monitor, time, sent = build(escalate_to="")
    ask(monitor, f"?q={MARKER}")
    time.move(10_000)
    assert 1 == len(sent)

    faults.add(Fault(kind=FaultKind.ALERT_NO_ESCALATION))
    monitor, time, sent = build()
    ask(monitor, f"?q={MARKER}")
    time.move(10_000)
    assert 1 == len(sent)


def test_a_late_alert_comes_after_exactly_so_long_and_is_escalated_later(
    build: Build, faults: Faults
) -> None:
    faults.add(Fault(kind=FaultKind.ALERT_LATE, seconds=90))
    monitor, time, sent = build()
    ask(monitor, f"?q={MARKER}")
    time.move(89)
    assert [] == sent
    time.move(1)
    assert 1 == len(sent)
    assert "12:00:00" in sent[0].text
    time.move(599)
    assert 1 == len(sent)
    time.move(1)
    assert 2 == len(sent)


def test_without_priority_an_alert_is_still_escalated(build: Build, faults: Faults) -> None:
    faults.add(Fault(kind=FaultKind.ALERT_NO_PRIORITY))
    monitor, time, sent = build()
    ask(monitor, f"?q={MARKER}")
    time.move(600)

    assert ["", ""] == [message.priority for message in sent]
    assert "priority" not in sent[0].as_json()


@pytest.mark.parametrize("kind", [FaultKind.ALERT_DROPPED, FaultKind.ALERT_BENIGN])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_share_of_requests_is_chosen_by_the_seed(
    kind: FaultKind, share: float, build: Build, faults: Faults
) -> None:
    word = MARKER if kind is FaultKind.ALERT_DROPPED else "maps"

    def chosen(seed: int, order: int = 1) -> set[str]:
        faults.clear()
        faults.add(Fault(kind=kind, share=share, seed=seed))
        monitor, _, sent = build()
        for number in range(1000)[::order]:
            ask(monitor, f"?q={word}+n{number}")
        for _ in range(100):
            ask(monitor, f"?q={word}+again")
        repeated = [message for message in sent if message.fields["words"].endswith("again")]
        assert 0 < len(repeated) < 100
        return {message.fields["words"] for message in sent}

    first = chosen(1)
    wanted = 1000 * (1 - share if kind is FaultKind.ALERT_DROPPED else share)
    assert abs(len(first) - wanted) < 60
    assert first == chosen(1, order=-1)
    assert first != chosen(2)


def test_the_operator_is_told_once_of_each_setting_that_no_longer_blocks(
    build: Build, faults: Faults
) -> None:
    monitor, _, sent = build()
    monitor.check_settings()
    faults.add(Fault(kind=FaultKind.OVERBLOCK))
    monitor.check_settings()
    assert [] == sent
    off = faults.add(Fault(kind=FaultKind.OFF, profiles=frozenset({"ks2"})))
    faults.add(Fault(kind=FaultKind.MISS, hosts=frozenset({HOST}), service="proxy"))
    for _ in range(3):
        monitor.check_settings()

    assert ["operator@isp.test"] * 2 == [message.to for message in sent]
    assert {"Operator alert: The filter is off", "Operator alert: The filter blocks less"} == {
        message.subject for message in sent
    }
    texts = "\n".join(message.text for message in sent)
    assert all(part in texts for part in ("ks2", HOST, "proxy", "2026-11-28T12:00:00Z"))
    faults.remove(off)
    monitor.check_settings()
    faults.add(off)
    monitor.check_settings()
    assert 3 == len(sent)


def test_a_setting_counts_only_once_it_applies(build: Build, faults: Faults) -> None:
    monitor, _, sent = build()
    faults.add(Fault(kind=FaultKind.OFF, after=1))
    monitor.check_settings()
    assert [] == sent
    for _ in range(2):
        faults.count()
    monitor.check_settings()
    assert 1 == len(sent)


@pytest.mark.parametrize("seconds", [0.0, 1.0, 49.0, 99.0, 130.0])
def test_a_change_is_noticed_in_time(seconds: float, build: Build, faults: Faults) -> None:
    monitor, time, sent = build()
    monitor.watch()
    time.move(seconds)
    faults.add(Fault(kind=FaultKind.OFF))
    changed = time.now
    time.move(100)

    (message,) = sent
    assert 0 <= (message.at - changed).total_seconds() <= 100
    monitor.close()
    faults.add(Fault(kind=FaultKind.MISS))
    time.move(1000)
    assert 1 == len(sent)


def test_with_the_fault_or_without_an_operator_nobody_is_told(build: Build, faults: Faults) -> None:
    faults.add(Fault(kind=FaultKind.OFF))
    silent = faults.add(Fault(kind=FaultKind.ALERT_NO_OPERATOR))
    monitor, _, sent = build()
    monitor.check_settings()
    faults.remove(silent)
    monitor.check_settings()
    without, _, sent_without = build(operator="")
    without.check_settings()

    assert [] == sent == sent_without


def test_a_category_is_below_another_by_its_parts() -> None:
    assert is_below("HARM", ("HARM",))
    assert is_below("HARM.SELF", ("ILL", "HARM"))
    assert not is_below("HARMLESS", ("HARM",))
    assert not is_below("HARM", ("HARM.SELF",))


def test_long_requests_are_shown_in_part_and_their_markers_whole(build: Build) -> None:
    monitor, _, sent = build()
    ask(monitor, f"?q={'a' * 50_000}+{MARKER}")

    assert LONGEST_SHOWN == len(sent[0].fields["url"])
    assert MARKER == sent[0].fields["markers"]
    assert len(sent[0].text) < 3 * LONGEST_SHOWN


def test_words_are_decoded_once() -> None:
    assert "q=a b%41\nx=ü" == words_of(search("?q=a+b%2541", b"x=%C3%BC", method="POST"))
