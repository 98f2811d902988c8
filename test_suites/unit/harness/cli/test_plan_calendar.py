"""``accredit plan calendar`` writes what is due to a file, whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from icalendar import Calendar

from harness.cli.registry_session import open_session
from harness.errors import UsageError
from harness.model.event import PlanExtended
from test_suites.unit.harness.cli.due_registry import NOW, DueRegistry


@pytest.fixture
def due(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DueRegistry:
    return DueRegistry(tmp_path, monkeypatch)


def entries(file: Path) -> dict[str, tuple[int, str]]:
    """The sequence and the day of each entry, by its title."""
    calendar = Calendar.from_ical(file.read_bytes())
    return {
        str(one["summary"]): (one.decoded("sequence"), str(one.decoded("dtstart")))
        for one in calendar.walk("VEVENT")
    }


def test_the_file_is_the_same_until_something_changes(due: DueRegistry, tmp_path: Path) -> None:
    file, again = tmp_path / "due.ics", tmp_path / "again.ics"
    assert "due.ics: 6 entries" in due.run("calendar", "--out", file)
    due.run("calendar", "--out", again)
    before = entries(file)
    title = "Acme, P-0001 (URL-01): fix, verified by a re-test"
    extended = PlanExtended(
        at=NOW, actor="Cy", plan="P-0001", due=NOW.replace(month=7), reason="r", approver="Bea"
    )
    with open_session(due.path) as book:
        book.advance("P-0001", extended, supplier="Acme")
    due.run("calendar", "--out", file)

    assert before == entries(again)
    assert before[title][1] == "2026-05-31"
    assert entries(file)[title] == (before[title][0] + 1, "2026-07-02")


def test_a_suppliers_calendar_holds_nothing_of_another(due: DueRegistry, tmp_path: Path) -> None:
    file = tmp_path / "acme.ics"
    due.run("calendar", "--out", file, "--supplier", "acme")

    assert {title.partition(",")[0] for title in entries(file)} == {"Acme"}
    assert b"Beta" not in file.read_bytes()


def test_a_file_of_another_kind_is_not_replaced(due: DueRegistry) -> None:
    before = due.path.read_bytes()
    with pytest.raises(UsageError, match=r"ends in \.ics"):
        due.run("calendar", "--out", due.path)

    assert before == due.path.read_bytes()
