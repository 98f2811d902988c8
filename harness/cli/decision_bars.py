"""Why a campaign supports no favourable decision, whatever it measured.

Each check looks at how the campaign came about (who judged its evidence, what it was measured with,
when), and yields a sentence for each thing that is wrong. The proposal names every one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import NamedTuple

from harness.cli.decision_followed import other_content
from harness.cli.paths import CampaignPaths
from harness.cli.trusted_content import unsigned_parts
from harness.model.outcome import Assessment


class JudgedCampaign(NamedTuple):
    """A campaign that was judged for a decision; ``begun`` is when its first attempt was made."""

    assessment: Assessment
    paths: CampaignPaths
    begun: datetime


def _of_content(campaign: JudgedCampaign) -> Iterable[str]:
    return unsigned_parts(campaign.assessment, campaign.paths)


def _of_followed(campaign: JudgedCampaign) -> Iterable[str]:
    return other_content(campaign.assessment, campaign.paths)


CHECKS: tuple[Callable[[JudgedCampaign], Iterable[str]], ...] = (_of_content, _of_followed)
"""What is checked, in the order in which its sentences are shown."""


def bars_to(campaign: JudgedCampaign) -> tuple[str, ...]:
    """What bars a favourable decision on a campaign, in sentences; empty if nothing does."""
    return tuple(sentence for check in CHECKS for sentence in check(campaign))
