"""Whether sites that share one policy differ without a declared exception (POL-09).

Items are compared one by one: an item is different at a site if it is blocked there and open at
most other sites, or the other way round. Where the sites are divided evenly, the policy decides.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from harness.estimate.item_selection import ProfileSelection, Selection
from harness.estimate.profiles import MIN_ITEMS
from harness.estimate.rates import MeasuredMetric, of_required_kind
from harness.model.corpus import is_among
from harness.model.metric import Metric
from harness.model.outcome import Witness
from harness.model.outcome_group import Adverse
from harness.model.verdict import DELIVERED, State

ONE_SITE = (
    "no other site was tried for this profile: name the site of each line under 'site', for at "
    "least two sites"
)
TOO_FEW = f"fewer than {MIN_ITEMS} items were seen to be blocked at this site"


@dataclass(slots=True)
class _SiteResult:
    """What came of the items at one site, by their ids."""

    open: dict[str, Witness] = field(default_factory=dict)
    blocked: dict[str, Witness] = field(default_factory=dict)
    undecided: dict[str, Witness] = field(default_factory=dict)


@of_required_kind
def sites_differing(selection: Selection) -> MeasuredMetric:
    """Tell whether this site differs from the others (1) or not (0), for one profile.

    ``n`` is the number of sites compared. Items of a category or host that is declared as an
    exception of the site are left aside.
    """
    site = selection.users.sites.get(selection.line, "")
    found = _by_site(selection)
    here = found.pop(site, _SiteResult())
    exceptions = selection.users.exceptions.get(site, ())
    wrong = [
        witness
        for witness in _differing(selection, here, list(found.values()))
        if not _is_excepted(witness, exceptions)
    ]
    barred = ONE_SITE if not site or not found else TOO_FEW if len(here.blocked) < MIN_ITEMS else ""
    n = 1 + len(found) if site and found else 0
    value = float(bool(wrong)) if n else None
    undecided = sum(not _is_excepted(one, exceptions) for one in here.undecided.values())
    declared = f"; declared exceptions: {', '.join(exceptions)}" if exceptions else ""
    metric = Metric(
        name="sites_differing",
        unit="sites",
        value=value,
        k=int(bool(wrong)),
        n=n,
        indeterminate=undecided,
        lower=value,
        upper=value,
        method=f"items compared one by one with those of {len(found)} other sites{declared}",
        alpha=selection.alpha,
    )
    return MeasuredMetric(metric=metric, witnesses=tuple(wrong), barred=barred)


def _by_site(selection: Selection) -> dict[str, _SiteResult]:
    """What came of the items for this profile at each site that has a name."""
    sites, found = selection.users.sites, defaultdict[str, _SiteResult](_SiteResult)
    for one in selection.everywhere() if len(set(sites.values())) > 1 else ():
        if one.line in sites and one.profile == selection.profile and one.results:
            _add(found[sites[one.line]], one, selection)
    return dict(found)


def _add(site: _SiteResult, here: ProfileSelection, selection: Selection) -> None:
    """Add the results of one line; an item that is open on one line of a site is open there."""
    opened: list[Adverse] = []
    blocked: list[Adverse] = []
    undecided: list[Adverse] = []
    for result in here.results:
        states = result.states()
        wanted, group = states, undecided
        if states & DELIVERED:
            wanted, group = states & DELIVERED, opened
        elif states == {State.BLOCKED}:
            group = blocked
        group += (result.as_adverse(state) for state in wanted)
    for target, references in (
        (site.open, opened),
        (site.blocked, blocked),
        (site.undecided, undecided),
    ):
        witnesses = selection.verdict_counts.witnesses(tuple(references))
        target.update((witness.item, witness) for witness in witnesses)
    for item in site.open:
        site.blocked.pop(item, None)


def _differing(
    selection: Selection, here: _SiteResult, others: list[_SiteResult]
) -> Iterator[Witness]:
    """Yield the items that this site handles otherwise than the others."""
    for item, witness in (*here.open.items(), *here.blocked.items()):
        is_open = item in here.open
        alike = 1 + sum(item in (one.open if is_open else one.blocked) for one in others)
        different = sum(item in (one.blocked if is_open else one.open) for one in others)
        asked = selection.expects(witness.category)
        is_against = asked != ("allow" if is_open else "block")
        if different > alike or (different == alike and is_against):
            yield witness


def _is_excepted(witness: Witness, exceptions: tuple[str, ...]) -> bool:
    """Whether an exception names the item's category or its host."""
    hosts = {witness.value, witness.value.partition("://")[2].partition("/")[0]}
    return is_among(witness.category, exceptions) or bool(hosts & set(exceptions))
