"""The agent of a site: follows the hub's time and orders, measures by them, and sends results.

It is the planner of a driver (``harness.cli.monitor_jobs.Work``), which asks it every minute. Each
time it does what is due beside measuring: it reads the clock, asks the hub, tries the sentinels,
and sends what waits. No trouble with the hub ends it or stops its measuring.
"""

from __future__ import annotations

import platform
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from time import monotonic
from typing import NamedTuple

from harness import VERSION
from harness.cli.agent_home import AgentHome
from harness.cli.agent_orders import AgentOrders
from harness.cli.agent_results import hand_over_runs
from harness.cli.bracket_process import bracket_fault, bracket_words
from harness.cli.hub_clock import HubClock, clock_left, keep_clock
from harness.cli.monitor_jobs import Job
from harness.cli.monitor_plan import Planned, Surveillance
from harness.cli.printing import say_at_once, warn
from harness.errors import HarnessError, UsageError
from harness.fleet.messages import (
    AgentStatus,
    ClockReport,
    Enrol,
    Invitation,
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


News = tuple[UplinkReport | None, tuple[tuple[str, bool, str], ...]]
"""What the hub is told at once if it changes: the way to it, and what became of the sentinels."""


class Trouble(NamedTuple):
    """A trouble in words, and its cause: what is told once, though several steps meet it."""

    words: str
    cause: str

    @classmethod
    def of(cls, words: str, error: object) -> Trouble:
        """The trouble of an error, after which words are added."""
        return cls(f"{words}: {error}", str(error))

    @property
    def known_by(self) -> str:
        """The cause without numbers, which differ from time to time."""
        return re.sub(r"\d+", "", self.cause or self.words)


class SiteAgent:
    """The agent of a site, enrolled at a hub.

    ``fetch_update`` fetches an offered version into a folder. ``stop`` is set when the hub has
    revoked the agent. ``aside`` carries out what takes long, so that runs begin meanwhile; by
    default in a thread.
    """

    def __init__(
        self,
        home: AgentHome,
        out: Path,
        uplink: HubUplink,
        spool: RunSpool,
        stop: threading.Event,
        fetch_update: Callable[[Update], Path],
        aside: Callable[[Callable[[], None]], None] | None = None,
    ) -> None:
        self.home, self.out = home, out
        self._uplink, self._spool, self._stop = uplink, spool, stop
        self._fetch_update = fetch_update
        self._aside, self._is_trying = aside or _in_thread, False
        self._brackets: tuple[SentinelBracket, ...] = ()  # the only thing that another thread sets
        self._orders = AgentOrders(home.orders)
        self._surveillance: Surveillance | None = None
        self._told: tuple[str, ...] = ()
        self._answered: tuple[Trouble, ...] = ()
        self._reported: News | None = None
        self.state = AgentState(clock=clock_left(home.clock))

    def due(self, now: datetime) -> Sequence[Job]:
        """The runs to begin or to resume; ``now`` is the system's time, right or wrong."""
        if self._is_revoked():
            return ()
        troubles: list[Trouble] = []
        is_reached = self._follow_clock(troubles)
        clock = self.state.clock
        if clock is None:
            self._tell(troubles)
            return ()
        is_reached = is_reached and self._ask(clock, troubles)
        if self._is_revoked():
            self._tell(troubles)
            return ()
        self._hand_over(clock, troubles)
        self._send(troubles, is_reached=is_reached)
        self._try_sentinels(clock, troubles)
        jobs = self._planned(clock, now, troubles)
        self._tell(troubles)
        return jobs

    def _is_revoked(self) -> bool:
        return self.state.is_revoked

    def command(self, key: str) -> list[str]:
        """The command line that carries out a run by the hub's clock."""
        surveillance = self._require_orders()
        return [*surveillance.command(key), "--clock-file", str(self.home.clock)]

    def declared(self) -> MonitoringFile | None:
        """What is measured, or ``None`` without an order. Raises UsageError for a damaged one."""
        path = self._orders.monitoring
        return read_monitoring(path) if path is not None else None

    def _tell(self, troubles: Sequence[Trouble]) -> None:
        """Print each trouble once, and when all are over."""
        for each in troubles:
            if not each.known_by.startswith(("\0", *self._told)):
                warn(each.words)
                self._told = (*self._told, each.known_by)
        if self._told and not troubles:
            say_at_once("the hub is reached, and nothing is in the way any more")
            self._told = ()
        once = {each.cause: each.words for each in reversed(troubles)}
        self.state = self.state._replace(trouble="; ".join(reversed(once.values()))[:SHOWN])

    def _follow_clock(self, troubles: list[Trouble]) -> bool:
        """Read the hub's time if it is old; return whether the hub is reached, if it was asked.

        Without any reading nothing is measured.
        """
        clock = self.state.clock
        if clock is not None and clock.age < CLOCK_EVERY.total_seconds():
            return True
        try:
            reading = self._uplink.read_clock()
        except HarnessError as error:
            missing = "" if clock is not None else "; nothing is measured until the time is known"
            troubles.append(Trouble(f"the hub's time is not read: {error}{missing}", str(error)))
            return False
        clock = HubClock.of(reading)
        try:
            keep_clock(clock, self.home.clock)
        except HarnessError as error:  # runs would be dated by no clock
            troubles.append(Trouble.of("the hub's time is not kept", error))
        else:
            self.state = self.state._replace(clock=clock)
        return True

    def _hand_over(self, clock: HubClock, troubles: list[Trouble]) -> None:
        try:
            declared = self.declared()
            if declared is None:
                return
            places = self._orders.places()
            hand_over_runs(declared, self.home, self.out, self._spool, clock, places)
        except HarnessError as error:
            troubles.append(Trouble.of("results are not handed over", error))

    def _send(self, troubles: list[Trouble], *, is_reached: bool) -> None:
        """Send what waits, unless the hub is not reached now; count what waits."""
        try:
            if not is_reached:
                self.state = self.state._replace(waiting=len(self._spool.waiting()))
                return
            delivery = self._spool.deliver(self._uplink)
        except HarnessError as error:
            troubles.append(Trouble.of("results are not sent", error))
            return
        self.state = self.state._replace(waiting=delivery.waiting)
        if delivery.trouble:
            troubles.append(Trouble.of("results wait", delivery.trouble))

    def _ask(self, clock: HubClock, troubles: list[Trouble]) -> bool:
        """Tell the hub where the agent stands, and take what it answers.

        That is done every five minutes, and at once when the way to the hub, or whether the
        sentinels hold, is not as the agent said last. Returns whether the hub is reached, if it
        was asked. A trouble with its answer lasts until the next one.
        """
        asked, news = self.state.asked, self._news()
        is_recent = asked is not None and timedelta(0) <= clock.now() - asked < ASK_EVERY
        if is_recent and news == self._reported:
            troubles += self._answered
            return True
        try:
            poll = Poll(status=self._status(clock), serial=self._serial())
            answer = self._uplink.ask(poll)
        except HarnessError as error:
            troubles.append(Trouble.of("the hub is not reached", error))
            return False
        self._reported = news
        self.state = self.state._replace(asked=clock.now(), uplink=self._uplink.report)
        match answer:
            case Refused():
                self._answered = (self._refused(answer),)
            case Polled():
                self._answered = tuple(self._take(answer))
            case _:
                kind = type(answer).__name__
                self._answered = (Trouble.of("the hub gave an answer of another kind", kind),)
        troubles += self._answered
        return True

    def _news(self) -> News:
        brackets = ((each.schedule, each.held, each.failed) for each in self.state.brackets)
        return self._uplink.report, tuple(brackets)

    def _serial(self) -> int:
        """The number of the order in force; 0 if what says it is damaged, which is told apart."""
        try:
            return self._orders.serial
        except UsageError:
            return 0

    def _status(self, clock: HubClock) -> AgentStatus:
        return AgentStatus(
            version=VERSION,
            clock=ClockReport(offset=clock.offset, bound=clock.bound, age=clock.age),
            uplink=self._uplink.report,
            brackets=self.state.brackets,
            waiting=self.state.waiting,
            trouble=self.state.trouble,
        )

    def _refused(self, answer: Refused) -> Trouble:
        if answer.reason == "revoked":
            self._orders.remove()
            self._surveillance = None
            self.state = self.state._replace(is_revoked=True, planned=(), brackets=())
            self._stop.set()
            words = f"the hub has revoked this agent: {answer.words}; nothing more is measured"
            return Trouble(words, answer.words)
        return Trouble.of("the hub refuses this agent", answer.words)

    def _take(self, answer: Polled) -> Iterator[Trouble]:
        """Let an order count, and fetch a version that is offered; gives what is in the way."""
        if answer.order is not None:
            try:
                self._orders.install(answer.order)
                self._surveillance = None
                self.state = self.state._replace(brackets=())
                say_at_once(f"order {answer.order.serial} of the hub is in force")
            except HarnessError as error:
                words = f"order {answer.order.serial} of the hub is not taken"
                yield Trouble.of(words, error)
        if answer.update is not None and answer.update != self.state.update:
            try:
                path = self._fetch_update(answer.update)
                say_at_once(f"version {answer.update.version} is offered: pip install {path}")
                self.state = self.state._replace(update=answer.update)
            except HarnessError as error:
                yield Trouble.of(f"version {answer.update.version} is not fetched", error)

    def _planned(self, clock: HubClock, now: datetime, troubles: list[Trouble]) -> Sequence[Job]:
        """The runs to begin; their starts are on the system's clock, by which they are begun."""
        try:
            surveillance = self._require_orders()
            self.state = self.state._replace(planned=surveillance.planned(clock.now()))
            ahead = surveillance.due(clock.now())
        except HarnessError as error:
            self.state = self.state._replace(planned=())
            troubles.append(Trouble(str(error), str(error)))
            return ()
        correction = clock.now() - now
        return [job._replace(start=job.start - correction) for job in ahead]

    def _require_orders(self) -> Surveillance:
        """The planner of the order that counts. Raises UsageError if there is none."""
        path = self._orders.monitoring
        if path is None or self.state.clock is None:
            msg = "no order of the hub yet; it comes with the next answer"
            raise UsageError(msg)
        if self._surveillance is None or self._surveillance.path != path:
            self._surveillance = Surveillance(path, self.out, LatestClock(self))
        return self._surveillance

    def _try_sentinels(self, clock: HubClock, troubles: list[Trouble]) -> None:
        """Try the sentinels of each schedule now and then, in a process of its own."""
        try:
            declared = self.declared()
        except HarnessError:  # which planning tells
            return
        if declared is None:
            return
        brackets = self._brackets
        is_due = not brackets or not timedelta(0) <= clock.now() - brackets[0].at < BRACKET_EVERY
        if is_due and not self._is_trying:
            self._is_trying = True
            self._aside(partial(self._try_each, declared, clock))
        brackets = self._brackets
        self.state = self.state._replace(brackets=brackets)
        troubles += [
            Trouble.of(f"the sentinels of {each.schedule} fail", each.failed)
            for each in brackets
            if not each.held
        ]

    def _try_each(self, declared: MonitoringFile, clock: HubClock) -> None:
        try:
            found = tuple(
                self._bracket(declared, schedule.name, clock)
                for _, schedule in declared.schedules()
                if not self._stop.is_set()
            )
            self._brackets = found
        finally:
            self._is_trying = False

    def _bracket(self, declared: MonitoringFile, schedule: str, clock: HubClock) -> SentinelBracket:
        words = bracket_words(declared.path, schedule, self.out)
        fault = bracket_fault(words, self._stop)
        return SentinelBracket(
            schedule=schedule, at=clock.now(), held=fault is None, failed=(fault or "")[:SHOWN]
        )


def _in_thread(work: Callable[[], None]) -> None:
    threading.Thread(target=work, name="sentinels", daemon=True).start()


class LatestClock:
    """The clock of an agent as last read."""

    def __init__(self, agent: SiteAgent) -> None:
        self._agent = agent

    def now(self) -> datetime:
        """The hub's time. Raises UsageError before it is known."""
        clock = self._agent.state.clock
        if clock is None:
            msg = "the hub's time is not known yet"
            raise UsageError(msg)
        return clock.now()

    def monotonic(self) -> float:
        """Seconds since an arbitrary start."""
        return monotonic()


def enrol_message(invitation: Invitation) -> Enrol:
    """The message that enrols this device with its invitation, as the hub made it."""
    return Enrol(
        token=invitation.token(),
        version=VERSION,
        platform=platform.platform()[:200],
    )
