"""Crossover: measure half of the rounds with the two physical connections exchanged.

If service and control always used the same two network cards, a fault of the equipment could look
like a filter. So odd rounds use the connections as declared. Before the even rounds the assessor
swaps the two cables, and the service's line uses the control's connection.
"""

from __future__ import annotations

from typing import Any

from harness.errors import UsageError
from harness.model.batch import Half
from harness.model.campaign import Campaign

BINDABLE = "interface"
"""The type of line that can be bound to a connection."""

CONNECTION = ("address", "device", "netns")
"""The options that bind it; all others belong to the network at the far end of the cable."""


def half_of(campaign: Campaign, *, swapped: bool = False) -> Half:
    """Return which half is measured. Raises UsageError where a crossover is impossible."""
    if not campaign.crossover:
        if swapped:
            msg = "the campaign has no 'crossover: true', so nothing is measured swapped"
            raise UsageError(msg)
        return "all"
    lines = campaign.lines
    types = [*(line.type for line in lines), campaign.control.type]
    if types != [BINDABLE, BINDABLE]:
        msg = f"needs one line and a control that are both of type {BINDABLE!r}"
    elif campaign.rounds % 2:
        msg = f"needs an even number of 'rounds'; there are {campaign.rounds}"
    elif campaign.stopping is not None:
        msg = "cannot go with 'stopping', which ends before the halves are equal"
    elif any(name in each for each in lines[0].by_profile.values() for name in CONNECTION):
        msg = f"needs one connection for all profiles: no {_listed()} under 'by_profile'"
    elif _connection(lines[0].options) == _connection(campaign.control.options):
        msg = f"needs two connections: line and control differ in none of {_listed()}"
    else:
        return "swapped" if swapped else "straight"
    raise UsageError(msg)


def with_swapped_connections(campaign: Campaign) -> Campaign:
    """The campaign with the connections of line and control exchanged; all else unchanged."""
    (line,), control = campaign.lines, campaign.control
    ours, theirs = _connection(line.options), _connection(control.options)
    crossed = line.model_copy(update={"options": _rest(line.options) | theirs})
    return campaign.model_copy(
        update={
            "lines": (crossed,),
            "control": control.model_copy(update={"options": _rest(control.options) | ours}),
        }
    )


def _connection(options: dict[str, Any]) -> dict[str, Any]:
    return {name: options[name] for name in CONNECTION if options.get(name)}


def _rest(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name not in CONNECTION}


def _listed() -> str:
    return ", ".join(map(repr, CONNECTION))
