"""What a campaign of fixed size shows of an alarm: whether it is confirmed.

That an alarm was false needs as much evidence as any other favourable result: the campaign has to
show that the requirement is met at every site, and with every pack, that the alarm rests on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from harness.errors import UsageError, first_of
from harness.follow.findings import describe
from harness.model.alarm import Alarm, AlarmRetest, AlarmRule
from harness.model.conformity import Conformity
from harness.model.coverage import format_value
from harness.model.outcome import Assessment, Outcome
from harness.model.scheme import Requirement
from harness.model.stream import same_name

SHOWN = 5
"""How many names a sentence shows."""


def retest_of(
    alarm: Alarm,
    assessment: Assessment,
    begun: datetime,
    tried: frozenset[str],
    *,
    is_decided_by: bool = False,
    differs: Sequence[str] = (),
) -> AlarmRetest:
    """What a campaign of fixed size shows of an alarm.

    ``tried`` are the ids of the items that it tried. ``is_decided_by``: the service's accreditation
    was decided by this scheme, which may then ask for less than surveillance does. ``differs``
    says in sentences how its lines and profiles differ from those of the runs that raised it, as
    far as nobody allowed that.

    One outcome that does not conform confirms the alarm. It is not confirmed only if every outcome
    conforms without a limit that the campaign does not declare, at all sites that showed it, with
    all packs and parts, and with every item that was missed where none may be. Raises UsageError if
    the campaign cannot show anything of it.
    """
    raised = alarm.raised
    found = [
        one
        for one in assessment.outcomes
        if (one.requirement.id, one.profile) == (raised.requirement, raised.profile)
    ]
    where = f"alarm {alarm.id}: campaign {assessment.campaign!r} by scheme {assessment.scheme}"
    is_stopped = any(one.sequential is not None for one in found)
    require_fixed_size(alarm, [one.requirement for one in found], where, is_stopped=is_stopped)
    if not is_decided_by:
        _require_as_strict(alarm, assessment, found)
    failed = [one for one in found if one.conformity is Conformity.DOES_NOT_CONFORM]
    obstacles = (*_obstacles(alarm, assessment, found, tried), *differs)
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


def require_fixed_size(
    alarm: Alarm, rows: Sequence[Requirement], where: str, *, is_stopped: bool
) -> None:
    """Raise UsageError unless the rows of an alarm's requirement are decided at a fixed size.

    ``where`` names the campaign and its scheme; ``is_stopped``: it may stop early.
    """
    raised = alarm.raised
    if not rows:
        msg = (
            f"{where} says nothing about {raised.requirement} for profile {raised.profile}; "
            "measure with a scheme that has this requirement"
        )
        raise UsageError(msg)
    if is_stopped or any(row.rule == "sequential" for row in rows):
        msg = (
            f"{where} decides {raised.requirement} by a test that may be read at any time; a "
            "re-test needs a fixed size: use the scheme of the accreditation, without 'stopping'"
        )
        raise UsageError(msg)
    if not any(row.binding for row in rows):
        msg = f"{where} only reports {raised.requirement}; use a scheme in which it is binding"
        raise UsageError(msg)


def _require_as_strict(alarm: Alarm, assessment: Assessment, found: list[Outcome]) -> None:
    """Raise UsageError for a scheme that asks for less than the alarm is about."""
    raised = alarm.raised
    for one in found:
        threshold = one.requirement.threshold
        sides = (
            ("at least", raised.at_least, threshold.at_least if threshold else None, 1),
            ("at most", raised.at_most, threshold.at_most if threshold else None, -1),
        )
        for word, asked, now, sign in sides:
            if asked is not None and (now is None or sign * now < sign * asked):
                limit = "nothing" if now is None else f"{word} {format_value(now, one.metric.unit)}"
                msg = (
                    f"alarm {alarm.id}: scheme {assessment.scheme} asks for {limit}, and the alarm "
                    f"is about {word} {format_value(asked, one.metric.unit)}; use the scheme of "
                    "the accreditation, or one that asks for as much"
                )
                raise UsageError(msg)


def _obstacles(
    alarm: Alarm, assessment: Assessment, found: list[Outcome], tried: frozenset[str]
) -> Iterator[str]:
    """Why a campaign without a failure does not show that an alarm was false."""
    raised = alarm.raised
    lines = {line.name: same_name(line.site) for line in assessment.lines}
    covered = {lines.get(one.line, "") for one in found if one.conformity is Conformity.CONFORMS}
    if missing := [site for site in raised.sites if same_name(site) not in covered]:
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
    tested = {part.name for one in found for part in one.metric.parts if part.metric.n}
    if untested := [part for part in raised.parts if part not in tested]:
        yield f"nothing measured of {first_of(untested, SHOWN)}"
    if raised.metric and any(one.metric.name != raised.metric for one in found):
        yield f"measured by another metric than {raised.metric}"
    if raised.rule is AlarmRule.MISS and (
        again := [one for one in raised.items if one not in tried]
    ):
        yield f"{len(again)} of {len(raised.items)} missed items were not tried again"


def _in_words(outcome: Outcome) -> str:
    return f"{outcome.id}: {describe(outcome)}"
