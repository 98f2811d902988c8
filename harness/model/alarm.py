"""Alarms of surveillance: what they rest on, and what a re-test of fixed size showed of them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from harness.model.outcome import Conformity


class AlarmRule(StrEnum):
    """The rule that raised an alarm."""

    MISS = "miss"
    """An item was missed although the requirement allows no miss."""
    EVIDENCE = "e-process"
    """The evidence over several runs shows that the required rate is not reached."""
    CHART = "control-chart"
    """A control chart shows that a figure became worse (Nelson's rules)."""
    UNDECIDED = "undecided"
    """Several runs in a row could decide nothing."""
    DISCONTINUED = "discontinued"
    """Five runs under tightened surveillance did not conform (ISO 2859-1, 9.4)."""


class AlarmState(StrEnum):
    """Where an alarm stands. Only a re-test of fixed size ends it."""

    RAISED = "raised"
    ACKNOWLEDGED = "acknowledged"
    CONFIRMED = "confirmed"
    NOT_CONFIRMED = "not-confirmed"


ENDED = frozenset({AlarmState.CONFIRMED, AlarmState.NOT_CONFIRMED})
"""The states of an alarm that a re-test decided."""


class RaisedAlarm(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an alarm is about, and what it rests on.

    ``sites`` of the ``of_sites`` monitored ones show it. ``runs`` are the campaigns with the
    evidence, ``items`` at most 20 of those missed in them, and ``packs`` the names of their packs.
    ``statement`` says in a sentence what was seen, ``ruled_out`` what it is not. ``number`` counts
    the alarms of a stream from 1. The re-test is due at ``retest_by``. ``metric``, ``at_least`` and
    ``at_most`` are what was required, ``parts`` the names of the parts that were measured.
    """

    number: int
    service: str
    scheme: str
    requirement: str
    profile: str
    rule: AlarmRule
    sites: tuple[str, ...]
    of_sites: int
    statement: str
    retest_by: datetime
    severity: str = ""
    runs: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    packs: tuple[str, ...] = ()
    ruled_out: tuple[str, ...] = ()
    metric: str = ""
    at_least: float | None = None
    at_most: float | None = None
    parts: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """What people call it: ``A-0001``."""
        return f"A-{self.number:04d}"


class AlarmRetest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a campaign of fixed size showed of an alarm, by the scheme with the id ``scheme``.

    It began at ``begun``. ``statement`` says what was counted, or why nothing was decided.
    """

    campaign: str
    scheme: str
    begun: datetime
    conformity: Conformity
    statement: str


class Alarm(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An alarm as the registry holds it: when it was raised, and what followed."""

    raised: RaisedAlarm
    at: datetime
    state: AlarmState = AlarmState.RAISED
    acknowledged_by: str = ""
    acknowledged: datetime | None = None
    note: str = ""
    retests: tuple[AlarmRetest, ...] = ()
    ended: datetime | None = None

    @property
    def id(self) -> str:
        """What people call it: ``A-0001``."""
        return self.raised.id

    @property
    def is_ended(self) -> bool:
        """Whether a re-test decided it."""
        return self.state in ENDED

    def is_overdue(self, now: datetime) -> bool:
        """Whether it still waits for a re-test that was due before ``now``."""
        return not self.is_ended and now > self.raised.retest_by
