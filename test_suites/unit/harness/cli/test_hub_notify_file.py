"""What hub.yaml says of notifications is checked, and maintenance never hides a result."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from harness.cli.hub_notifier import next_message
from harness.cli.hub_notify_file import Heartbeat, Maintenance, Notifying, NotifyTarget
from harness.model.notification import SILENCE, Notification, NotificationKind

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HOOK: dict[str, Any] = {
    "name": "desk",
    "webhook": "https://desk.example/hook",
    "secret": "desk.key",
}


def told(kind: NotificationKind = NotificationKind.ALARM_RAISED, **changes: Any) -> Notification:
    values: dict[str, Any] = {
        "key": "k", "kind": kind, "at": NOW, "stream": "supplier:acme", "supplier": "Acme",
        "service": "Safe Net", "site": "Hill School", "title": "t", "words": "w", "path": "/",
    }  # fmt: skip
    return Notification(**values | changes)


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ({"name": "a"}, "give either file"),
        (HOOK | {"file": "x"}, "give either file"),
        ({"name": "a", "file": "x", "secret": "y"}, "a webhook needs secret"),
        ({"name": "a", "webhook": "https://a.example"}, "a webhook needs secret"),
        (HOOK | {"webhook": "http://desk.example/hook"}, "begins with https://"),
        (HOOK | {"webhook": "https://"}, "begins with https://"),
        (HOOK | {"webhook": "https://[::"}, "begins with https://"),
        (HOOK | {"webhook": "file:///etc/passwd"}, "begins with https://"),
        (HOOK | {"kinds": ("alarms",)}, "alarm-raised"),
        (HOOK | {"at": "25:00"}, "a time of the day"),
        (HOOK | {"digest": "hourly"}, "daily"),
    ],
)
def test_a_faulty_target_is_refused(target: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        Notifying.model_validate({"targets": (target,)})


def test_names_are_used_once_and_http_is_for_this_machine() -> None:
    with pytest.raises(ValidationError, match="a name of its own"):
        Notifying.model_validate({"targets": (HOOK, HOOK | {"name": "DESK"})})
    NotifyTarget(**HOOK | {"webhook": "http://127.0.0.1:8080/hook"})
    with pytest.raises(ValidationError, match="at least 1m"):
        Heartbeat(url="https://a.example", every=timedelta(seconds=30))


def test_a_target_is_told_what_it_chose_and_nothing_of_other_suppliers() -> None:
    every, some = NotifyTarget(**HOOK), NotifyTarget(**HOOK | {"kinds": ("decision",)})
    acme = NotifyTarget(**HOOK | {"suppliers": ("  ACME ",)})

    assert every.takes(told())
    assert not some.takes(told())
    assert some.takes(told(NotificationKind.DECISION))
    assert acme.takes(told())
    assert not acme.takes(told(supplier="Acme Two"))
    assert not acme.takes(told(supplier=""))


def window(**changes: Any) -> Maintenance:
    values: dict[str, Any] = {
        "begins": NOW, "ends": NOW + timedelta(hours=2), "why": "power", "site": "hill SCHOOL",
    }  # fmt: skip
    return Maintenance(**values | changes)


@given(st.sampled_from(NotificationKind), st.timedeltas(timedelta(hours=-3), timedelta(hours=3)))
def test_a_window_keeps_back_silence_alone_and_only_in_its_time(
    kind: NotificationKind, later: timedelta
) -> None:
    is_in = timedelta(0) <= later < timedelta(hours=2)

    assert window().holds_back(told(kind), NOW + later) == (kind in SILENCE and is_in)
    assert not window().holds_back(told(kind, site="Vale School"), NOW + later)
    assert not window(service="Other").holds_back(told(kind), NOW + later)


@pytest.mark.parametrize(
    "changes",
    [
        {"site": None}, {"ends": NOW}, {"ends": NOW + timedelta(days=61)}, {"why": ""},
        {"begins": datetime(2026, 3, 2)},  # noqa: DTZ001 - that is what is tested
    ],
)  # fmt: skip
def test_a_faulty_window_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        window(**changes)


def test_no_kind_of_silence_is_a_result() -> None:
    results = {each for each in NotificationKind if each.startswith(("alarm", "plan", "decision"))}

    assert not results & SILENCE
    assert results | SILENCE == {*NotificationKind}


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.sampled_from(["00:00", "07:30", "23:59"]),
)
def test_a_digest_is_sent_at_its_next_time(now: datetime, at: str) -> None:
    daily, weekly = (
        next_message(NotifyTarget(**HOOK | {"digest": digest, "at": at}), now)
        for digest in ("daily", "weekly")
    )

    assert now < daily <= now + timedelta(days=1)
    assert now < weekly <= now + timedelta(days=7)
    assert weekly.weekday() == 0
    assert f"{daily:%H:%M}" == f"{weekly:%H:%M}" == at
    assert next_message(NotifyTarget(**HOOK), now) == now
