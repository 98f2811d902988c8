"""What a campaign left out of the items that its scheme asks for.

Somebody who chooses items, categories or sizes can choose the result. So an assessment names it in
its first line, and no decision rests on it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from harness.assess.declared_conformity import compared
from harness.errors import first_of
from harness.model.corpus import bare_code, covers, is_among
from harness.model.journal_header import JournalHeader
from harness.model.metric_spec import spec_of
from harness.model.outcome import Assessment, CategoryRate, Outcome
from harness.model.scheme import Policy, Requirement, Scheme
from harness.model.search_case import METRIC_CASES

NAMED = 4
"""How many categories or requirements are named."""

CONTROL = "CTRL"
"""The category of sentinels, of which a policy expects nothing."""


def completed(assessment: Assessment, header: JournalHeader, scheme: Scheme) -> Assessment:
    """Add what was left out of the items, and what the supplier declares otherwise."""
    left = items_left_out(header, scheme, assessment.outcomes, assessment.rates)
    return compared(replace(assessment, reduced=left))


def items_left_out(
    header: JournalHeader,
    scheme: Scheme,
    outcomes: Iterable[Outcome],
    rates: Iterable[CategoryRate],
) -> tuple[str, ...]:
    """Return what was left out, in a few words each: items by id, categories, sizes.

    Of other people's measurements nothing was planned, so nothing is said.
    """
    if header.foreign:
        return ()
    binding = [
        one
        for one in outcomes
        if one.requirement.binding
        and one.profile in header.campaign.profiles
        and _counts_categories(one.requirement)
    ]
    tried = {bare_code(one.category) for one in rates}
    held = {bare_code(each) for each in header.frames}
    codes = dict.fromkeys(
        code
        for one in binding
        for code in left_out_of(
            one.requirement, scheme.policy, header.campaign.phase_of(one.profile), tried, held
        )
    )
    small = dict.fromkeys(
        f"{one.requirement.id} {one.metric.tried} of {one.requirement.n_min}"
        for one in binding
        if 0 < one.metric.tried < one.requirement.n_min and one.sequential is None
    )
    return tuple(_words(header, list(codes), list(small)))


def left_out_of(
    requirement: Requirement,
    policy: Policy,
    phase: str,
    tried: Collection[str],
    held: Collection[str],
) -> tuple[str, ...]:
    """Return the categories that a requirement asks for in a phase, and that nothing was tried of.

    If it names none, they are those ``held`` by the campaign's packs of which the policy expects
    what is measured.
    """
    measure = requirement.measure
    asked = measure.categories or sorted(set(held) - {CONTROL})
    return tuple(
        code
        for code in asked
        if (measure.expectation is None or policy.expects(code, phase) == measure.expectation)
        and not any(covers(one, code) for one in tried)
        and not (not measure.categories and is_among(code, tried))
    )


def _counts_categories(requirement: Requirement) -> bool:
    """Whether a requirement is a rate of items of categories."""
    metric = requirement.measure.metric
    spec = spec_of(metric)
    return (
        spec.is_rate
        and spec.counts_items
        and not spec.of_techniques
        and metric not in METRIC_CASES
        and requirement.rests_on in ("real", "agreed")
        and bool(requirement.measure.categories or requirement.measure.expectation)
    )


def _words(header: JournalHeader, codes: list[str], small: list[str]) -> Iterator[str]:
    chosen = sum(len(each.items) for each in header.campaign.corpora)
    if chosen:
        yield f"{chosen} items chosen by id" if chosen > 1 else "1 item chosen by id"
    if codes:
        yield f"categories left out: {first_of(codes, NAMED)}"
    if small:
        yield f"sizes reduced: {first_of(small, NAMED)}"
