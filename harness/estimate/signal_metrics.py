"""The metric of network signals: names by which a network switches unfiltered DNS off (CIR-06).

The network's name server must say that each agreed name has no address, which is judged by the
probes ``dns`` and ``dns_aaaa`` like any name. Another kind of block, such as a false address or
silence, is not the agreed signal. A designated resolver (RFC 9462) is a technique: it must not lead
to a blocked page.
"""

from __future__ import annotations

from dataclasses import replace

from harness.estimate import rates
from harness.estimate.cases import open_cases
from harness.estimate.item_selection import Selection
from harness.estimate.outcome_groups import ClassifiedResults, GroupResult
from harness.estimate.rates import MeasuredMetric
from harness.estimate.technique_metrics import case_of, count_techniques
from harness.model.technique import SIGNALS_ASKED
from harness.model.verdict import Mechanism, State

ADDRESSES, ADDRESSES_6 = "dns", "dns_aaaa"
"""The probes that ask for the addresses of an agreed name."""

GIVEN = frozenset({Mechanism.DNS_NXDOMAIN, Mechanism.DNS_NODATA})
"""The agreed answers."""

REFUSED = frozenset({Mechanism.DNS_REFUSED, Mechanism.DNS_SERVFAIL})
"""Answers that are a signal for Mozilla alone."""


def network_signals_dishonoured(selection: Selection) -> MeasuredMetric:
    """Count the signals that are not given; each of ``SIGNALS_ASKED`` must be decided."""
    results = tuple(each for each in selection.results if _signal_of(each) in SIGNALS_ASKED)
    narrowed = replace(selection, results=results)
    name = "network_signals_dishonoured"
    return open_cases(narrowed, name, SIGNALS_ASKED, case_of=_signal_of, count=_counted)


def _signal_of(result: GroupResult) -> str:
    case = case_of(result)
    return case.name if case is not None and case.group == "signal" else ""


def _counted(selection: Selection) -> MeasuredMetric:
    """Count the names of one signal that have an address, or the designated resolvers that open."""
    if any(_signal_of(each) == "ddr" for each in selection.results):
        return count_techniques(selection, "network_signals_dishonoured")
    ends = {each.group.number: is_given(each) for each in selection.results}
    classified = ClassifiedResults(
        adverse=tuple(each for each in selection.results if ends[each.group.number] is False),
        favourable=tuple(each for each in selection.results if ends[each.group.number]),
        indeterminate=tuple(each for each in selection.results if ends[each.group.number] is None),
    )
    measured = rates.count("network_signals_dishonoured", classified, selection.alpha)
    adverse = tuple(
        each.as_adverse(state, (probe,))
        for each in classified.adverse
        for probe in (ADDRESSES, ADDRESSES_6)
        for state in (State.ALLOWED, State.BLOCKED)
        if state in each.states((probe,))
    )
    return replace(measured, adverse=adverse)


def is_given(result: GroupResult) -> bool | None:
    """Whether an agreed name has no address, as the signal wants; None if that is not known.

    A name without an address over IPv6 on the control line is asked for over IPv4 alone.
    """
    first, second = (_without_down(result, probe) for probe in (ADDRESSES, ADDRESSES_6))
    found = first | second
    if not first or State.INSUFFICIENT in found:
        return False if State.ALLOWED in found else None
    if State.ALLOWED in found:
        return False
    mechanisms = {
        one.mechanism
        for one in result.for_probes((ADDRESSES, ADDRESSES_6))
        if one.state is State.BLOCKED
    }
    if mechanisms - (GIVEN | REFUSED if _signal_of(result) == "mozilla" else GIVEN):
        return False
    knows_both = bool(result.states((ADDRESSES_6,)))
    return True if knows_both or Mechanism.DNS_NODATA not in mechanisms else None


def _without_down(result: GroupResult, probe: str) -> set[State]:
    return result.states((probe,)) - {State.DOWN}
