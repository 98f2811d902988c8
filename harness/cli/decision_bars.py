"""Why a campaign supports no favourable decision, whatever it measured.

Each check looks at how the campaign came about (who judged its evidence, what it was measured with,
when), and yields a sentence for each thing that is wrong. The proposal names every one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import NamedTuple

from harness.cli.paths import CampaignPaths
from harness.cli.registry_session import RegistrySession
from harness.model.outcome import Assessment


class JudgedCampaign(NamedTuple):
    """A campaign that was judged for a decision; ``begun`` is when its first attempt was made.

    ``session`` is the registry in which it is decided.
    """

    assessment: Assessment
    paths: CampaignPaths
    begun: datetime
    session: RegistrySession


Check = Callable[[JudgedCampaign], Iterable[str]]
"""Yields a sentence for each thing about a campaign that bars a favourable decision."""


def bars_to(campaign: JudgedCampaign, checks: Iterable[Check]) -> tuple[str, ...]:
    """What bars a favourable decision on a campaign, in sentences; empty if nothing does."""
    return tuple(sentence for check in checks for sentence in check(campaign))
