"""The book keeps only what may happen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from harness.cli.registry_session import open_session
from harness.errors import UsageError
from harness.follow.findings import draft_plan
from harness.model.action_plan import Finding
from harness.model.event import FindingOpened, PlanAgreed

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
FINDING = Finding(
    id="F-0001",
    campaign="spring",
    requirement="URL-01",
    title="Gambling is blocked",
    severity="Crit",
    scheme="becta-2008",
    scheme_version="1.0",
    profile="ks2",
    line="proxy",
    statement="",
    missed=("a",),
    categories=("GAMB",),
    sampled=60,
    opened=NOW,
)
OPENED = FindingOpened(at=NOW, actor="Ann", finding=FINDING)
DRAFTED = draft_plan(FINDING, at=NOW, actor="Ann")
AGREED = PlanAgreed(at=NOW, actor="Ann", plan="P-0001", owner="Acme", corrective_action="Mend")


def test_what_is_recorded_is_there_when_the_book_is_opened_again(tmp_path: Path) -> None:
    where = tmp_path / "registry.sqlite"
    with open_session(where, create=True) as book:
        book.record(OPENED, DRAFTED)
        after = book.record(AGREED)
        assert book.state is after

    with open_session(where) as again:
        assert again.state == after


def test_nothing_is_kept_of_what_may_not_happen(tmp_path: Path) -> None:
    where = tmp_path / "registry.sqlite"
    with open_session(where, create=True) as book:
        with pytest.raises(UsageError, match="is agreed: 'agree' is not possible"):
            book.record(OPENED, DRAFTED, AGREED, AGREED)
        assert book.state.events == 0

    with open_session(where) as again:
        assert again.state.events == 0


def test_two_who_write_at_once_do_not_overwrite_each_other(tmp_path: Path) -> None:
    where = tmp_path / "registry.sqlite"
    with open_session(where, create=True) as one, open_session(where, create=True) as other:
        one.record(OPENED)
        with pytest.raises(UsageError, match="somebody else changed it meanwhile"):
            other.record(OPENED)


class SlowClock:
    """A clock that is an hour behind the event."""

    def now(self) -> datetime:
        return NOW - timedelta(hours=1)

    def monotonic(self) -> float:
        return 0.0


def test_an_event_after_the_clocks_time_is_not_kept(tmp_path: Path) -> None:
    where = tmp_path / "registry.sqlite"
    with open_session(where, create=True, clock=SlowClock()) as book:
        with pytest.raises(
            UsageError, match=r"finding-opened: dated .* after this machine's clock"
        ):
            book.record(OPENED)
        assert book.state.events == 0
