"""Metrics of IPv6: items that are blocked over IPv4 and open over IPv6 (IP6-01).

A probe over IPv6 declares the probe that does the same over IPv4 (``over_ipv4``). Only items are
compared that the policy blocks and that were blocked over IPv4: a name without an IPv6 address, or
a page that is open either way, says nothing of parity.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from harness.estimate import rates
from harness.estimate.item_selection import Selection
from harness.estimate.outcome_groups import ClassifiedResults, GroupResult, total
from harness.estimate.rates import MeasuredMetric
from harness.model.metric import Part, Source
from harness.model.outcome_group import Adverse
from harness.model.probe import declared
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
