"""The bodies that were kept with the campaigns of a hub, for those who may read evidence."""

from __future__ import annotations

from pathlib import Path

from harness.cli.paths import CampaignPaths
from harness.errors import UsageError
from harness.store.evidence import EvidenceFolder


class KeptBodies:
    """The folders of evidence below a hub's results.

    Satisfies ``reports.dashboard.evidence_port.EvidenceBodies``.
    """

    def __init__(self, results: Path) -> None:
        self._results = results

    def read(self, campaign: str, sha256: str) -> bytes | None:
        """A body of a campaign; ``None`` if it is not kept. Raises InstrumentError if changed."""
        if Path(campaign).name != campaign:
            return None
        paths = CampaignPaths(out=self._results, campaign=campaign)
        try:
            return EvidenceFolder(paths.evidence).read(f"sha256:{sha256}")
        except (UsageError, OSError):
            return None
