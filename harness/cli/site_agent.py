"""The agent of a site: follows the hub's time and orders, measures by them, and sends results.

It is the planner of a driver (``harness.cli.monitor_jobs.Work``), which asks it every minute. Each
time it does what is due beside measuring: it reads the clock, asks the hub, tries the sentinels,
and sends what waits. No trouble with the hub ends it or stops its measuring.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from harness.cli.agent_home import AgentHome
from harness.cli.agent_orders import AgentOrders
from harness.cli.agent_results import hand_over_runs
from harness.cli.hub_clock import HubClock, keep_reading
from harness.cli.monitor_jobs import Job
from harness.cli.monitor_plan import Planned, Surveillance
from harness.cli.printing import say_at_once, warn
from harness.errors import HarnessError, UsageError
from harness.fleet.messages import (
    AgentStatus,
    ClockReport,
    Enrol,
    Poll,
    Polled,
    Refused,
    SentinelBracket,
    Update,
    UplinkReport,
)
from harness.monitor.monitoring_file import MonitoringFile, read_monitoring
from probes.agent.run_spool import RunSpool
from probes.agent.uplink import HubUplink

ASK_EVERY = timedelta(minutes=5)
CLOCK_EVERY = timedelta(minutes=15)
BRACKET_EVERY = timedelta(minutes=15)
BRACKET_PATIENCE = 600.0
"""Seconds that trying the sentinels of a campaign may take."""

SHOWN = 300
"""How many characters of a trouble are told."""


class AgentState(NamedTuple):
    """Where an agent stands, for the hub and for its own page."""

    clock: HubClock | None = None
    asked: datetime | None = None
    uplink: UplinkReport | None = None
    brackets: tuple[SentinelBracket, ...] = ()
    waiting: int = 0
    trouble: str = ""
    planned: tuple[Planned, ...] = ()
    update: Update | None = None
    is_revoked: bool = False


class SiteAgent:
    """The agent of a site, enrolled at a hub.

    ``fetch_update`` fetches an offered version into a folder. ``stop`` is set when the hub has
    revoked the agent.
    """

    def __init__(
        self,
        home: AgentHome,
        out: Path,
        uplink: HubUplink,
        spool: RunSpool,
        stop: threading.Event,
        fetch_update: Callable[[Update], Path],
    ) -> None:
        self.home, self.out = home, out
        self._uplink, self._spool, self._stop = uplink, spool, stop
        self._fetch_update = fetch_update
        self._orders = AgentOrders(home.orders)
        self._surveillance: Surveillance | None = None
        self._said = ""
        self.state = AgentState()

    def due(self, now: datetime) -> Sequence[Job]:
        """The runs to begin or to resume; ``now`` is the system's time, right or wrong."""
        del now
        if self.state.is_revoked:
            return ()
        troubles = [self._follow_clock()]
        clock = self.state.clock
        if clock is None:
            self._tell("; ".join(filter(None, troubles)))
            return ()
        troubles += [
            self._hand_over(clock),
            self._send(),
            self._ask(clock),
            self._try_sentinels(clock),
        ]
        jobs = self._planned(clock, troubles)
        self._tell("; ".join(filter(None, troubles)))
        return jobs

    def command(self, key: str) -> list[str]:
        """The command line that carries out a run by the hub's clock."""
        surveillance = self._require_orders()
        return [*surveillance.command(key), "--clock-file", str(self.home.clock)]

    def declared(self) -> MonitoringFile | None:
        """What is measured, or ``None`` without an order."""
        path = self._orders.monitoring
        return read_monitoring(path) if path is not None else None

    def _tell(self, trouble: str) -> None:
        """Print a trouble once."""
        if trouble and trouble != self._said:
            warn(trouble)
        elif self._said and not trouble:
            say_at_once("the hub is reached again, and nothing is in the way")
        self._said = trouble
        self.state = self.state._replace(trouble=trouble[:SHOWN])

    def _follow_clock(self) -> str:
        """Read the hub's time if it is old. Without any reading nothing is measured."""
        clock = self.state.clock
        if clock is not None and clock.age < CLOCK_EVERY.total_seconds():
            return ""
        try:
            reading = self._uplink.read_clock()
        except HarnessError as error:
            missing = "" if clock is not None else "; nothing is measured until the time is known"
            return f"the time is not read: {error}{missing}"
        keep_reading(reading, self.home.clock)
        self.state = self.state._replace(clock=HubClock(reading))
        return ""

    def _hand_over(self, clock: HubClock) -> str:
        declared = self.declared()
        if declared is None:
            return ""
        try:
            hand_over_runs(declared, self.home, self.out, self._spool, clock)
        except HarnessError as error:
            return f"results are not handed over: {error}"
        return ""

    def _send(self) -> str:
        try:
            delivery = self._spool.deliver(self._uplink)
        except HarnessError as error:
            return f"results are not sent: {error}"
        self.state = self.state._replace(waiting=delivery.waiting)
        return f"results wait: {delivery.trouble}" if delivery.trouble else ""

    def _ask(self, clock: HubClock) -> str:
        """Tell the hub where the agent stands, and take what it answers."""
        asked = self.state.asked
        if asked is not None and clock.now() - asked < ASK_EVERY:
            return ""
        try:
            answer = self._uplink.ask(Poll(status=self._status(clock), serial=self._orders.serial))
        except HarnessError as error:
            return f"the hub is not reached: {error}"
        self.state = self.state._replace(asked=clock.now(), uplink=self._uplink.report)
        if isinstance(answer, Refused):
            return self._refused(answer)
        if not isinstance(answer, Polled):
            return f"the hub gave an answer of another kind ({type(answer).__name__})"
        return self._take(answer)

    def _status(self, clock: HubClock) -> AgentStatus:
        offset = clock.reading.offset
        return AgentStatus(
            version=version("isp-accredit"),
            clock=ClockReport(offset=offset, bound=clock.bound, age=clock.age),
            uplink=self._uplink.report,
            brackets=self.state.brackets,
            waiting=self.state.waiting,
            trouble=self._said[:SHOWN],
        )

    def _refused(self, answer: Refused) -> str:
        if answer.reason == "revoked":
            self._orders.remove()
            self._surveillance = None
            self.state = self.state._replace(is_revoked=True, planned=())
            self._stop.set()
            return f"the hub has revoked this agent: {answer.words}; nothing more is measured"
        return f"the hub refuses this agent: {answer.words}"

    def _take(self, answer: Polled) -> str:
        troubles = []
        if answer.order is not None:
            try:
                self._orders.install(answer.order)
                self._surveillance = None
                say_at_once(f"order {answer.order.serial} of the hub is in force")
            except HarnessError as error:
                troubles.append(f"order {answer.order.serial} is not taken: {error}")
        if answer.update is not None and answer.update != self.state.update:
            try:
                path = self._fetch_update(answer.update)
                say_at_once(f"version {answer.update.version} is offered: pip install {path}")
                self.state = self.state._replace(update=answer.update)
            except HarnessError as error:
                troubles.append(f"version {answer.update.version} is not fetched: {error}")
        return "; ".join(troubles)

    def _planned(self, clock: HubClock, troubles: list[str]) -> Sequence[Job]:
        try:
            surveillance = self._require_orders()
            self.state = self.state._replace(planned=surveillance.planned(clock.now()))
            ahead = surveillance.due(clock.now())
        except HarnessError as error:
            troubles.append(str(error))
            return ()
        correction = timedelta(seconds=clock.reading.offset)
        return [job._replace(start=job.start - correction) for job in ahead]

    def _require_orders(self) -> Surveillance:
        """The planner of the order that counts. Raises UsageError if there is none."""
        path, clock = self._orders.monitoring, self.state.clock
        if path is None or clock is None:
            msg = "no order of the hub yet; it comes with the next answer"
            raise UsageError(msg)
        if self._surveillance is None or self._surveillance.path != path:
            self._surveillance = Surveillance(path, self.out, clock)
        return self._surveillance

    def _try_sentinels(self, clock: HubClock) -> str:
        """Try the sentinels of each schedule now and then, in a process of its own."""
        brackets = self.state.brackets
        if brackets and clock.now() - brackets[0].at < BRACKET_EVERY:
            return ""
        declared = self.declared()
        if declared is None:
            return ""
        found = tuple(
            self._bracket(declared, schedule.name, clock) for _, schedule in declared.schedules()
        )
        self.state = self.state._replace(brackets=found)
        failed = [each for each in found if not each.held]
        return f"the sentinels of {failed[0].schedule} fail: {failed[0].failed}" if failed else ""

    def _bracket(self, declared: MonitoringFile, schedule: str, clock: HubClock) -> SentinelBracket:
        words = ["monitor", "bracket", str(declared.path), "--schedule", schedule]
        try:
            ended = subprocess.run(  # noqa: S603 - our own command
                [sys.executable, "-m", "harness.cli.process", *words, "--out", str(self.out)],
                capture_output=True,
                text=True,
                timeout=BRACKET_PATIENCE,
                check=False,
            )
            told = json.loads(ended.stdout) if ended.returncode == 0 else {}
            failed = str(told.get("failed", "")) if told else ended.stderr.strip()[-SHOWN:]
            is_held = bool(told) and not failed
        except (OSError, ValueError, subprocess.TimeoutExpired) as error:
            is_held, failed = False, f"the sentinels could not be tried: {error}"
        return SentinelBracket(
            schedule=schedule, at=clock.now(), held=is_held, failed=failed[:SHOWN]
        )


def enrol_message(token: str) -> Enrol:
    """The message that enrols this device with a token."""
    return Enrol(token=token, version=version("isp-accredit"), platform=platform.platform()[:200])
