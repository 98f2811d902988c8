"""Protocols beside the web: which behave otherwise than the campaign declares (URL-16).

Of a protocol that is declared to be blocked, an attempt that got through counts; of one that is
allowed, a block. Of one that is declared out of scope either will do, but it must be seen. One of
which nothing is declared decides nothing; nor does one that is allowed for every profile, because
that does not show that the service can control it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from harness.estimate import rates
from harness.estimate.cases import case_of, open_cases, undecided
from harness.estimate.item_selection import Selection
from harness.estimate.outcome_groups import classify_results
from harness.estimate.rates import MeasuredMetric
from harness.model.protocol_case import NAMED_PROTOCOLS, NEVER_BLOCKED, Handled, handled_in
from harness.model.verdict import State

UNDECLARED_PROTOCOLS = "what the service does with protocols beside the web is not declared"


def protocol_mismatches(selection: Selection) -> MeasuredMetric:
    """Count the protocols that behave otherwise than declared for the profile."""
    profiles = selection.campaign.profiles if selection.campaign else {}
    handled = handled_in({name: one.protocols for name, one in profiles.items()}, selection.profile)
    words = {case: text + _NOTES.get(handled[case], "") for case, text in NAMED_PROTOCOLS.items()}

    def wrong_items(part: Selection) -> MeasuredMetric:
        several = {handled[case_of(one)] for one in part.results}
        return _COUNTS[several.pop()](part) if len(several) == 1 else undecided(part)

    counted = open_cases(
        selection, "protocol_mismatches", words, case_of=case_of, count=wrong_items
    )
    is_declared = any(how is not None for how in handled.values())
    return counted if is_declared else replace(counted, barred=UNDECLARED_PROTOCOLS)


def _seen(selection: Selection) -> MeasuredMetric:
    """Count no item against the service that was seen to be blocked, or to get through."""
    found = classify_results(
        selection.results, State.ALLOWED, State.BLOCKED, selection.measure.probes
    )
    either = replace(found, adverse=(), favourable=found.adverse + found.favourable)
    return rates.count("seen", either, selection.alpha)


_COUNTS: dict[Handled, Callable[[Selection], MeasuredMetric]] = {
    "block": rates.missed,
    "allow": rates.overblocked,
    "out_of_scope": _seen,
    "never_blocked": undecided,
    None: undecided,
}
"""What counts against the service, by what it declares of a protocol."""

_NOTES: dict[Handled, str] = {
    "out_of_scope": " (declared out of scope)",
    "never_blocked": f" ({NEVER_BLOCKED})",
    None: " (not declared)",
}
"""What is said of a protocol whose declaration asks nothing, or decides nothing."""
