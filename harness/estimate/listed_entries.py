"""Metrics of lists of illegal addresses: entries missed, collateral blocks, and overrides.

Blocks of harmless neighbours count against a service wherever they occur. That neighbours stay open
shows something only where the listed pages beside them were blocked: until then they count as
undecided.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from harness.estimate import rates
from harness.estimate.item_selection import Selection, is_wanted
from harness.estimate.outcome_groups import ClassifiedResults, GroupResult, classify_results
from harness.estimate.rates import MeasuredMetric
from harness.estimate.worst_group import Subgroup, parts_of
from harness.model.content_form import variant_of
from harness.model.corpus import SEALED, TWIN, covers
from harness.model.listed_page import (
    ACTIONS,
    ADDRESS,
    HARD_CASES,
    LIST_SCHEMES,
    SEVERAL_ADDRESSES,
    SITE,
    OverrideAttempt,
    case_of,
)
from harness.model.metric import Source
from harness.model.probe import declared
from harness.model.verdict import State


class _Part(NamedTuple):
    """A part of a metric: its name, what was found of it, and the probes that found it."""

    name: str
    classified: ClassifiedResults
    probes: tuple[str, ...] = ()


def list_entries_missed(selection: Selection) -> MeasuredMetric:
    """Count the list entries that got through, by category and by how they were tried.

    HTTP and HTTPS are wanted, unless no probe of the line fetches anything (``dns``). What other
    probes found counts as well. If any entry of a sealed list is tried, these entries are wanted
    over both schemes as well.
    """
    return _missed(selection, "list_entries_missed", tuple(_entry_parts(selection)))


def _entry_parts(selection: Selection) -> Iterator[_Part]:
    paths = _probes_by_path(selection)
    for code in selection.measure.categories:
        if not is_wanted(selection.measure, selection.codes, selection.expects, code):
            continue
        results = [each for each in selection.results if covers(each.category, code)]
        for path, probes in paths.items():
            tried = [each for each in results if probes and each.states(probes)]
            found = classify_results(tried, State.ALLOWED, State.BLOCKED, probes)
            if tried or path != OTHER_PROBES:
                yield _Part(f"{code} {path}", found, probes)


OTHER_PROBES = "by other probes"
SEALED_ENTRIES = "of the sealed list"
_SCHEMES = {"web": "http", "web_https": "https"}
"""The schemes of probes in journals that do not declare them."""


def _probes_by_path(selection: Selection) -> dict[str, tuple[str, ...]]:
    """Return the probes of the line by what they try: each scheme, if any fetches, and the rest.

    Probes for entries of a sealed list stand apart, so that other entries do not stand for them.
    """
    known = {name: declared(selection.probes, name) for name in sorted(selection.probes_run)}
    sealed = {name: one for name, one in known.items() if SEALED in one.kinds}
    others = {name: one for name, one in known.items() if name not in sealed}
    paths: dict[str, list[str]] = {}
    if any(one.needs == "fetch" for one in others.values()):
        paths = {words: [] for words in (*LIST_SCHEMES.values(), OTHER_PROBES)}
        for name, one in others.items():
            scheme = one.only_scheme or _SCHEMES.get(name, "")
            paths[LIST_SCHEMES.get(scheme, OTHER_PROBES)].append(name)
    elif others or not sealed:
        paths = {"by name": list(others)}
    for scheme, words in LIST_SCHEMES.items() if sealed else ():
        tried = [name for name, one in sealed.items() if one.only_scheme == scheme]
        paths[f"{SEALED_ENTRIES} {words}"] = tried
    return {path: tuple(probes) for path, probes in paths.items()}


def hard_entries_missed(selection: Selection) -> MeasuredMetric:
    """Count the list entries that are hard to match and got through; each case is wanted."""
    parts: list[_Part] = []
    for case, words in HARD_CASES.items():
        for scheme, over in LIST_SCHEMES.items():
            found = _blocks(selection, _of_case(selection, case, scheme))
            if case == SEVERAL_ADDRESSES and found.right < FEWEST_BY_ADDRESS:
                found = _undecided(found)
            parts.append(_Part(f"entries {words} {over}", found))
    return _missed(selection, "hard_entries_missed", parts)


FEWEST_BY_ADDRESS = 2
"""The fewest entries of a host with several addresses: the name server names each in turn."""


def _undecided(found: ClassifiedResults) -> ClassifiedResults:
    """Return results of which those in favour of the service show nothing."""
    undecided = (*found.favourable, *found.indeterminate)
    return replace(found, favourable=(), indeterminate=undecided)


def collateral_blocks(selection: Selection) -> MeasuredMetric:
    """Count the other pages of a listed site that were blocked."""
    return _collateral(selection, "collateral_blocks", SITE, "other pages of a listed site")


def shared_address_collateral(selection: Selection) -> MeasuredMetric:
    """Count the harmless sites at the same IP address as a blocked one that were blocked."""
    words = "sites at the address of a blocked site"
    return _collateral(selection, "shared_address_collateral", ADDRESS, words)


def _collateral(selection: Selection, name: str, case: str, words: str) -> MeasuredMetric:
    parts: list[_Part] = []
    for scheme, over in LIST_SCHEMES.items():
        listed = _blocks(selection, _of_case(selection, case, scheme))
        neighbours = _of_case(selection, case, scheme, twins=True)
        probes = selection.measure.probes
        found = classify_results(neighbours, State.BLOCKED, State.ALLOWED, probes)
        is_shown = listed.right > 0 and not (listed.wrong or listed.doubtful)
        why = ""
        if not is_shown and found.favourable:
            found = _undecided(found)
            why = ", where the listed pages themselves were not blocked"
        parts.append(_Part(f"{words} {over}{why}", found))
    return _counted(selection, name, parts, State.BLOCKED)


def overrides(selection: Selection) -> MeasuredMetric:
    """Count the illegal pages that a school role could open.

    The campaign records which role tried what on which canaries before it began. Each role has to
    have tried each action on a canary of each list, for the profile.
    """
    declared_overrides = selection.campaign.overrides if selection.campaign else None
    roles = declared_overrides.roles if declared_overrides else ()
    attempts = declared_overrides.attempts if declared_overrides else ()
    own = [each for each in attempts if selection.profile in each.profiles]
    codes = [
        code
        for code in selection.measure.categories
        if is_wanted(selection.measure, selection.codes, selection.expects, code)
    ]
    parts = [
        _Part(
            f"{role}, {words}, {code}",
            _blocks(selection, _of_attempts(selection, _of(own, role, action), code)),
        )
        for role in roles
        for action, words in ACTIONS.items()
        for code in codes
    ]
    measured = _missed(selection, "overrides", parts)
    why = f"{NO_ATTEMPT} for {selection.profile} ('overrides' in the campaign file)"
    return measured if own else replace(measured, barred=why)


NO_ATTEMPT = "the campaign records no attempt of a school role to lift a block"


def _of(attempts: Iterable[OverrideAttempt], role: str, action: str) -> frozenset[str]:
    """Return the canaries on which a role tried an action."""
    return frozenset(
        canary
        for attempt in attempts
        if (attempt.role, attempt.action) == (role, action)
        for canary in attempt.canaries
    )


def _of_attempts(
    selection: Selection, canaries: Collection[str], code: str
) -> tuple[GroupResult, ...]:
    return tuple(
        result
        for result in selection.results
        if variant_of(result.group.stratum) in canaries and covers(result.category, code)
    )


def _of_case(
    selection: Selection, case: str, scheme: str, *, twins: bool = False
) -> tuple[GroupResult, ...]:
    """Return the results of a case by a scheme: of listed pages, or of their neighbours."""
    return tuple(
        result
        for result in selection.results
        if case_of(result.group.stratum) == (case, scheme)
        and result.group.stratum.startswith(TWIN) == twins
    )


def _blocks(selection: Selection, results: Iterable[GroupResult]) -> ClassifiedResults:
    return classify_results(results, State.ALLOWED, State.BLOCKED, selection.measure.probes)


def _missed(selection: Selection, name: str, parts: Iterable[_Part]) -> MeasuredMetric:
    return _counted(selection, name, parts, State.ALLOWED)


def _counted(
    selection: Selection, name: str, parts: Iterable[_Part], adverse: State
) -> MeasuredMetric:
    """Return the count over all parts; an item in several of them counts once, by its worst."""
    listed = list(parts)
    source = next(iter(selection.basis.sources), Source())
    measured = [
        (Subgroup(part.name, source, ""), rates.count(name, part.classified, selection.alpha))
        for part in listed
    ]
    whole = rates.count(name, _joined([part.classified for part in listed]), selection.alpha)
    references = tuple(
        dict.fromkeys(
            result.as_adverse(adverse, part.probes or selection.measure.probes)
            for part in listed
            for result in part.classified.adverse
        )
    )
    metric = replace(whole.metric, parts=parts_of(selection, measured))
    return MeasuredMetric(metric=metric, adverse=references)


def _joined(several: Iterable[ClassifiedResults]) -> ClassifiedResults:
    """Return all results once: adverse before undecided, undecided before favourable, these last.

    Items that were down count only where nothing else was found of them.
    """
    found = list(several)
    taken: set[tuple[int, str]] = set()

    def new(results: Iterable[GroupResult]) -> tuple[GroupResult, ...]:
        fresh = []
        for result in results:
            key = (result.group.number, result.profile)
            if key not in taken:
                taken.add(key)
                fresh.append(result)
        return tuple(fresh)

    adverse = new(result for one in found for result in one.adverse)
    undecided = new(result for one in found for result in one.indeterminate)
    dead = new(result for one in found for result in one.dead)
    favourable = new(result for one in found for result in one.favourable)
    mechanisms: dict[str, int] = {}
    for one in found:
        for mechanism, number in one.mechanisms.items():
            mechanisms[mechanism] = max(number, mechanisms.get(mechanism, 0))
    return ClassifiedResults(
        adverse=adverse,
        favourable=favourable,
        indeterminate=undecided,
        dead=dead,
        down=sum(result.items for result in dead),
        mechanisms=mechanisms,
    )
