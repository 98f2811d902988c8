"""What lasts at a hub and should be known: silent agents and schedules, and plans that are late."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from harness.cli.hub_standing import AgentView
from harness.follow.event_notifications import page_path
from harness.model.notification import Notification, NotificationKind
from harness.model.obligation import Obligation
from harness.model.stream import same_name, stream_of
from harness.monitor.monitoring_file import MonitoringFile
from harness.monitor.schedule import YEAR, runs_per_year

LATE_BY = 3
"""A schedule is silent once nothing was measured for so many of its intervals, and a day."""
AT_LEAST = timedelta(days=1)


class Condition(NamedTuple):
    """Something that lasts: its key, what is told when it begins, and when it ends (if that is)."""

    key: str
    begins: Notification
    ends: Notification | None = None


class ScheduleKey(NamedTuple):
    """A schedule, by names as they are compared."""

    stream: str
    service: str
    site: str
    schedule: str


def of_agents(views: tuple[AgentView, ...], now: datetime) -> Iterator[Condition]:
    """The agents that are silent: no bracket of sentinels held within two hours."""
    for view in views:
        if view.state != "silent":
            continue
        since = view.measured or view.contact or now
        name = view.label or view.agent[:8]

        key = f"agent-silent\x1f{view.agent}"
        about = view.supplier, view.service, view.site
        last = f"Its sentinel pages held last on {since:%d %b %Y, %H:%M} UTC."
        failed = f" What failed since: {view.failed}." if view.failed else ""
        yield Condition(
            key,
            _notification(
                NotificationKind.AGENT_SILENT, now, key, about,
                f"The agent {name} at {view.site} is silent",
                f"{last}{failed} Nothing is concluded from this site until it measures again.",
            ),
            _notification(
                NotificationKind.AGENT_HEARD, now, key, about,
                f"The agent {name} at {view.site} measures again",
                "Its sentinel pages hold.",
            ),
        )  # fmt: skip


def of_schedules(
    declared: MonitoringFile, measured: Mapping[ScheduleKey, datetime], now: datetime
) -> Iterator[Condition]:
    """The schedules by which nothing was measured for too long; ``measured`` is when it was last.

    A schedule by which nothing was ever measured is not told of: nobody knows since when.
    """
    for service in declared.services:
        supplier = service.supplier or ""
        stream = stream_of(supplier, service.service)
        for site in service.sites:
            for schedule in site.schedules:
                names = same_name(service.service), same_name(site.site), schedule.name
                key = ScheduleKey(stream, *names)
                last = measured.get(key)
                due = runs_per_year(schedule, declared.zone, now - YEAR)
                if last is None or not due or now - last <= LATE_BY * (YEAR / due) + AT_LEAST:
                    continue
                about = supplier, service.service, site.site
                text = "\x1f".join(("monitoring-silent", *key))
                yield Condition(
                    text,
                    _notification(
                        NotificationKind.MONITORING_SILENT, now, text, about,
                        f"{service.service}: nothing is measured at {site.site}",
                        f"Schedule {schedule.name} measured last on {last:%d %b %Y, %H:%M} UTC. "
                        "The figures are as old as that.",
                    ),
                    _notification(
                        NotificationKind.MONITORING_RESUMED, now, text, about,
                        f"{service.service}: {site.site} is measured again",
                        f"Schedule {schedule.name} measures again.",
                    ),
                )  # fmt: skip


def of_plans(
    stream: str, supplier: str, found: tuple[Obligation, ...], now: datetime
) -> Iterator[Condition]:
    """The plans with something that is overdue; one that gets a new date is another condition."""
    for one in found:
        if not one.plan or now <= one.due:
            continue
        key = "\x1f".join(("plan-overdue", stream, one.id, f"{one.due:%Y-%m-%dT%H:%M}"))
        yield Condition(
            key,
            Notification(
                key=_digest(key, now),
                kind=NotificationKind.PLAN_OVERDUE,
                at=now,
                stream=stream,
                supplier=supplier,
                service=one.service,
                title=f"Plan {one.plan} of {one.service}: {one.what} is overdue",
                words=f"It was due on {one.due:%d %b %Y}. {one.who}: {one.act}",
                path=page_path("plans", stream, one.plan),
            ),
        )


def _notification(
    kind: NotificationKind,
    now: datetime,
    key: str,
    about: tuple[str, str, str],
    title: str,
    words: str,
) -> Notification:
    supplier, service, site = about
    return Notification(
        key=_digest(f"{kind}\x1f{key}", now),
        kind=kind,
        at=now,
        stream=stream_of(supplier, service),
        supplier=supplier,
        service=service,
        site=site,
        title=title,
        words=words,
        path="/sites",
    )


def _digest(key: str, now: datetime) -> str:
    """The key of a notification about something that may come again later."""
    return hashlib.sha256(f"{key}\x1f{now.isoformat()}".encode()).hexdigest()
