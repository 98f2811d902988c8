"""Metrics of name servers: blocks in every form of a query, and checks of signatures and answers.

Forms of queries are compared name by name: a form is open if it answered a name that another form,
or another query, found blocked. A name that no query found blocked is no blocked name; whether it
should be one is a matter of other requirements.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

import msgspec

from harness.estimate.cases import open_cases
from harness.estimate.item_selection import Selection
from harness.estimate.outcome_groups import GroupResult, total
from harness.estimate.rates import CENSUS, MeasuredMetric
from harness.model.block_flaw import BlockFlaw
from harness.model.content_form import variant_of
from harness.model.metric import Metric, Part, Source
from harness.model.outcome_group import Adverse
from harness.model.query_case import FORMS_OF_QUERIES, LONGEST_BLOCK, QUERY, query_form
from harness.model.verdict import State

NEVER_BLOCKED = "names that no query found blocked"


def inconsistent_types(selection: Selection) -> MeasuredMetric:
    """Count the forms of queries in which a name is answered that is blocked in another form.

    Only names that the policy blocks count. Each form must be tried with a blocked name.
    """
    results = _forms(selection)
    names = _names(selection, results)
    blocked = [name for name in names if any(State.BLOCKED in one.states() for one in name.results)]
    items: Counter[int] = Counter()
    for name in blocked:
        for one, items_of_name in zip(name.results, name.items, strict=True):
            items[one.group.number] += items_of_name * name.number
    counted = tuple(
        replace(one, group=msgspec.structs.replace(one.group, items=items[one.group.number]))
        for one in results
        if items[one.group.number]
    )
    measured = open_cases(
        replace(selection, results=counted), "inconsistent_types", FORMS_OF_QUERIES
    )
    others = sum(name.number for name in names) - sum(name.number for name in blocked)
    left_out = measured.metric.left_out | ({NEVER_BLOCKED: others} if others else {})
    return replace(measured, metric=replace(measured.metric, left_out=left_out))


class _Name(NamedTuple):
    """A ``number`` of names with the same results: in each of these groups so many items."""

    results: tuple[GroupResult, ...]
    items: tuple[int, ...]
    number: int


def _forms(selection: Selection) -> tuple[GroupResult, ...]:
    """Return the results of names that the policy blocks, in forms that DNS-02 needs."""
    return tuple(
        each
        for each in selection.results
        if variant_of(each.group.stratum) in FORMS_OF_QUERIES
        and selection.expects(each.category) == "block"
    )


def _names(selection: Selection, results: Iterable[GroupResult]) -> list[_Name]:
    """Return the names of results, by the domains that the items belong to."""
    by_number = {one.group.number: one for one in results}
    names: list[_Name] = []
    for composition, number in selection.domains:
        found = [(by_number[group], items) for group, items in composition if group in by_number]
        if found:
            several, counts = zip(*found, strict=True)
            names.append(_Name(several, counts, number))
    return names


SIGNED = "signed names arrive with valid signatures"
FORGED = "names with forged signatures are refused"
REASONS = "blocks give a reason (extended DNS error 15, 16 or 17)"
SHORT = f"blocks may be kept for at most {LONGEST_BLOCK} s"
UNVALIDATED = "forged names: the name server does not say that it validates signatures"


class _Check(NamedTuple):
    """One check: the results that pass and fail it, and those that decide nothing."""

    words: str
    good: tuple[GroupResult, ...]
    bad: tuple[GroupResult, ...]
    doubtful: tuple[GroupResult, ...]
    adverse: State

    @property
    def is_decided(self) -> bool:
        """Whether something failed, or everything that was tried passed."""
        return bool(self.bad) or (bool(self.good) and not self.doubtful)


def resolver_checks(selection: Selection) -> MeasuredMetric:
    """Compute the share of checks that a name server passes: signatures, reasons, times to live.

    A check that was not tried, or could not be decided, leaves the metric undecided. That forged
    signatures are refused is asked only of a name server that says that it validates (flag AD).
    """
    by_case: defaultdict[str, list[GroupResult]] = defaultdict(list)
    for each in selection.results:
        by_case[variant_of(each.group.stratum)].append(each)
    checks = [
        _signed(SIGNED, by_case[f"{QUERY}signed"], State.ALLOWED, State.ALTERED),
        *_answers(selection),
    ]
    claims = {state for one in by_case[f"{QUERY}authentic"] for state in one.states()}
    left_out: dict[str, int] = {}
    forged = by_case[f"{QUERY}forged"]
    if claims == {State.ALTERED}:
        left_out[UNVALIDATED] = total(forged)
    elif State.ALLOWED in claims:
        checks.append(_signed(FORGED, forged, State.BLOCKED, State.ALLOWED))
    else:
        checks.append(_Check(FORGED, (), (), tuple(forged), State.ALLOWED))
    return _of_checks(selection, checks, left_out)


def _signed(words: str, results: Iterable[GroupResult], right: State, wrong: State) -> _Check:
    """Return a check of signatures: one name that failed it is enough."""
    good: list[GroupResult] = []
    bad: list[GroupResult] = []
    doubtful: list[GroupResult] = []
    for each in results:
        states = each.states()
        if wrong in states:
            bad.append(each)
        elif states == {right}:
            good.append(each)
        elif states != {State.DOWN}:
            doubtful.append(each)
    return _Check(words, tuple(good), tuple(bad), tuple(doubtful), wrong)


def _answers(selection: Selection) -> tuple[_Check, ...]:
    """Return the checks of answers that block; of reasons only queries that can be given one."""
    blocks = [one for one in _forms(selection) if State.BLOCKED in one.states()]
    found: list[_Check] = []
    for words, flaw in ((REASONS, BlockFlaw.UNANNOUNCED), (SHORT, BlockFlaw.KEPT_LONG)):
        asked = [one for one in blocks if flaw is BlockFlaw.KEPT_LONG or _has_edns(one)]
        bad = tuple(one for one in asked if flaw & _flaws(one))
        good = tuple(one for one in asked if not flaw & _flaws(one))
        found.append(_Check(words, good, bad, (), State.BLOCKED))
    return tuple(found)


def _has_edns(result: GroupResult) -> bool:
    form = query_form(variant_of(result.group.stratum))
    return form is not None and form.edns != "none"


def _flaws(result: GroupResult) -> BlockFlaw:
    """Return the flaws of all blocked trials of a group; unknown ones count as no reason."""
    joined = BlockFlaw(0)
    for one in result.probe_states:
        if one.state is State.BLOCKED:
            joined |= BlockFlaw.UNANNOUNCED if one.flaws is None else BlockFlaw(one.flaws)
    return joined


def _of_checks(
    selection: Selection, checks: Iterable[_Check], left_out: dict[str, int]
) -> MeasuredMetric:
    several = list(checks)
    decided = [one for one in several if one.is_decided]
    passed = sum(not one.bad for one in decided)
    n = len(decided)
    value = passed / n if n else None
    metric = Metric(
        name="resolver_checks",
        unit="share",
        value=value,
        k=passed,
        n=n,
        indeterminate=len(several) - n,
        lower=value,
        upper=value,
        method=CENSUS,
        alpha=selection.alpha,
        left_out=left_out,
        parts=tuple(_part(selection, one) for one in several),
    )
    return MeasuredMetric(metric=metric, adverse=tuple(_against(several)))


def _against(checks: Iterable[_Check]) -> Iterable[Adverse]:
    for check in checks:
        for one in check.bad:
            yield one.as_adverse(check.adverse)


def _part(selection: Selection, check: _Check) -> Part:
    good, bad, doubtful = map(total, (check.good, check.bad, check.doubtful))
    value = good / (good + bad) if good + bad else None
    metric = Metric(
        name=selection.measure.metric,
        unit="share",
        value=value,
        k=good,
        n=good + bad,
        indeterminate=doubtful,
        lower=value,
        upper=value,
        method=CENSUS,
        alpha=selection.alpha,
    )
    return Part(group=check.words, source=Source(), metric=metric)
