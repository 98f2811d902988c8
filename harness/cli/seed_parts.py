"""The seed of two parties: the tester's committed part, and one that came after it.

The seed is the tester's part, followed by 32 letters of the SHA-256 of both parts. So neither party
can choose the sample alone, and the seed, once revealed, shows the tester's part as well.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from harness.cli.compose import SEED_BYTES
from harness.errors import UsageError
from harness.model.campaign import Campaign
from harness.model.person_names import is_same_person
from harness.model.run_record import SeedPart
from harness.model.sample_event import SampleEvent, SeedCommitted, SeedContributed

LETTERS = 2 * SEED_BYTES
"""How many hexadecimal letters each half of a seed of two parties has: together 64 bytes, all of
which the sampler uses (``harness.model.sampler``)."""


def seed_of_both(own: str, value: str) -> str:
    """The seed of the tester's part and a second party's value."""
    mixed = hashlib.sha256(f"{own}\n{value}".encode()).hexdigest()
    return own + mixed[:LETTERS]


def own_part(seed: str, part: SeedPart | None) -> str:
    """The tester's part of a seed: all of it without a second party."""
    return seed[:LETTERS] if part else seed


def is_of_both(seed: str, part: SeedPart | None) -> bool:
    """Whether a seed is made of its first half and a second party's part."""
    return part is not None and seed == seed_of_both(own_part(seed, part), part.value)


def commitment_of(events: Iterable[SampleEvent], campaign: str) -> SeedCommitted:
    """The last commitment for a campaign. Raises UsageError if there is none."""
    own = [one for one in events if isinstance(one, SeedCommitted) and one.campaign == campaign]
    if not own:
        msg = (
            f"no commitment to the seed of campaign {campaign!r} is in the registry; the tester "
            "makes one first (accredit seed commit)"
        )
        raise UsageError(msg)
    return own[-1]


def part_for(events: Iterable[SampleEvent], committed: SeedCommitted) -> SeedPart | None:
    """What a second party added to a commitment; the first counts. ``None`` without any."""
    for one in events:
        is_for = isinstance(one, SeedContributed) and one.commitment == committed.commitment
        if isinstance(one, SeedContributed) and is_for and one.campaign == committed.campaign:
            return SeedPart(at=one.at, by=one.actor, value=one.value, public=one.public)
    return None


def require_second_party(committed: SeedCommitted, by: str) -> None:
    """Raise UsageError if who contributes is who committed.

    People are compared by their names here. A signature of theirs would be checked in this place.
    """
    if is_same_person(committed.actor, by):
        msg = f"{by} committed to the seed, so another person has to contribute to it (--by NAME)"
        raise UsageError(msg)


def with_second_part(
    campaign: Campaign, events: Iterable[SampleEvent], commitment: str
) -> Campaign:
    """The campaign with the seed of both parties, if its ``commitment`` has a second part.

    Raises UsageError if the public value that the commitment named was not recorded.
    """
    events = tuple(events)
    own = [
        one
        for one in events
        if isinstance(one, SeedCommitted)
        and (one.campaign, one.commitment) == (campaign.campaign, commitment)
    ]
    if not own:
        return campaign
    part = part_for(events, own[-1])
    if part is None and own[-1].public:
        msg = (
            f"campaign {campaign.campaign!r}: its seed waits for {own[-1].public!r}; record the "
            f"value first (accredit seed contribute {campaign.campaign} --value VALUE)"
        )
        raise UsageError(msg)
    if part is None:
        return campaign
    return campaign.model_copy(update={"seed": seed_of_both(campaign.seed, part.value)})
