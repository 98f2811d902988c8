"""Give a campaign the seed of two parties in one step, as demonstrations do."""

from __future__ import annotations

from pathlib import Path

from harness.cli.seed import commit_to
from harness.cli.seed_contribution import contribute_to
from harness.ports.storage import Clock


def give_both_parts(campaign: Path, out: Path, by: str, clock: Clock) -> None:
    """Commit to the seed of a campaign file as the tester, and add to it as ``by``.

    The public file of the commitment is written beside the campaign file. Raises UsageError.
    """
    file = campaign.with_name(f"{campaign.stem}-commitment.json")
    committed = commit_to(campaign, file, out, at=clock)
    contribute_to(committed.campaign, out, by=by, at=clock)
