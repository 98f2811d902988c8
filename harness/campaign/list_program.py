"""Check the declaration of a sealed list program, and give the program to the probes that ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from harness.errors import UsageError
from harness.model.campaign import Campaign
from harness.model.sealed_list import SealedList
from harness.ports.list_program import AsksListProgram, ListProgram
from harness.ports.network import Origin, Probe


def list_program_of(
    path: Path,
    campaign: Campaign,
    origin: Origin | None,
    probes: Mapping[str, Probe],
    make: Callable[[SealedList, Path], ListProgram],
) -> ListProgram | None:
    """Return the sealed list program of the campaign at ``path``, given to the probes that ask it.

    None if none of the probes asks a program. Raises UsageError.
    """
    asking = {name: each for name, each in probes.items() if isinstance(each, AsksListProgram)}
    if not asking:
        if campaign.sealed_list is not None:
            raise UsageError(
                "no probe asks the program; name sealed_list and sealed_list_https under 'probes'"
            )
        return None
    if campaign.sealed_list is None:
        raise UsageError(
            f"probe {min(asking)!r} asks a program, but the campaign names none; give its path as "
            "'sealed_list.program'"
        )
    _require_check_entries(campaign, origin, asking)
    program = make(campaign.sealed_list, path.parent)
    for probe in asking.values():
        probe.use(program)
    return program


def _require_check_entries(
    campaign: Campaign, origin: Origin | None, asking: Mapping[str, AsksListProgram]
) -> None:
    """Raise UsageError unless the sentinels of these probes are on our own origin.

    Only an answer about a host of the origin can be checked.
    """
    if origin is None:
        raise UsageError(
            "the program is checked by hosts of an origin; give the path of its file as 'origin'"
        )
    for sentinel in (*campaign.sentinels.must_allow, *campaign.sentinels.must_block):
        is_asked = not sentinel.probes or not asking.keys().isdisjoint(sentinel.probes)
        if is_asked and not origin.covers(sentinel.host):
            raise UsageError(
                f"sentinel {sentinel.host!r} is not on the origin, so the program's answers about "
                "it cannot be checked; choose a host of the origin, or name other 'probes' for it"
            )
