"""Notifications of a hub: what somebody should know at once, or in a digest."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec


class NotificationKind(StrEnum):
    """What a notification tells of; targets choose by these names."""

    ALARM_RAISED = "alarm-raised"
    ALARM_CONFIRMED = "alarm-confirmed"
    ALARM_NOT_CONFIRMED = "alarm-not-confirmed"
    PLAN_OPENED = "plan-opened"
    PLAN_ESCALATED = "plan-escalated"
    PLAN_OVERDUE = "plan-overdue"
    PLAN_CLOSED = "plan-closed"
    DECISION = "decision"
    RUN_FAILED = "run-failed"
    AGENT_SILENT = "agent-silent"
    AGENT_HEARD = "agent-heard"
    MONITORING_SILENT = "monitoring-silent"
    MONITORING_RESUMED = "monitoring-resumed"


SILENCE = frozenset(
    {
        NotificationKind.AGENT_SILENT,
        NotificationKind.AGENT_HEARD,
        NotificationKind.MONITORING_SILENT,
        NotificationKind.MONITORING_RESUMED,
        NotificationKind.RUN_FAILED,
    }
)
"""What a maintenance window keeps back: that nothing was measured, never what was measured."""


class Notification(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One notification. ``key`` is unique: what has one key is sent to a target once.

    ``stream`` is that of the supplier whom it concerns. ``path`` is the page of the hub that shows
    more. ``title`` and ``words`` hold no item and no evidence.
    """

    key: str
    kind: NotificationKind
    at: datetime
    stream: str
    supplier: str
    service: str
    title: str
    words: str
    path: str
    site: str = ""
