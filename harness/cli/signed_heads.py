"""What a hub signed as a witness, read from the events of its registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.fleet.witness import CheckedReceipt, read_receipts
from harness.model.access_event import HeadsWitnessed
from harness.model.stream import OWNER

if TYPE_CHECKING:
    from harness.store.registry.streams import Registry

KIND = "heads-witnessed"


def signed_after(registry: Registry, position: int) -> tuple[int, tuple[CheckedReceipt, ...]]:
    """What a registry's hub signed after a position in the owner's stream, and the last position.

    Raises InstrumentError if it was changed.
    """
    with registry.reading(OWNER) as access:
        last = access.last_position(KIND)
        events = access.found(kind=[KIND]) if last > position else ()
    found = [
        receipt
        for at, event in events
        if at > position and isinstance(event, HeadsWitnessed)
        for receipt in read_receipts(event.receipt.encode(), registry.where)
    ]
    return max(last, position), tuple(found)
