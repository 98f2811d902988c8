"""Writes what a campaign is measured with into its journal, at start and end where it changed."""

from __future__ import annotations

from harness.campaign.assemble import Prepared
from harness.cli.compose import read_instrument
from harness.model.instrument_record import InstrumentRecord
from harness.ports.storage import Clock

SYSTEM = "the system's resolver"


def read_record(clock: Clock, control_resolver: str = "") -> InstrumentRecord:
    """What this machine measures with now; nothing is sent to any network.

    ``control_resolver`` is what a campaign's control line asks; empty without a campaign.
    """
    return read_instrument(clock.now(), control_resolver)


def record_of(prepared: Prepared, clock: Clock) -> InstrumentRecord:
    """What the campaign is measured with now; a resolver's credentials are not written down."""
    from harness.cli.measure import without_secrets  # noqa: PLC0415 - it imports this module

    declared = without_secrets(prepared.campaign).control.options.get("resolver")
    own = prepared.origin.resolver if prepared.origin else ""
    return read_record(clock, str(declared or own or SYSTEM))
