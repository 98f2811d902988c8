"""A journal in memory, for tests that only read one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.model.campaign import Campaign
from harness.model.journal_header import JournalHeader
from harness.model.observation import Observation


class MemoryJournal:
    """A journal in memory, as far as an export reads it."""

    def __init__(self, *observations: Observation, **header: Any) -> None:
        campaign = Campaign.model_validate(
            {
                "campaign": "c",
                "service": {"name": "s"},
                "lines": (
                    {"name": "proxy", "type": "explicit_proxy", "options": {"proxy": "p:1"}},
                    {"name": "wire", "type": "interface"},
                ),
                "profiles": {"ks2": {}},
                "corpora": ({"pack": "canary"},),
            }
        )
        self.header = JournalHeader(campaign=campaign, **header)
        self._observations = observations

    def observations(self) -> Iterator[Observation]:
        return iter(self._observations)
