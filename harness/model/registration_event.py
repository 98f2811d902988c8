"""Events of campaigns that are registered before their first packet: begin, starts, stops, results.

They are in the stream of the supplier. ``run`` is the random id of a journal, so that a journal
that was made again under the same name is another campaign.
"""

from __future__ import annotations

import msgspec

from harness.model.content_identity import Parts
from harness.model.event import Event


class RegistrationEvent(Event, frozen=True, kw_only=True):
    """The fields of all: the name of the campaign, and the id of its journal."""

    campaign: str
    run: str

    @property
    def about(self) -> str:
        """The run."""
        return f"run:{self.run}"


class CampaignRegistered(
    RegistrationEvent, frozen=True, kw_only=True, tag="campaign-registered", omit_defaults=True
):
    """A campaign was declared before its first packet.

    ``version`` is that of the service, as declared or on record; empty if neither.
    ``corpora`` are the packs as ``name version sha256``, ``sizes`` the numbers of ``items`` by
    category (empty for a whole pack), ``seed_commitment`` is the SHA-256 of the seed, and
    ``measured_with`` the scheme, packs, lines and profiles by content.
    """

    service: str
    scheme: str
    scheme_version: str
    corpora: tuple[str, ...]
    items: int
    seed_commitment: str
    measured_with: Parts = ()
    version: str = ""
    sizes: dict[str, int] = msgspec.field(default_factory=dict)


class CampaignStarted(RegistrationEvent, frozen=True, kw_only=True, tag="campaign-started"):
    """Measuring started, or was resumed; the journal ``held`` so many observations."""

    held: int


class CampaignStopped(RegistrationEvent, frozen=True, kw_only=True, tag="campaign-stopped"):
    """Measuring ended; the journal ``held`` so many observations, and ``head`` is its head.

    Not ``complete``: it was interrupted, it failed, or half of a crossover is missing.
    """

    held: int
    head: str
    complete: bool


class CampaignConcluded(RegistrationEvent, frozen=True, kw_only=True, tag="campaign-concluded"):
    """A registered campaign was judged by a scheme; ``journal`` is the head of its journal."""

    scheme: str
    scheme_version: str
    conformity: str
    journal: str
