"""What a campaign of fixed size shows of an alarm: whether it is confirmed.

That an alarm was false needs as much evidence as any other favourable result: the campaign has to
show that the requirement is met at every site, and with every pack, that the alarm rests on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial

from harness.errors import UsageError, first_of
from harness.follow.findings import describe
from harness.model.alarm import Alarm, AlarmRetest, AlarmRule
from harness.model.conformity import Conformity
from harness.model.coverage import format_value, meets_threshold
from harness.model.metric import Metric, Span
from harness.model.outcome import Assessment, Outcome, is_void
from harness.model.scheme import Requirement, Scheme, Threshold
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
    deciding: int = 0,
    has_all: bool = False,
) -> AlarmRetest:
    """What a campaign of fixed size shows of an alarm, if its assessment is at the alarm's level.

    ``deciding`` is the number of items in each part that decides it, needed after three re-tests
    that left it open; one that ``has_all`` items of its packs cannot be larger. ``tried`` are the
    ids of the items that it tried. ``is_decided_by``: the service's accreditation was decided by
    this scheme, which may then ask for less than surveillance does. ``differs`` says in sentences
    how its lines and profiles differ from those of the runs that raised it, unless the difference
    was allowed.

    One outcome that does not conform confirms the alarm. It is not confirmed only if every outcome
    conforms without a limit that the campaign does not declare, at all sites that showed it, with
    all packs and parts, and with every item that was missed where none may be. Raises UsageError if
    the campaign cannot show anything of it.
    """
    found = _about(alarm, assessment)
    where = f"alarm {alarm.id}: campaign {assessment.campaign!r} by scheme {assessment.scheme}"
    is_stopped = any(one.sequential is not None for one in found)
    require_fixed_size(alarm, [one.requirement for one in found], where, is_stopped=is_stopped)
    if not is_decided_by:
        _require_as_strict(alarm, assessment, found)
    gaps = (*_gaps(alarm, assessment, found, tried), *differs)
    obstacles = (*_too_little(alarm, assessment, found), *gaps)
    counted = 0 if gaps or not _is_left_to_chance(alarm, assessment, found) else _counted(found)
    if alarm.needs_deciding and counted < deciding and not has_all:
        raise UsageError(_too_few(alarm, assessment, counted, deciding))
    conformity, said = _shown(found, obstacles)
    return AlarmRetest(
        campaign=assessment.campaign,
        scheme=assessment.scheme,
        begun=begun,
        conformity=conformity,
        statement="; ".join(said),
        counted=counted,
        level=alarm.next_level,
    )


def _shown(found: Sequence[Outcome], obstacles: Sequence[str]) -> tuple[Conformity, Sequence[str]]:
    """What outcomes show, and that in sentences; ``obstacles`` are what forbids a good one."""
    failed = [one for one in found if one.conformity is Conformity.DOES_NOT_CONFORM]
    if failed:
        return Conformity.DOES_NOT_CONFORM, [_in_words(one) for one in failed]
    if obstacles:
        return Conformity.INSUFFICIENT, obstacles
    return Conformity.CONFORMS, [_in_words(one) for one in found]


def _about(alarm: Alarm, assessment: Assessment) -> list[Outcome]:
    """The outcomes of the requirement and profile of an alarm."""
    about = alarm.raised.requirement, alarm.raised.profile
    return [one for one in assessment.outcomes if (one.requirement.id, one.profile) == about]


def stricter(scheme: Scheme, share: float) -> Scheme:
    """The scheme with each level multiplied by ``share``."""
    alpha = scheme.decision.alpha
    rows = tuple(
        row.model_copy(update={"alpha": (row.alpha or alpha) * share})
        for row in scheme.requirements
    )
    decision = scheme.decision.model_copy(update={"alpha": alpha * share})
    return scheme.model_copy(update={"decision": decision, "requirements": rows})


def _counted(found: Sequence[Outcome]) -> int:
    """The independent items of the smallest part of some outcomes."""
    return min((metric.counted for one in found for metric in _metrics(one)), default=0)


def _too_few(alarm: Alarm, assessment: Assessment, counted: int, deciding: int) -> str:
    """Why a campaign is too small after three re-tests that left an alarm open."""
    return (
        f"alarm {alarm.id}: {alarm.left_open} re-tests left it open, so the next has to decide it: "
        f"{deciding} independent items of each part at each site, or all items of its packs (no "
        f"'sample'); campaign {assessment.campaign!r} has {counted}"
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


def _is_left_to_chance(alarm: Alarm, assessment: Assessment, found: Sequence[Outcome]) -> bool:
    """Whether a campaign measured every site of an alarm, and each open outcome is open by chance.

    What a precondition, a gate, an undeclared limit or undecided items left open is not.
    """
    sites = _sites_of(assessment)
    measured = {sites[one.line] for one in found if one.metric.n_of_all}
    return all(same_name(site) in measured for site in alarm.raised.sites) and all(
        any(map(partial(_is_too_small, one.requirement.threshold), _metrics(one)))
        and not is_void(assessment.preconditions, one.line, one.profile)
        for one in found
        if one.conformity is Conformity.INSUFFICIENT
    )


def _is_too_small(threshold: Threshold | None, metric: Metric) -> bool:
    """Whether a metric's bounds do not show that a threshold is met, without undecided items."""
    bounds = metric.decided or Span(metric.lower, metric.upper)
    return threshold is not None and None not in bounds and not meets_threshold(threshold, bounds)


def _metrics(outcome: Outcome) -> Sequence[Metric]:
    return [part.metric for part in outcome.metric.parts] or [outcome.metric]


def _too_little(alarm: Alarm, assessment: Assessment, found: list[Outcome]) -> Iterator[str]:
    """Which outcomes without a failure do not show that an alarm was false."""
    sites = _sites_of(assessment)
    covered = {sites[one.line] for one in found if one.conformity is Conformity.CONFORMS}
    if missing := [site for site in alarm.raised.sites if same_name(site) not in covered]:
        yield f"not shown to conform at {first_of(missing, SHOWN)}"
    undecided = [one.id for one in found if one.conformity is Conformity.INSUFFICIENT]
    if undecided:
        yield f"too little evidence for {first_of(undecided, SHOWN)}"
    limited = [one for one in found if not assessment.is_granted(one)]
    if limited and not undecided:
        yield f"limited to {limited[0].qualifier or 'a part of the service'}"


def _gaps(
    alarm: Alarm, assessment: Assessment, found: list[Outcome], tried: frozenset[str]
) -> Iterator[str]:
    """What an alarm is about and a campaign did not measure."""
    raised = alarm.raised
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


def _sites_of(assessment: Assessment) -> Mapping[str, str]:
    """The site of each line, as names are compared; of an unknown line it is empty."""
    return defaultdict(str, {line.name: same_name(line.site) for line in assessment.lines})


def _in_words(outcome: Outcome) -> str:
    return f"{outcome.id}: {describe(outcome)}"
