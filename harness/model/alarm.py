"""Alarms of surveillance: what they rest on, and what a re-test of fixed size showed of them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from harness.model.conformity import Conformity
from harness.model.metric_spec import SPECS


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


FIRST_TRIES = 3
"""After so many re-tests that left an alarm open, the next has to be large enough to decide."""

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
    def most_missed(self) -> float | None:
        """The largest share of missed items that is allowed; ``None`` if it is about no rate."""
        spec = SPECS.get(self.metric)
        if spec is None or not spec.is_rate:
            return None
        return self.at_most if self.at_least is None else 1 - self.at_least

    @property
    def id(self) -> str:
        """What people call it: ``A-0001``."""
        return f"A-{self.number:04d}"


class AlarmRetest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a campaign of fixed size showed of an alarm, by the scheme with the id ``scheme``.

    It began at ``begun``. ``statement`` says what was counted, or why nothing was decided.
    ``counted`` are the independent items of its smallest part, if it measured all that the alarm is
    about; 0 if it did not, or if that is not known. ``level`` is the share of the scheme's alpha at
    which it was judged, 0 if not known.
    """

    campaign: str
    scheme: str
    begun: datetime
    conformity: Conformity
    statement: str
    counted: int = 0
    level: float = 0.0


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

    @property
    def left_open(self) -> int:
        """How many re-tests measured all that it is about, and left it open."""
        return sum(
            each.conformity is Conformity.INSUFFICIENT and each.counted > 0 for each in self.retests
        )

    @property
    def next_level(self) -> float:
        """The share of a scheme's alpha for the next re-test; all shares together are below 1."""
        return 0.5 ** (len(self.retests) + 1)

    @property
    def needs_deciding(self) -> bool:
        """Whether the next re-test has to be large enough to decide."""
        return not self.is_ended and self.left_open >= FIRST_TRIES

    @property
    def is_not_ruled_out(self) -> bool:
        """Whether a re-test that was large enough to decide left it open, too."""
        return not self.is_ended and self.left_open > FIRST_TRIES

    def is_overdue(self, now: datetime) -> bool:
        """Whether it still waits for a re-test that was due before ``now``."""
        return not self.is_ended and now > self.raised.retest_by
