"""Crossover: half of the rounds are measured with the two physical connections exchanged.

Where service and control always leave by the same two cards, a difference of the equipment
could look like a filter. So odd rounds go as declared; before the even ones the assessor swaps
the two cables, and the service's line leaves by what was the control's.
"""

from __future__ import annotations

from typing import Any

from harness.errors import UsageError
from harness.model.batch import Half
from harness.model.campaign import Campaign

BINDABLE = "interface"
"""The type of line that says what its packets leave by."""

CONNECTION = ("address", "device", "netns")
"""The options that say so; all others belong to the network at the cable's far end."""


def half_of(campaign: Campaign, *, swapped: bool = False) -> Half:
    """Which half is measured. Raises UsageError where there are no two halves to tell apart."""
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
    """The campaign with what line and control leave by exchanged; all else stays with its role."""
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
