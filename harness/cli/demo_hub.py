"""Make the hub of ``accredit serve --demo``: two suppliers, three services, two years that end now.

The registry is made by the functions that real use calls. The figures of most campaigns are
simulated (``harness.cli.demo_hub_figures``); a few of each service are measured over simulated
lines, so that their items and observations can be looked at. All of it says that it is made up.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from harness.cli.demo_hub_agents import make_agents
from harness.cli.demo_hub_events import play_brightwater, play_northgate
from harness.cli.demo_hub_figures import SEED
from harness.cli.demo_hub_files import EDITIONS, scheme_text, write_files
from harness.cli.demo_hub_measure import measuring, write_campaigns
from harness.cli.demo_hub_play import Stage, earlier_scheme
from harness.cli.demo_hub_story import WEEKS, Calendar
from harness.cli.hub_file import TEMPLATE, make_hub
from harness.cli.paths import registry_variables
from harness.cli.registry_session import open_session
from harness.cli.simulated_clock import SimulatedClock
from harness.errors import InstrumentError
from harness.monitor.monitoring_file import read_monitoring

KILLED_WITHIN, LOOK_EVERY = 100, 0.02
"""How often, and after how many seconds each, it is looked whether killed processes are gone."""

USER = "accredit-demo"
"""Who is named as the user of commands in the events of the demonstration."""


def make_demo_hub(folder: Path, now: datetime, *, port: int = 0, seed: str = SEED) -> None:
    """Make the folder of a hub with a story that ends ``now``. It takes about ten seconds.

    The same ``seed`` gives the same figures, but for those that are measured. Raises UsageError if
    there is a hub in the folder.
    """
    calendar = Calendar.until(now)
    values = {
        "monitoring": '"monitoring.yaml"',
        "out": '"out"',
        "url": f'"http://127.0.0.1:{port}"' if port else '"http://127.0.0.1"',
        "listen": f'"127.0.0.1:{port}"',
        "certificates": "[]",
        "key": "null",
    }
    make_hub(folder, TEMPLATE.format(**values))
    write_files(folder, calendar.last)
    (folder / earlier_scheme()).write_text(scheme_text(min(EDITIONS)), encoding="utf-8")
    write_campaigns(folder, calendar)
    with own_environment():
        _play(folder, now, calendar, seed)


def make_apart(folder: Path, now: datetime, port: int) -> None:
    """Make the folder of a hub in a process of its own, whose memory is free again afterwards.

    Nothing of it runs on when this returns or is stopped. Raises InstrumentError if it failed.
    """
    command = [sys.executable, "-m", "harness.cli.demo_hub"]
    command += [str(folder), now.isoformat(), str(port)]
    stops = {signal.SIGINT, signal.SIGTERM}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, stops)  # until the process can be killed
    with subprocess.Popen(command, start_new_session=True) as process:  # noqa: S603 - our own
        try:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            code = process.wait()
        except BaseException:
            _kill_group(process)
            raise
    if code:
        msg = f"{folder}: the demonstration could not be made; what is above says why"
        raise InstrumentError(msg)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and those that it started, and wait until they are gone."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for _ in range(KILLED_WITHIN):
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return
        time.sleep(LOOK_EVERY)


def _play(folder: Path, now: datetime, calendar: Calendar, seed: str) -> None:
    """Play the story in the registry of a hub."""
    out, clock = folder / "out", SimulatedClock(now)
    declared = read_monitoring(folder / "monitoring.yaml")
    out.mkdir()
    with (
        measuring(folder, out, calendar) as measured,
        open_session(
            out / "registry.sqlite", create=True, clock=clock, has_accounts=True
        ) as session,
    ):
        agents = make_agents(session, clock, declared, calendar)
        for play in (play_brightwater, play_northgate):
            clock.at = calendar.after(WEEKS)
            stage = Stage(folder, out, session, clock, declared, calendar, agents, measured, seed)
            play(stage)


@contextmanager
def own_environment() -> Iterator[None]:
    """Name no registry but that of the hub's folder, and a placeholder as the user."""
    names = (*registry_variables(), "LOGNAME")
    before = {name: os.environ.pop(name) for name in names if name in os.environ}
    os.environ["LOGNAME"] = USER
    try:
        yield
    finally:
        os.environ.pop("LOGNAME")
        os.environ.update(before)


if __name__ == "__main__":
    place, ends, at_port = sys.argv[1:]
    make_demo_hub(Path(place), datetime.fromisoformat(ends), port=int(at_port))
