"""Crossover: half of the rounds are measured with the two physical connections exchanged.

If service and control always use the same two network cards, a difference of the equipment could
look like a filter. So odd rounds are measured as declared; before the even rounds the assessor
swaps the two cables, and the service's line uses the control's connection.
"""

from __future__ import annotations

from typing import Any

from harness.errors import UsageError
from harness.model.batch import Half
from harness.model.campaign import Campaign

BINDABLE = "interface"
"""The type of line whose outgoing connection can be declared."""

CONNECTION = ("address", "device", "netns")
"""The options of the connection; all others belong to the network at the end of the cable."""


def half_of(campaign: Campaign, *, swapped: bool = False) -> Half:
    """The half to measure. Raises UsageError if the campaign has no two distinct halves."""
    if not campaign.crossover:
        if swapped:
            msg = "--swapped needs 'crossover: true' in the campaign file"
            raise UsageError(msg)
        return "all"
    lines = campaign.lines
    types = [*(line.type for line in lines), campaign.control.type]
    if types != [BINDABLE, BINDABLE]:
        msg = f"needs exactly one line and a control, both of type {BINDABLE!r}"
    elif campaign.rounds % 2:
        msg = f"needs an even number of 'rounds', not {campaign.rounds}"
    elif campaign.stopping is not None:
        msg = "cannot be combined with 'stopping', which may end before the halves are equal"
    elif any(name in each for each in lines[0].by_profile.values() for name in CONNECTION):
        msg = f"needs one connection for all profiles: remove {_listed()} from 'by_profile'"
    elif _connection(lines[0].options) == _connection(campaign.control.options):
        msg = f"needs two connections: line and control must differ in one of {_listed()}"
    else:
        return "swapped" if swapped else "straight"
    raise UsageError(msg)


def exchanged(campaign: Campaign) -> Campaign:
    """The campaign with the connections of line and control exchanged; other options stay."""
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
