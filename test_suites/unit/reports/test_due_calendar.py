"""What is due as a calendar: parsed again, it says the same, whatever names hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar, Event

from harness.model.escalation import Level
from harness.model.obligation import Lane, Obligation, ObligationKind, Party
from harness.untrusted.visible_text import visible
from reports.exports.due_calendar import calendar_of, description_of, summary_of, uid_of

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ONE = Obligation(
    id="P-0001 plan", kind=ObligationKind.PLAN, what="fix", supplier="Acme", service="Safe Net",
    about="P-0001", plan="P-0001", due=NOW + timedelta(days=30), lane=Lane.ON_TRACK,
    party=Party.SUPPLIER, who="Acme", act="mend", severity="Maj", requirement="URL-01",
)  # fmt: skip
TEXT = st.text(max_size=60) | st.sampled_from(
    ["a\r\nEND:VEVENT", "x\nUID:evil", "\u2028BEGIN:VALARM", "\x0b\x0c\x1c\x85", "a\\nb;c,d:e\\"]
)


def changed(**fields: object) -> Obligation:
    return msgspec.structs.replace(ONE, **fields)


def entries(content: bytes) -> list[Event]:
    found = Calendar.from_ical(content).walk("VEVENT")
    return [each for each in found if isinstance(each, Event)]


@given(
    names=st.lists(st.tuples(TEXT, TEXT, TEXT, TEXT), max_size=4),
    days=st.integers(-400, 400),
    level=st.sampled_from([None, *Level]),
)
def test_names_add_no_entry_and_no_property(
    names: list[tuple[str, str, str, str]], days: int, level: Level | None
) -> None:
    found = [
        changed(
            id=f"P-{n} plan", supplier=supplier, service=service, what=what, act=act, level=level,
            due=NOW + timedelta(days=days),
        )
        for n, (supplier, service, what, act) in enumerate(names)
    ]  # fmt: skip
    content = calendar_of(found, NOW, "".join(names[0]) if names else "")
    held = {str(each["uid"]): each for each in entries(content)}
    keys = {
        "UID",
        "DTSTAMP",
        "SEQUENCE",
        "DTSTART",
        "SUMMARY",
        "DESCRIPTION",
        "CATEGORIES",
        "TRANSP",
    }

    assert content == calendar_of(reversed(found), NOW, "".join(names[0]) if names else "")
    assert set(held) == {uid_of(one) for one in found}
    for one in found:
        entry = held[uid_of(one)]
        assert set(entry) == keys
        assert str(entry["summary"]) == visible(summary_of(one))
        assert str(entry["description"]) == description_of(one, NOW)
        assert entry.decoded("dtstart") == one.due.date()
        assert len(entry.subcomponents) == (2 if days >= 14 else 1 if days >= 3 else 0)
    assert all(line.isascii() or line.decode() for line in content.split(b"\r\n"))
    assert max(map(len, content.split(b"\r\n"))) <= 75


def test_an_entry_moves_with_its_date_and_keeps_its_id() -> None:
    later = changed(due=NOW + timedelta(days=60), revision=3)
    (before,), (after,) = (entries(calendar_of([one], NOW, "due")) for one in (ONE, later))

    assert before["uid"] == after["uid"] != uid_of(changed(supplier="Beta"))
    assert (before["sequence"], after["sequence"]) == (0, 3)
    assert after.decoded("dtstart") - before.decoded("dtstart") == timedelta(days=30)
    assert after.decoded("dtstamp") == NOW


def test_reminders_come_14_and_3_days_before() -> None:
    (entry,) = entries(calendar_of([ONE], NOW, "due"))

    assert [-each.decoded("trigger") for each in entry.subcomponents] == [
        timedelta(days=14), timedelta(days=3),
    ]  # fmt: skip
    assert b"DTSTART;VALUE=DATE:20260401" in entry.to_ical()
    assert "DTEND" not in entry
    assert [] == entries(calendar_of([], NOW, "due"))
