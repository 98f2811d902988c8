"""What the pages of items need beside the database: kept bodies, and a record of who read them."""

from __future__ import annotations

from typing import Protocol

from harness.model.hub_access import Viewer


class EvidenceAudit(Protocol):
    """Records each reading of evidence, before it is shown."""

    def evidence_read(self, viewer: Viewer, stream: str, campaign: str, item: str = "") -> None:
        """Record that a viewer reads the evidence of an item. Raises HarnessError if it cannot be.

        ``item`` is the number of its row in the campaign, because records must not name hidden
        items; of a body, ``sha256:`` and its digest follow.
        """


class EvidenceBodies(Protocol):
    """The bodies that were kept with campaigns."""

    def read(self, campaign: str, sha256: str) -> bytes | None:
        """A body of a campaign by its SHA-256 in hexadecimal; ``None`` if it is not kept any more.

        Raises InstrumentError if it was changed.
        """
