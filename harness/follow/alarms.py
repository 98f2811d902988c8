"""What alarms of surveillance allow next, and what their re-tests show.

An alarm proves nothing: its rules look at a service again and again. A campaign of fixed size
decides, and nothing else ends an alarm.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

import msgspec

from harness.errors import UsageError, first_of, known
from harness.follow.findings import describe
from harness.follow.guards import identity_of
from harness.model.alarm import Alarm, AlarmRetest, AlarmRule, AlarmState
from harness.model.outcome import Assessment, Conformity, Outcome
from harness.model.surveillance_event import (
    AlarmAcknowledged,
    AlarmEvent,
    AlarmRaised,
    AlarmRetested,
    alarm_subject,
)

STATE_AFTER = {
    Conformity.DOES_NOT_CONFORM: AlarmState.CONFIRMED,
    Conformity.CONFORMS: AlarmState.NOT_CONFIRMED,
}
"""The state of an alarm after a re-test that decided it."""

SHOWN = 5
"""How many names a sentence shows."""


def after_alarm_event(
    alarms: Mapping[str, Alarm], event: AlarmEvent, campaigns: Mapping[str, str]
) -> Alarm:
    """The alarm after an event. Raises UsageError if the event is not possible now.

    ``campaigns`` are those of surveillance runs: none of them can be a re-test.
    """
    if isinstance(event, AlarmRaised):
        return _raised(alarms, event)
    if event.alarm not in alarms:
        msg = f"no alarm {event.alarm!r}; {known(alarms)}"
        raise UsageError(msg)
    alarm = alarms[event.alarm]
    if alarm.is_ended:
        msg = f"alarm {alarm.id} is {alarm.state} already, by campaign {alarm.retests[-1].campaign}"
        raise UsageError(msg)
    if isinstance(event, AlarmAcknowledged):
        return _acknowledged(alarm, event)
    if isinstance(event, AlarmRetested):
        return _retested(alarm, event, campaigns)
    msg = f"{type(event).__name__}: not a known event of an alarm"
    raise UsageError(msg)


def _raised(alarms: Mapping[str, Alarm], event: AlarmRaised) -> Alarm:
    raised = event.raised
    if event.alarm != raised.id or event.alarm in alarms:
        msg = f"alarm {event.alarm} exists already; history cannot be rewritten"
        raise UsageError(msg)
    if not raised.sites or not raised.statement.strip():
        msg = f"alarm {event.alarm}: needs the sites that show it, and a statement"
        raise UsageError(msg)
    for other in alarms.values():
        if not other.is_ended and alarm_subject(other.raised) == alarm_subject(raised):
            msg = f"alarm {other.id} about the same requirement is open; re-test it first"
            raise UsageError(msg)
    return Alarm(raised=raised, at=event.at)


def _acknowledged(alarm: Alarm, event: AlarmAcknowledged) -> Alarm:
    if not event.note.strip() or not identity_of(event.actor):
        msg = f"alarm {alarm.id}: acknowledging it needs a name, and a note on what is done (--note)"
        raise UsageError(msg)
    if alarm.state is AlarmState.ACKNOWLEDGED:
        msg = f"alarm {alarm.id}: {alarm.acknowledged_by} acknowledged it already"
        raise UsageError(msg)
    return msgspec.structs.replace(
        alarm,
        state=AlarmState.ACKNOWLEDGED,
        acknowledged_by=event.actor,
        acknowledged=event.at,
        note=event.note,
    )


def _retested(alarm: Alarm, event: AlarmRetested, campaigns: Mapping[str, str]) -> Alarm:
    retest = event.retest
    if retest.campaign in campaigns:
        msg = (
            f"alarm {alarm.id}: campaign {retest.campaign!r} was a run of surveillance; "
            "a re-test needs a campaign of its own"
        )
        raise UsageError(msg)
    if retest.campaign in {each.campaign for each in alarm.retests}:
        msg = f"alarm {alarm.id}: campaign {retest.campaign!r} was counted already; measure again"
        raise UsageError(msg)
    if retest.begun < alarm.at:
        msg = (
            f"alarm {alarm.id}: campaign {retest.campaign!r} began at {retest.begun:%Y-%m-%d %H:%M},"
            f" before the alarm ({alarm.at:%Y-%m-%d %H:%M}); measure again"
        )
        raise UsageError(msg)
    state = STATE_AFTER.get(retest.conformity, alarm.state)
    return msgspec.structs.replace(
        alarm,
        state=state,
        retests=(*alarm.retests, retest),
        ended=event.at if retest.conformity in STATE_AFTER else None,
    )


def retest_of(
    alarm: Alarm, assessment: Assessment, begun: datetime, tried: frozenset[str]
) -> AlarmRetest:
    """What a campaign of fixed size shows of an alarm.

    ``tried`` are the ids of the items that it tried. One outcome that does not conform confirms the
    alarm. It is not confirmed only if every outcome conforms without a limit that the campaign does
    not declare, at all sites that showed it, with all packs, and with every item that was missed
    where none may be. Raises UsageError if the campaign cannot show anything of it.
    """
    raised = alarm.raised
    found = [
        one
        for one in assessment.outcomes
        if (one.requirement.id, one.profile) == (raised.requirement, raised.profile)
    ]
    _require_fixed_size(alarm, assessment, found)
    failed = [one for one in found if one.conformity is Conformity.DOES_NOT_CONFORM]
    obstacles = tuple(_obstacles(alarm, assessment, found, tried))
    if failed:
        conformity, said = Conformity.DOES_NOT_CONFORM, [_in_words(one) for one in failed]
    elif obstacles:
        conformity, said = Conformity.INSUFFICIENT, list(obstacles)
    else:
        conformity, said = Conformity.CONFORMS, [_in_words(one) for one in found]
    return AlarmRetest(
        campaign=assessment.campaign,
        scheme=assessment.scheme,
        begun=begun,
        conformity=conformity,
        statement="; ".join(said),
    )


def _require_fixed_size(alarm: Alarm, assessment: Assessment, found: list[Outcome]) -> None:
    where = f"alarm {alarm.id}: campaign {assessment.campaign!r} by scheme {assessment.scheme}"
    if not found:
        msg = (
            f"{where} says nothing about {alarm.raised.requirement} for profile "
            f"{alarm.raised.profile}; measure with a scheme that has this requirement"
        )
        raise UsageError(msg)
    if any(one.requirement.rule == "sequential" or one.sequential is not None for one in found):
        msg = (
            f"{where} decides {alarm.raised.requirement} by a test that may be read at any time; a "
            "re-test needs a fixed size: use the scheme of the accreditation, without 'stopping'"
        )
        raise UsageError(msg)
    if not any(one.requirement.binding for one in found):
        msg = f"{where} only reports {alarm.raised.requirement}; use a scheme in which it is binding"
        raise UsageError(msg)


def _obstacles(
    alarm: Alarm, assessment: Assessment, found: list[Outcome], tried: frozenset[str]
) -> Iterator[str]:
    """Why a campaign without a failure does not show that an alarm was false."""
    raised = alarm.raised
    lines = {line.name: line.site for line in assessment.lines}
    covered = {
        lines.get(one.line, "") for one in found if one.conformity is Conformity.CONFORMS
    }
    if missing := [site for site in raised.sites if site not in covered]:
        yield f"not shown to conform at {first_of(missing, SHOWN)}"
    undecided = [one.id for one in found if one.conformity is Conformity.INSUFFICIENT]
    if undecided:
        yield f"too little evidence for {first_of(undecided, SHOWN)}"
    limited = [one for one in found if not assessment.is_granted(one)]
    if limited and not undecided:
        yield f"limited to {limited[0].qualifier or 'a part of the service'}"
    used = {corpus.split()[0] for corpus in assessment.corpora}
    if left := [pack for pack in raised.packs if pack not in used]:
        yield f"measured without the packs of the alarm: {first_of(left, SHOWN)}"
    if raised.rule is AlarmRule.MISS and (again := [one for one in raised.items if one not in tried]):
        yield f"{len(again)} of {len(raised.items)} missed items were not tried again"


def _in_words(outcome: Outcome) -> str:
    return f"{outcome.id}: {describe(outcome)}"


def open_alarms(alarms: Iterable[Alarm]) -> tuple[Alarm, ...]:
    """The alarms that wait for a re-test, the one that is due first."""
    left = (alarm for alarm in alarms if not alarm.is_ended)
    return tuple(sorted(left, key=lambda alarm: (alarm.raised.retest_by, alarm.id)))
