"""Why a campaign supports no favourable decision, whatever it measured.

Each check looks at how the campaign came about (who judged its evidence, what it was measured with,
when), and yields a sentence for each thing that is wrong. The proposal names every one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import NamedTuple

from harness.cli.paths import CampaignPaths
from harness.follow.identities import NO_IDENTITIES, Identities
from harness.follow.people_identities import unidentified
from harness.model.outcome import Assessment


class JudgedCampaign(NamedTuple):
    """A campaign that was judged for a decision; ``begun`` is when its first attempt was made.

    ``identities`` are those that the body registered, by whose keys reviewers are known.
    """

    assessment: Assessment
    paths: CampaignPaths
    begun: datetime
    identities: Identities = NO_IDENTITIES


def by_unknown_people(campaign: JudgedCampaign) -> Iterable[str]:
    """What people state counts only if registered keys show who they are."""
    assessment = campaign.assessment
    return unidentified(assessment.outcomes, campaign.identities, assessment.concluded)


CHECKS: tuple[Callable[[JudgedCampaign], Iterable[str]], ...] = (by_unknown_people,)
"""What is checked, in the order in which its sentences are shown."""


def bars_to(campaign: JudgedCampaign) -> tuple[str, ...]:
    """What bars a favourable decision on a campaign, in sentences; empty if nothing does."""
    return tuple(sentence for check in CHECKS for sentence in check(campaign))
