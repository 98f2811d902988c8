"""What a campaign of fixed size shows of an alarm: whether it is confirmed.

That an alarm was false needs as much evidence as any other favourable result: the campaign has to
show that the requirement is met at every site, and with every pack, that the alarm rests on.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from harness.errors import UsageError, first_of
from harness.follow.findings import describe
from harness.model.alarm import Alarm, AlarmRetest, AlarmRule
from harness.model.conformity import Conformity
from harness.model.outcome import Assessment, Outcome
from harness.model.stream import same_name

SHOWN = 5
"""How many names a sentence shows."""


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
        msg = (
            f"{where} only reports {alarm.raised.requirement}; use a scheme in which it is binding"
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
    if raised.rule is AlarmRule.MISS and (
        again := [one for one in raised.items if one not in tried]
    ):
        yield f"{len(again)} of {len(raised.items)} missed items were not tried again"


def _in_words(outcome: Outcome) -> str:
    return f"{outcome.id}: {describe(outcome)}"
