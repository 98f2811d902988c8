"""Why a campaign supports no favourable decision, whatever it measured.

Each check looks at how the campaign came about (who judged its evidence, what it was measured with,
when), and yields a sentence for each thing that is wrong. The proposal names every one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
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


def other_registry(campaign: JudgedCampaign) -> Iterator[str]:
    """Yield that the results lie beside another registry, whose appeals they were judged with."""
    beside, where = campaign.paths.registry, campaign.session.registry.where
    if isinstance(beside, Path) and beside.exists() and beside.resolve() != Path(where).resolve():
        yield (
            f"the results are judged with another registry, {beside}, than the one in which they "
            f"are decided, {where}: give that one (--registry), or move the results"
        )


def bars_to(campaign: JudgedCampaign, checks: Iterable[Check]) -> tuple[str, ...]:
    """What bars a favourable decision on a campaign, in sentences; empty if nothing does."""
    return tuple(sentence for check in checks for sentence in check(campaign))
