"""Where a campaign's seed comes from: its file, the journal it was begun with, or a new draw."""

from __future__ import annotations

import secrets
from pathlib import Path

from harness.errors import UsageError
from harness.model.campaign import Campaign

BYTES = 16
"""As much as nobody guesses."""


def seeded(campaign: Campaign, journal: Path) -> Campaign:
    """A campaign with its seed, which is drawn where neither its file nor ``journal`` has one.

    Raises UsageError if the journal was begun with a seed that is not here any more.
    """
    if campaign.seed and "seed" in campaign.model_fields_set:
        return campaign
    seed = held_seed(journal) or secrets.token_hex(BYTES)
    return campaign.model_copy(update={"seed": seed})


def held_seed(journal: Path) -> str:
    """The seed that a journal was begun with; empty if there is no journal. Raises UsageError."""
    from harness.store.journal.header import HEADER  # noqa: PLC0415 - keep the start light
    from harness.store.journal.reader import JournalReader  # noqa: PLC0415 - duckdb is heavy
    from harness.store.journal.seed import SEED, seed_of  # noqa: PLC0415 - the same

    if not (journal / HEADER).exists():
        return ""
    seed = seed_of(JournalReader(journal).header)
    if not seed:
        msg = (
            f"{journal / SEED}: the seed that this journal was begun with is missing; put the file "
            "back, or name it as 'seed' in the campaign file"
        )
        raise UsageError(msg)
    return seed
