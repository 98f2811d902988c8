"""The hub's time on a device whose own clock is wrong, and what is recorded of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cli import hub_clock
from harness.cli.hub_clock import HubClock, clock_from, clock_left, keep_clock
from harness.errors import UsageError
from harness.fleet.signed_time import ClockReading
from harness.model.instrument_record import DRIFT, ClockState
from harness.monitor.schedule import RunKey
from harness.store.journal.journal import open_journal
from test_suites.kit.campaigns.monitored_service import BEGAN, SERVICE
from test_suites.unit.harness.cli.monitor_desk import Desk

SITE = "Hill School"
YEAR = 365 * 86400.0
HUBS = datetime(2026, 3, 2, 6, 15, tzinfo=UTC)


class Device:
    """The clocks of a device: the system's, which may be set, and one that is not."""

    def __init__(self, system: datetime, since_start: float = 1000.0) -> None:
        self.system, self.since_start = system, since_start

    def passes(self, seconds: float) -> None:
        """Let time pass on both."""
        self.system += timedelta(seconds=seconds)
        self.since_start += seconds

    def clock(self, offset: float, bound: float = 0.01) -> HubClock:
        """The clock of a reading that is taken now."""
        return HubClock.of(
            ClockReading(offset, bound, self.since_start),
            monotonic=lambda: self.since_start,
            steady=lambda: self.since_start,
            system=lambda: self.system,
        )


@given(
    offset=st.floats(-2 * YEAR, 2 * YEAR),
    passed=st.floats(0, 90 * 86400),
    step=st.floats(-2 * YEAR, 2 * YEAR),
)
def test_it_tells_the_hubs_time_though_the_systems_clock_is_wrong_and_is_set(
    offset: float, passed: float, step: float
) -> None:
    device = Device(HUBS - timedelta(seconds=offset))
    clock = device.clock(offset)
    device.passes(passed)
    device.system += timedelta(seconds=step)

    wrong_by = (clock.now() - HUBS).total_seconds() - passed

    assert abs(wrong_by) < 0.001
    assert clock.offset == pytest.approx(offset - step, abs=0.01)


def test_its_age_and_its_largest_error_grow() -> None:
    device = Device(HUBS)
    clock = device.clock(0.0, bound=0.25)
    assert (0.0, 0.25) == (clock.age, clock.bound)

    device.passes(2000)

    assert clock.age == 2000
    assert clock.bound == pytest.approx(0.25 + 2000 * DRIFT)
    state = clock.state()
    assert (0.0, clock.bound, 2000) == (state.offset, state.bound, state.hub_age)
    assert not state.is_exact, "after 2,000 seconds it may be wrong by more than a second"
    assert "by the hub's time, read 2000 s before" in state.description


def test_another_process_goes_on_with_the_same_clock(tmp_path: Path) -> None:
    reading = ClockReading(-YEAR, 0.02, monotonic() - 5)
    clock = HubClock.of(reading)
    keep_clock(clock, tmp_path / "clock.json")

    other = clock_from(tmp_path / "clock.json")

    assert abs(other.now() - clock.now()) < timedelta(seconds=5)
    assert other.offset == pytest.approx(-YEAR, abs=5)
    assert 5 <= other.age < 600
    assert other.bound >= 0.02


@pytest.mark.parametrize("change", ["another start", "a later moment"])
def test_a_time_from_before_the_device_was_started_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    path = tmp_path / "clock.json"
    keep_clock(HubClock.of(ClockReading(1.0, 0.02, monotonic())), path)
    assert clock_left(path) is not None
    if change == "another start":
        monkeypatch.setattr(hub_clock, "_boot", lambda: "another")
    else:
        monkeypatch.setattr(hub_clock, "steady", lambda: 0.0)

    with pytest.raises(UsageError, match="was started again since the hub's time was read"):
        clock_from(path)
    assert clock_left(path) is None


def test_a_time_that_was_left_is_not_used_where_nobody_knows_whether_the_device_was_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_clock, "_boot", lambda: "")
    path = tmp_path / "clock.json"
    keep_clock(HubClock.of(ClockReading(1.0, 0.02, monotonic())), path)

    assert clock_left(path) is None
    assert clock_from(path).offset == pytest.approx(1.0, abs=5), "a run of this agent uses it"


DAMAGED = {
    "empty": b"",
    "cut off": b'{"at":"2026-03-02T06:15:00Z","bou',
    "no UTF-8": b'{"at":"2026-03-02T06:15:00Z","bound":1,"steady":1,"boot":"\xff"}',
    "nested": b"[" * 900,
    "too large": b" " * 2000,
    "without an offset from UTC": b'{"at":"2026-03-02T06:15:00","bound":1,"steady":1,"boot":""}',
    "a negative error": b'{"at":"2026-03-02T06:15:00Z","bound":-1,"steady":1,"boot":""}',
    "not a number": b'{"at":"2026-03-02T06:15:00Z","bound":NaN,"steady":1,"boot":""}',
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_refused_in_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "clock.json"
    path.write_bytes(content)

    with pytest.raises(UsageError, match="the hub's time cannot be read") as refused:
        clock_from(path)
    assert str(refused.value).startswith(str(path))
    assert 1 == len(str(refused.value).splitlines())
    assert clock_left(path) is None


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        clock_from(tmp_path / "clock.json")


def test_a_run_by_the_hubs_time_is_dated_by_it_and_says_how_old_that_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(tmp_path, monkeypatch, sites=(SITE,))
    desk.clock.at = BEGAN + timedelta(days=365)  # what the commands take for the system's
    path = tmp_path / "clock.json"
    due = BEGAN + timedelta(hours=6, minutes=15)
    begun = hub_clock.steady()
    keep_clock(HubClock(due + timedelta(seconds=30), 0.02, begun), path)
    key = RunKey("acme", SERVICE, SITE, "daily", due).text

    desk.service.write()

    ended = desk.accredit(
        "monitor", "carry-out", desk.service.file, "--key", key, "--out", desk.out,
        "--clock-file", path,
    )  # fmt: skip

    assert 0 == ended.code, ended.said
    longest = timedelta(seconds=hub_clock.steady() - begun + 30)
    (run,) = desk.history().runs
    assert "measured" == run.result
    assert run.begun is not None
    assert due <= run.begun <= run.at <= due + longest
    (folder,) = desk.out.glob("*/journal")
    journal = open_journal(folder)
    journal.verify()
    (record,) = journal.instrument_records()
    times = [one.started for one in journal.observations()]
    journal.close()
    assert due <= record.at <= due + longest
    assert due <= min(times) <= max(times) <= due + longest
    assert isinstance(record.clock.hub_age, float)
    assert 0 <= record.clock.hub_age <= longest.total_seconds()
    assert record.clock.bound is not None
    assert 0.02 <= record.clock.bound <= 0.02 + DRIFT * longest.total_seconds()


def test_a_clock_of_the_kernel_is_written_as_before() -> None:
    """The hash chain of a journal covers the text, so that a new field must not appear."""
    encoded = msgspec.json.encode(ClockState(offset=0.0, bound=0.1))

    assert b'{"offset":0.0,"bound":0.1,"problem":""}' == encoded
    assert msgspec.UNSET is msgspec.json.decode(encoded, type=ClockState).hub_age
