"""Metrics of IPv6: items that are blocked over IPv4 and open over IPv6 (IP6-01, IP6-02).

A probe over IPv6 declares the probe that does the same over IPv4 (``over_ipv4``). Only items are
compared that the policy blocks and that were blocked over IPv4: a name without an IPv6 address, or
a page that is open either way, says nothing of parity.

Pages by addresses of transition mechanisms are compared with the same pages by their names. A
mechanism counts only if the control line reached the origin by it: elsewhere a failure shows that
the network does not carry it, and not that the service stops it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from harness.estimate import rates
from harness.estimate.cases import case_of, open_cases
from harness.estimate.item_selection import Selection
from harness.estimate.outcome_groups import ClassifiedResults, GroupResult, total
from harness.estimate.rates import MeasuredMetric
from harness.estimate.url_metrics import SET_AT_CLIENT
from harness.model.metric import NOT_CARRIED, Part, Source
from harness.model.outcome_group import Adverse
from harness.model.probe import declared
from harness.model.transition_address import MAPPED, TRANSITIONS
from harness.model.verdict import State

PAGES = "pages by HTTP"
WORDS = {"web": PAGES, "web_https": "pages by HTTPS", "dns": "answers of the name server"}
"""What is compared, by the probe over IPv4."""


def ipv6_discordant(selection: Selection) -> MeasuredMetric:
    """Count the harmful items that were blocked over IPv4 and arrived over IPv6.

    Pages by HTTP must be compared; names and pages by HTTPS are where a campaign tries them.
    """
    ways = {
        probe: over_ipv4
        for probe in sorted(selection.probes_run)
        if (over_ipv4 := declared(selection.probes, probe).over_ipv4) in selection.probes_run
    }
    parts = {
        WORDS.get(over_ipv4, probe): _compare(selection, {probe: over_ipv4})
        for probe, over_ipv4 in ways.items()
    }
    parts.setdefault(PAGES, _compare(selection, {}))
    measured = _compare(selection, ways)
    metric = replace(
        measured.metric,
        parts=tuple(
            Part(group=words, source=Source(), metric=one.metric)
            for words, one in sorted(parts.items())
        ),
    )
    adverse = tuple(reference for one in parts.values() for reference in one.adverse)
    return replace(measured, metric=metric, adverse=adverse)


def ipv6_transitions_open(selection: Selection) -> MeasuredMetric:
    """Count the transition mechanisms by which a page arrived that is blocked by its name.

    Mechanisms by which the control line got no page are left out. An IPv4-mapped address counts at
    a proxy, and shows nothing of the others: without one of them the metric is undecided.
    """
    results = tuple(each for each in selection.results if case_of(each) in TRANSITIONS)
    lines = selection.campaign.lines if selection.campaign else ()
    is_at_proxy = any(one.name == selection.line and one.type in SET_AT_CLIENT for one in lines)
    carried = {case_of(each) for each in results if each.states((BY_ADDRESS,)) - {State.DOWN}} - (
        frozenset() if is_at_proxy else {MAPPED}
    )
    measured = open_cases(
        replace(selection, results=results),
        "ipv6_transitions_open",
        {case: words for case, words in TRANSITIONS.items() if case in carried},
        count=lambda part: _compare(part, {BY_ADDRESS: BY_NAME}),
    )
    if carried - {MAPPED} or not results:
        return measured
    left_out = {NOT_CARRIED: total(each for each in results if case_of(each) != MAPPED)}
    return replace(measured, metric=replace(measured.metric, left_out=left_out))


BY_ADDRESS, BY_NAME = "web_transitions", "web"
"""The probes that fetch a page by an address in which another is embedded, and by its name."""


def _compare(selection: Selection, ways: Mapping[str, str]) -> MeasuredMetric:
    """Count items by what several probes found over IPv6, and others over IPv4; the worst counts.

    ``ways`` names the probe over IPv4 by that over IPv6.
    """
    found: defaultdict[Compared, list[GroupResult]] = defaultdict(list)
    adverse: list[Adverse] = []
    for result in selection.results:
        if selection.expects(result.category) != "block":
            continue
        ends = {probe: _end(result, probe, other) for probe, other in ways.items()}
        open_ = tuple(probe for probe, end in ends.items() if end == "open")
        if open_:
            adverse.append(result.as_adverse(State.ALLOWED, open_))
        worst = next((end for end in ORDER if end in ends.values()), None)
        if worst is not None:
            found[worst].append(result)
    classified = ClassifiedResults(
        adverse=tuple(found["open"]),
        favourable=tuple(found["blocked"]),
        indeterminate=tuple(found["doubtful"]),
        down=total(found["down"]),
    )
    measured = rates.count("ipv6_discordant", classified, selection.alpha)
    return replace(measured, adverse=tuple(adverse))


Compared = Literal["open", "doubtful", "blocked", "down"]
ORDER: tuple[Compared, ...] = ("open", "doubtful", "blocked", "down")
"""What came of an item over IPv6 that is blocked over IPv4, the worst first."""


def _end(result: GroupResult, probe: str, over_ipv4: str) -> Compared | None:
    """Return what came of items over IPv6; None if they are not blocked over IPv4."""
    before, after = result.states((over_ipv4,)), result.states((probe,))
    if State.ALLOWED in before or not before & {State.BLOCKED, State.INSUFFICIENT}:
        return None
    if before == {State.BLOCKED} and State.ALLOWED in after:
        return "open"
    if after == {State.DOWN}:
        return "down"
    is_parity = before == after == {State.BLOCKED}
    return "blocked" if is_parity else "doubtful" if after else None
