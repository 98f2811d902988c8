"""Headers of journals, for tests that need one of any campaign."""

from __future__ import annotations

from typing import Any

from harness.model.campaign import Campaign
from harness.model.journal_header import JournalHeader

CAMPAIGN = Campaign.model_validate(
    {
        "campaign": "c",
        "service": {"name": "s"},
        "lines": ({"name": "proxy", "type": "simulated"},),
        "profiles": {"ks2": {}},
        "corpora": ({"pack": "canary"},),
    }
)


def header(campaign: Campaign = CAMPAIGN, **stated: Any) -> JournalHeader:
    """A header of a campaign, with what else it states."""
    return JournalHeader(campaign=campaign, **stated)
