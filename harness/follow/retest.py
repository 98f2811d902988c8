"""Choose the items of a re-test, and judge its result.

The missed items alone would only show that a list was patched; the fresh sample shows that the
service now does what is required. Both must pass (METHOD (d), invariants of *verified*).
"""

from __future__ import annotations

import hashlib
import heapq
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from harness.errors import UsageError, first_of
from harness.follow.findings import describe
from harness.follow.retest_levels import has_level, level_of_requirement
from harness.model.action_plan import ActionPlan, Finding, Retest, RetestResult
from harness.model.content_form import VIEWERS, variant_of
from harness.model.corpus import TWIN, Item, covers
from harness.model.file_case import FEATURES, FILE, NAMED_CASES, SIZED_CASES
from harness.model.outcome import Assessment, Conformity, Outcome
from harness.model.protocol_case import NAMED_PROTOCOLS
from harness.model.retest_schedule import confidence, level_of_try
from harness.model.scheme import Scheme
from harness.model.smallest_sample import smallest_sample
from harness.model.transition_address import TRANSITIONS
from harness.model.upload_case import INFECTED_UPLOADS, SIZED_UPLOADS

CASES_OF_METRIC: Mapping[str, tuple[str, ...]] = {
    "eicar_variants_passed": (*NAMED_CASES, *SIZED_CASES),
    "feature_checks_passed": tuple(f"{FILE}feature-{name}" for name in FEATURES),
    "infected_uploads_passed": (*INFECTED_UPLOADS, *SIZED_UPLOADS),
    "ipv6_transitions_open": (*TRANSITIONS,),
    "protocol_mismatches": (*NAMED_PROTOCOLS,),
    "viewers_exposing": (*VIEWERS,),
}
"""For each metric that counts ways through: all the ways that have to be tried.

Unless each is tried, the metric is undecided, so a re-test draws fresh items of each.
"""

IF_THERE = frozenset({*SIZED_CASES, *SIZED_UPLOADS})
"""Those of them that packs of earlier versions do not have."""


def cases_of(metric: str, items: Iterable[Item]) -> tuple[str, ...]:
    """The ways that a re-test of a metric has to try, given the items that it can draw from."""
    cases = CASES_OF_METRIC.get(metric, ())
    if IF_THERE.isdisjoint(cases):
        return cases
    there = {variant_of(item.stratum) for item in items}
    return tuple(case for case in cases if case not in IF_THERE or case in there)


def scheme_of_attempt(scheme: Scheme, plan: ActionPlan) -> Scheme:
    """The scheme of a finding's requirement, by which the next re-test of its plan is judged.

    It is at the level of the plan's next try, and the sample is at least as large as that level
    needs. Rules by which each item counts have no level.
    """
    (requirement,) = scheme.requirements
    if not has_level(requirement):
        return scheme
    alpha = level_of_try(level_of_requirement(requirement, scheme), plan.tries + 1)
    stricter = requirement.model_copy(update={"alpha": alpha})
    smallest = smallest_sample(stricter, alpha) or 0
    stricter = stricter.model_copy(update={"n_min": max(stricter.n_min, smallest)})
    return scheme.model_copy(update={"requirements": (stricter,)})


@dataclass(frozen=True, slots=True, kw_only=True)
class RetestSelection:
    """The item ids of a re-test. ``short_of`` is the number of fresh items that were missing.

    ``left`` is the number of fresh items of each category that remain for later re-tests.
    """

    missed: tuple[str, ...]
    fresh: tuple[str, ...]
    short_of: int
    left: Mapping[str, int] = field(default_factory=dict)


def select_retest(
    finding: Finding,
    items: Iterable[Item],
    *,
    used: Collection[str],
    seed: str,
    size: int,
    measured: Collection[str] | None = None,
    cases: Collection[str] = (),
) -> RetestSelection:
    """Select every missed item, and ``size`` fresh ones of each category of the finding.

    Fresh items are not in ``used``, the ids that are spent. ``size`` is at least the requirement's
    ``n_min``. ``measured`` are the categories of items that the finding's campaign decided
    (default: any); of others nothing is drawn. With ``cases`` the fresh items are ``size`` harmful
    ones of each case, whatever their category. They are a bottom-k sample by keyed hash, so that
    anybody with the seed can draw it again.
    Raises UsageError if a missed item is no longer in the corpora.
    """
    spent = set(used) | set(finding.missed)
    gone = set(finding.missed)
    fresh: dict[str, set[str]] = {code: set() for code in cases or codes_of(finding, measured)}
    for item in items:
        gone.discard(item.id)
        is_measured = measured is None or item.category in measured
        if item.id in spent or not item.value or not is_measured:
            continue
        code = _code_of(item, fresh, is_of_case=bool(cases))
        if code is not None:
            fresh[code].add(item.id)
    if gone:
        msg = (
            f"finding {finding.id}: the corpora no longer have {first_of(sorted(gone), SHOWN)}; "
            "a re-test needs every missed item"
        )
        raise UsageError(msg)
    drawn = {
        code: bottom_sample(names, size, seed=seed, label=finding.id)
        for code, names in fresh.items()
    }
    return RetestSelection(
        missed=finding.missed,
        fresh=tuple(name for names in drawn.values() for name in names),
        short_of=sum(size - len(names) for names in drawn.values()),
        left={code: len(names) - len(drawn[code]) for code, names in fresh.items()},
    )


def bottom_sample(names: Iterable[str], size: int, *, seed: str, label: str) -> list[str]:
    """Draw ``size`` names at random: those with the smallest keyed hashes, in their order."""
    return heapq.nsmallest(size, names, key=lambda name: _order(seed, label, name))


def _code_of(item: Item, codes: Iterable[str], *, is_of_case: bool) -> str | None:
    """Return the code that an item is of, a case or a category; None if it is of none."""
    if not is_of_case:
        return next((code for code in codes if is_of(item.category, code)), None)
    case = "" if item.stratum.startswith(TWIN) else variant_of(item.stratum)
    return case if case in codes else None


def codes_of(finding: Finding, measured: Collection[str] | None = None) -> tuple[str, ...]:
    """The categories that a re-test draws from: those of the finding that were measured.

    An empty code means any category, where the finding names none.
    """
    codes = finding.categories or ("",)
    if measured is None:
        return codes
    return tuple(code for code in codes if any(is_of(each, code) for each in measured))


def is_of(category: str, code: str) -> bool:
    """Whether a category is that of a code of ``codes_of``, or below it."""
    return not code or covers(category, code)


def judge_retest(
    finding: Finding,
    selection: RetestSelection,
    *,
    campaign: str,
    service: str,
    at: datetime,
    missed: Assessment | None,
    fresh: Assessment | None,
    is_whole: bool = False,
) -> Retest:
    """Judge a re-test; ``missed`` and ``fresh`` are assessments of its two parts by one scheme.

    With ``is_whole`` (a census) ``fresh`` is the assessment of all items, the missed ones too.

    ``campaign`` and ``service`` are those that were measured; both parts must belong to them.

    The re-test conforms only if every missed item was decided and none fails, and the outcome of a
    fresh sample of full size conforms by the requirement's own rule. It does not conform if an item
    still fails or the fresh outcome does not conform. Anything else is insufficient.
    Raises ValueError if ``missed`` counts other items as well, UsageError if a part belongs to
    another campaign or service.
    """
    _require_origin((missed, fresh), campaign, service)
    missed_outcome, fresh_outcome = _outcome_of(finding, missed), _outcome_of(finding, fresh)
    tested = missed_outcome.metric.n_of_all if missed_outcome else 0
    if tested > len(selection.missed):
        msg = f"{tested} items counted: assess the {len(selection.missed)} missed ones alone"
        raise ValueError(msg)
    failing = _failing(missed_outcome, selection)
    undecided = len(selection.missed) - tested
    is_full_size = not selection.short_of and not set(finding.missed) - set(selection.missed)
    conformity = fresh_outcome.conformity if fresh_outcome else Conformity.INSUFFICIENT
    if failing or conformity is Conformity.DOES_NOT_CONFORM:
        result = RetestResult.DOES_NOT_CONFORM
    elif undecided or not is_full_size or conformity is not Conformity.CONFORMS:
        result = RetestResult.INSUFFICIENT
    else:
        result = RetestResult.CONFORMS
    return Retest(
        campaign=campaign,
        at=at,
        outcome=result,
        statement="; ".join(_reasons(selection, failing, undecided, fresh_outcome, is_whole)),
        missed_tested=tested,
        missed_still_failing=failing,
        fresh_tested=fresh_outcome.metric.n_of_all if fresh_outcome else 0,
    )


def judge_new_campaign(finding: Finding, assessment: Assessment, at: datetime) -> Retest:
    """Judge a re-test that is a new campaign, by its outcome of the finding's requirement.

    For requirements of which no items can be tried again, such as those on a log or on mail. Raises
    UsageError for a campaign of another service.
    """
    _require_origin((assessment,), assessment.campaign, finding.service or assessment.service)
    outcome = _outcome_of(finding, assessment)
    result = RetestResult(outcome.conformity.value) if outcome else RetestResult.INSUFFICIENT
    said = list(_of_campaign(outcome)) if outcome else ["the campaign has no outcome of it"]
    return Retest(
        campaign=assessment.campaign,
        at=at,
        outcome=result,
        statement="; ".join(said),
        missed_tested=0,
        missed_still_failing=(),
        fresh_tested=outcome.metric.n_of_all if outcome else 0,
    )


def _of_campaign(outcome: Outcome) -> Iterable[str]:
    yield describe(outcome)
    if outcome.conformity is Conformity.INSUFFICIENT:
        yield "that is too little evidence"
    if outcome.conformity is not Conformity.CONFORMS:
        yield from outcome.reasons


def as_attempt(retest: Retest, plan: ActionPlan, scheme: Scheme) -> Retest:
    """The re-test with its number among those of a plan, and what its scheme asks for."""
    (requirement,) = scheme.requirements
    number = len(plan.retests) + 1
    alpha = level_of_requirement(requirement, scheme) if has_level(requirement) else 0.0
    said = f"attempt {number}" + (f", judged at {confidence(alpha)}" if alpha else "")
    return msgspec.structs.replace(
        retest,
        attempt=number,
        alpha=alpha,
        soak_days=scheme.decision.soak_days,
        statement=f"{said}: {retest.statement}",
    )


def _require_origin(parts: Iterable[Assessment | None], campaign: str, service: str) -> None:
    for part in parts:
        if part is not None and (part.campaign, part.service) != (campaign, service):
            msg = (
                f"the re-test is campaign {campaign!r} of service {service!r}, but the "
                f"assessment is of campaign {part.campaign!r} of service {part.service!r}"
            )
            raise UsageError(msg)


def _order(seed: str, finding: str, name: str) -> bytes:
    text = f"retest\x1f{seed}\x1f{finding}\x1f{name}"
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def _outcome_of(finding: Finding, assessment: Assessment | None) -> Outcome | None:
    """The outcome of the finding's requirement, profile and line, if there is one."""
    wanted = (finding.requirement, finding.profile, finding.line)
    for outcome in assessment.outcomes if assessment else ():
        if (outcome.requirement.id, outcome.profile, outcome.line) == wanted:
            return outcome
    return None


def _failing(outcome: Outcome | None, selection: RetestSelection) -> tuple[str, ...]:
    """The missed items that still fail."""
    if outcome is None:
        return ()
    adverse = {*outcome.metric.witnesses, *(witness.item for witness in outcome.witnesses)}
    return tuple(name for name in selection.missed if name in adverse)


def _reasons(
    selection: RetestSelection,
    failing: tuple[str, ...],
    undecided: int,
    fresh: Outcome | None,
    is_whole: bool,
) -> Iterable[str]:
    total = len(selection.missed)
    yield f"{len(failing)} of {total} missed items still fail" + (
        f" ({first_of(list(failing), SHOWN)})" if failing else ""
    )
    if undecided > 0:
        yield f"{undecided} of {total} missed items could not be decided"
    if selection.short_of:
        yield f"the corpora have {selection.short_of} fresh items too few"
    if fresh is None:
        yield "no fresh sample was assessed"
        return
    yield describe(fresh, "items of the whole list" if is_whole else "fresh items")
    if fresh.conformity is Conformity.INSUFFICIENT:
        yield "that is too little evidence"
        yield from (_NAME.sub("", reason, count=1) for reason in fresh.reasons)


_NAME = re.compile(r"^[a-z]+(-[a-z]+)+: ")
"""The name of a precondition, in front of what was wrong."""

SHOWN = 5
"""How many items a sentence names."""
