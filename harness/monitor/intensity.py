"""How strictly a service is inspected: the switching rules of ISO 2859-1:1999, 9.3 and 9.4.

A lot is one run. Only the rules between intensities are borrowed, not the sampling plans. From the
standard we depart in two ways. Reduced inspection begins after ten accepted lots in a row, not by a
switching score. A lot may be undecided: it never counts as accepted, so it ends a row of accepted
lots, and never as not accepted; among the last five lots it takes no place, so that it does not
hide one that was not accepted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from harness.model.surveillance_event import Intensity
from harness.monitor.monitoring_file import IntensityDeclaration

Lot = Literal["accepted", "not_accepted", "undecided", "missed", "resumed"]
"""The outcome of a run. *missed*: it was due and not made. *resumed*: a re-test conformed."""

LOOKED_BACK = 5
NOT_ACCEPTED_TO_TIGHTEN = 2
ACCEPTED_TO_NORMAL = 5
ACCEPTED_TO_REDUCED = 10
NOT_ACCEPTED_TO_DISCONTINUE = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class IntensityState:
    """The intensity, and what the next switch depends on.

    ``in_row`` is the number of accepted lots in a row at this intensity; ``recent`` whether each
    of the last four decided lots was accepted, while normal; ``not_accepted`` the number of lots
    that were not accepted while tightened.
    """

    intensity: Intensity = "normal"
    in_row: int = 0
    recent: tuple[bool, ...] = ()
    not_accepted: int = 0


def switch(state: IntensityState, lot: Lot, *, may_reduce: bool = False) -> IntensityState:
    """Return the state after one more lot. ``may_reduce``: reduced inspection is declared.

    Normal becomes tightened when 2 of 5 or fewer lots in a row are not accepted (9.3.1); tightened
    becomes normal after 5 accepted in a row (9.3.2); normal becomes reduced after 10 accepted in a
    row (9.3.3); reduced becomes normal when a lot is anything but accepted (9.3.4). Inspection is
    discontinued when 5 lots were not accepted while tightened, and resumes as tightened (9.4).
    """
    if state.intensity == "discontinued":
        return IntensityState(intensity="tightened") if lot == "resumed" else state
    if lot == "resumed":
        return state
    if state.intensity == "tightened":
        return _while_tightened(state, lot)
    if state.intensity == "reduced" and lot == "accepted" and may_reduce:
        return replace(state, in_row=state.in_row + 1)
    if state.intensity == "reduced":
        state = IntensityState()
    return _while_normal(state, lot, may_reduce=may_reduce)


def intensity_after(lots: Iterable[Lot], *, may_reduce: bool = False) -> IntensityState:
    """Return the state after lots in the order of their due times, beginning with normal."""
    state = IntensityState()
    for lot in lots:
        state = switch(state, lot, may_reduce=may_reduce)
    return state


def sample_factor(state: IntensityState, declared: IntensityDeclaration) -> float:
    """Return what the sample sizes of a run are multiplied by."""
    is_stricter = state.intensity in ("tightened", "discontinued")
    return declared.tightened.samples if is_stricter else 1.0


def runs_every(state: IntensityState, declared: IntensityDeclaration) -> int:
    """Return which due runs are made: each (1), each second (2), and so on."""
    if state.intensity == "reduced" and declared.reduced is not None:
        return declared.reduced.every
    return 1


def _while_normal(state: IntensityState, lot: Lot, *, may_reduce: bool) -> IntensityState:
    if lot not in ("accepted", "not_accepted"):
        return replace(state, in_row=0)
    lots = (*state.recent, lot == "accepted")
    if lots.count(False) >= NOT_ACCEPTED_TO_TIGHTEN:
        return IntensityState(intensity="tightened")
    in_row = state.in_row + 1 if lot == "accepted" else 0
    if may_reduce and in_row >= ACCEPTED_TO_REDUCED:
        return IntensityState(intensity="reduced")
    return IntensityState(in_row=in_row, recent=lots[-(LOOKED_BACK - 1) :])


def _while_tightened(state: IntensityState, lot: Lot) -> IntensityState:
    in_row = state.in_row + 1 if lot == "accepted" else 0
    if in_row >= ACCEPTED_TO_NORMAL:
        return IntensityState()
    not_accepted = state.not_accepted + (lot == "not_accepted")
    if not_accepted >= NOT_ACCEPTED_TO_DISCONTINUE:
        return IntensityState(intensity="discontinued")
    return IntensityState(intensity="tightened", in_row=in_row, not_accepted=not_accepted)
