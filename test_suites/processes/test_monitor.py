"""``accredit monitor`` as a process: exit codes, and runs that are stopped or killed."""

from __future__ import annotations

import os
import signal
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from harness.cli.monitor_history import History, whole_history
from harness.cli.registry_session import open_session, place_of
from harness.model.observation import CONTROL
from harness.store.journal.journal import open_journal
from test_suites.kit.campaigns.monitored_service import (
    DRUGS,
    SERVICE,
    SUPPLIER,
    MonitoredService,
)
from test_suites.kit.processes.running import HALF_WAY, accredit

SITE = "Hill School"
DUE = datetime(2026, 3, 2, 6, 15, tzinfo=UTC)

AT = """
from datetime import datetime, timedelta
from harness.cli import monitor, monitor_alarms, monitor_retest, monitor_status
from harness.ports.storage import WallClock
class Set(WallClock):
    def now(self):
        return datetime.fromisoformat("{at}")
for module in (monitor, monitor_alarms, monitor_retest, monitor_status):
    module.clock = Set()
"""
"""Sets the clock of the commands."""

BEFORE_THE_RECORD = """
from harness.cli import monitor_run
def record(*words, **more):
    {action}
monitor_run.record_run = record
"""
"""Does something once a run is measured and before it is recorded."""


class Watched:
    """A service that is monitored at one site, by processes."""

    def __init__(self, folder: Path) -> None:
        self.service = MonitoredService(folder=folder / "files", sites=(SITE,))
        self.out = folder / "out"

    def give(self, verb: str, at: datetime = DUE, before: str = "") -> tuple[int, str, str]:
        """Give a command at a time; its exit code, and what it said."""
        ended = accredit(
            "monitor", verb, self.service.file, "--out", self.out,
            before=AT.format(at=at.isoformat()) + before,
        )  # fmt: skip
        assert "Traceback" not in ended.stderr
        return ended.returncode, ended.stdout, ended.stderr

    def history(self) -> History:
        """What is recorded."""
        with (
            open_session(self.out / "registry.sqlite") as session,
            session.registry.reading(place_of(SUPPLIER).stream) as access,
        ):
            return whole_history(access, "acme", SERVICE)

    def tries(self) -> Counter[str]:
        """How often each item was tried on the service, in all campaigns."""
        found: Counter[str] = Counter()
        for folder in self.out.glob("*/journal"):
            journal = open_journal(folder)
            journal.verify()
            seen = [one for one in journal.observations() if one.role == "item"]
            found.update(one.item.value for one in seen if one.key.line != CONTROL)
            journal.close()
        return found


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    watched = Watched(tmp_path)
    watched.service.write()
    assert 0 == watched.give("once", DUE - timedelta(hours=6))[0]
    return watched


def test_exit_codes_say_what_needs_attention(watched: Watched) -> None:
    assert 0 == watched.give("check")[0]
    assert 0 == watched.give("once")[0]
    assert 0 == watched.give("status")[0]
    watched.service.behave(SITE, len(DRUGS))
    assert 3 == watched.give("once", DUE + timedelta(days=1))[0]
    assert 3 == watched.give("status", DUE + timedelta(days=1))[0]
    watched.service.change(SITE, service={"name": "Other Net", "supplier": SUPPLIER})
    code, said, told = watched.give("check")
    assert (2, "") == (code, said)
    assert "measures service 'Other Net'" in told
    assert 1 == len(told.splitlines())


@pytest.mark.parametrize(
    "moment", [HALF_WAY, BEFORE_THE_RECORD], ids=["half way", "before the record"]
)
@pytest.mark.parametrize("name", ["SIGINT", "SIGKILL"])
def test_a_stopped_run_resumes_and_is_recorded_once(
    watched: Watched, moment: str, name: str
) -> None:
    number = signal.Signals[name]
    watched.service.change(SITE, limits={"concurrency": 20, "batch": 20})
    action = f"os.kill(os.getpid(), {int(number)}); signal.sigpending()"

    code, _, told = watched.give("once", before=moment.format(action=action))

    assert code in (-signal.SIGKILL, 128 + number), told
    (going,) = watched.history().going
    assert not watched.history().runs
    held = watched.tries()
    assert held, "something was measured"
    assert 0 == watched.give("once", DUE + timedelta(minutes=20))[0]
    assert 0 == watched.give("once", DUE + timedelta(minutes=25))[0]
    (run,) = watched.history().runs
    assert ("measured", going.campaign) == (run.result, run.campaign)
    assert not watched.history().going
    assert [going.campaign] == [each.parent.name for each in watched.out.glob("*/journal")]
    tried = watched.tries()
    assert held <= tried, "nothing that was measured is lost"
    assert {1} == set(tried.values()), "nothing was tried twice"


def test_a_second_process_is_refused_while_one_carries_out_runs(watched: Watched) -> None:
    second = (
        "import subprocess; from harness.cli.monitor_run import record_run as really\n"
        "def record(*words, **more):\n"
        "    import sys\n"
        f"    code = subprocess.run([sys.executable, '-m', 'harness.cli.process', 'monitor', 'once',"
        f" {os.fspath(watched.service.file)!r}, '--out', {os.fspath(watched.out)!r}],"
        " stdin=subprocess.DEVNULL, capture_output=True).returncode\n"
        "    print('the second ended with', code)\n"
        "    return really(*words, **more)\n"
        "from harness.cli import monitor_run\n"
        "monitor_run.record_run = record\n"
    )

    code, said, _ = watched.give("once", before=second)

    assert 0 == code
    assert "the second ended with 2" in said
    assert 1 == len(watched.history().runs)
