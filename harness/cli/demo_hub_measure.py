"""The campaigns of ``accredit serve --demo`` that are measured, over simulated lines.

They are measured in a process of their own, beside that which simulates the older figures. It
prints the name of each campaign whose journal is complete.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, NamedTuple

from harness.cli.demo_hub_files import (
    DNS,
    GATEWAY,
    MONITORING,
    SCHEDULE,
    Behaviour,
    DemoService,
    campaign_text,
)
from harness.cli.demo_hub_story import FAULTY, FIXED, MEASURED, RETESTS_AFTER, Calendar
from harness.cli.drawing import silent
from harness.cli.measure import measure_prepared, prepare_in
from harness.cli.monitor_run import monitored, prepare_run
from harness.cli.printing import say_at_once
from harness.cli.simulated_clock import SimulatedClock
from harness.errors import InstrumentError
from harness.monitor.monitoring_file import read_monitoring
from harness.monitor.schedule import RunKey

SEED = "demonstration"
"""The seed of the samples of campaigns that are no runs of surveillance."""


class Extra(NamedTuple):
    """A campaign that is no run of surveillance: a re-test, or one of a soak period."""

    name: str
    service: DemoService
    site: str
    behaviour: Behaviour
    at: datetime

    @property
    def file(self) -> str:
        """The name of its campaign file."""
        return f"{self.name}.yaml"


def extras(calendar: Calendar) -> tuple[Extra, ...]:
    """The campaigns beside the runs of surveillance."""
    return (
        Extra(
            "gateway-retest", GATEWAY, "Dale High", FAULTY,
            calendar.after(43, hours=RETESTS_AFTER),
        ),
        Extra("gateway-soak", GATEWAY, "Dale High", FIXED, calendar.after(36, days=1)),
        Extra(
            "dns-retest", DNS, "Ashfield High", FAULTY,
            calendar.after(0, hours=RETESTS_AFTER),
        ),
    )  # fmt: skip


def write_campaigns(folder: Path, calendar: Calendar) -> None:
    """Write the campaign files: of each site, and those beside the runs of surveillance."""
    from harness.cli.demo_hub_files import SERVICES  # noqa: PLC0415 - of this function

    behaviours = {(service.name, site): how for service, site, how in MEASURED}
    for service in SERVICES:
        for site in service.sites:
            how = behaviours.get((service.name, site), FIXED)
            name = service.file_name(site)
            text = campaign_text(service, site, name.removesuffix(".yaml"), how)
            (folder / name).write_text(text, encoding="utf-8")
    fixed = campaign_text(GATEWAY, "Dale High", "gateway-fixed", FIXED, SEED)
    (folder / "gateway-fixed.yaml").write_text(fixed, encoding="utf-8")
    for extra in extras(calendar):
        text = campaign_text(extra.service, extra.site, extra.name, extra.behaviour, SEED)
        (folder / extra.file).write_text(text, encoding="utf-8")


def measure_all(folder: Path, out: Path, calendar: Calendar) -> Iterator[str]:
    """Measure the campaigns, and give the name of each once its journal is complete."""
    declared = read_monitoring(folder / "monitoring.yaml")
    for extra in extras(calendar):
        prepared = prepare_in(folder / extra.file, out)
        measure_prepared(prepared, out, silent(), SimulatedClock(extra.at))
        yield extra.name
    for service, site, _ in MEASURED:
        key = RunKey(MONITORING, service.name, site, SCHEDULE, calendar.due(0))
        prepared = prepare_run(monitored(declared, key.text, out))
        measure_prepared(prepared, out, silent(), SimulatedClock(calendar.after(0, hours=0.1)))
        yield prepared.campaign.campaign


class Measuring:
    """The process that measures; made by ``measuring``."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._done: set[str] = set()

    def wait_for(self, name: str) -> None:
        """Wait until a campaign was measured. Raises InstrumentError if it was not."""
        lines: IO[str] | None = self._process.stdout
        assert lines is not None  # a pipe
        while name not in self._done:
            if not (line := lines.readline()):
                msg = f"the demonstration's campaign {name} could not be measured"
                raise InstrumentError(msg)
            self._done.add(line.strip())


@contextmanager
def measuring(folder: Path, out: Path, calendar: Calendar) -> Iterator[Measuring]:
    """Measure in a process of its own; it is stopped at the end of the context."""
    command = [sys.executable, "-m", "harness.cli.demo_hub_measure"]
    command += [str(folder), str(out), calendar.last.isoformat()]
    with subprocess.Popen(  # noqa: S603 - our own
        command, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Measuring(process)
        except BaseException:
            process.kill()
            raise


if __name__ == "__main__":
    for done in measure_all(
        Path(sys.argv[1]), Path(sys.argv[2]), Calendar(datetime.fromisoformat(sys.argv[3]))
    ):
        say_at_once(str(done))
