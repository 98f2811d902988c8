"""``accredit seed contribute``: a second party adds to the seed that the tester committed to."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated

import typer

from harness.campaign.assemble import read_campaign
from harness.cli.compose import SEED_BYTES
from harness.cli.paths import OUT, CampaignPaths
from harness.cli.printing import say
from harness.cli.registry_session import OWNERS, current_user, open_session
from harness.cli.seed_commitments import sample_events
from harness.cli.seed_parts import commitment_of, part_for, require_second_party
from harness.errors import UsageError
from harness.model.run_record import SeedPart
from harness.model.sample_event import SeedCommitted, SeedContributed
from harness.ports.storage import Clock, WallClock

clock: Clock = WallClock()
"""The clock of the command; tests replace it."""


def contribute_command(
    campaign: Annotated[str, typer.Argument(help="The campaign's name, or its file.")],
    by: Annotated[str, typer.Option(help="The person who adds to the seed.")] = "",
    value: Annotated[
        str, typer.Option(help="The value of the public source that the commitment names.")
    ] = "",
    out: Annotated[Path, typer.Option(help="Where results go.")] = OUT,
) -> None:
    """Add to the committed seed of a campaign, as a second party, before it is measured.

    A random value is drawn for a person who is not the tester. If the commitment names a public
    value of a later time, that value is recorded instead.
    """
    name = read_campaign(Path(campaign))[0].campaign if Path(campaign).is_file() else campaign
    event = contribute_to(name, out, by=by, value=" ".join(value.split()))
    source = f"{event.public!r}" if event.public else event.actor
    say(
        f"campaign {name}: {event.value} of {source} is part of its seed",
        "now it can be measured (accredit run); keep the value to compare it later",
    )


def contribute_to(
    campaign: str, out: Path, *, by: str, value: str = "", at: Clock | None = None
) -> SeedContributed:
    """Record what a second party adds to the seed of a campaign. Raises UsageError.

    ``at`` is the clock; by default that of the command.
    """
    at = at or clock
    paths = CampaignPaths(out=out, campaign=campaign)
    events = sample_events(paths)
    committed = commitment_of(events, campaign)
    _refuse_late(committed, part_for(events, committed), paths)
    if committed.public and not value:
        msg = f"its commitment names {committed.public!r}: give that value (--value VALUE)"
        raise UsageError(msg)
    if not committed.public:
        if value:
            msg = (
                "the value of a person is drawn, not chosen; leave out --value (a public value is "
                "named in advance: accredit seed commit --public)"
            )
            raise UsageError(msg)
        if not by.strip():
            raise UsageError("say which person adds to the seed (--by NAME)")
        require_second_party(committed, by)
    event = SeedContributed(
        at=at.now(),
        actor=by or current_user(),
        campaign=campaign,
        corpora=committed.corpora,
        commitment=committed.commitment,
        value=value or secrets.token_hex(SEED_BYTES),
        public=committed.public,
    )
    with open_session(paths.registry, clock=at) as session:
        session.record(OWNERS, event)
    return event


def _refuse_late(committed: SeedCommitted, part: SeedPart | None, paths: CampaignPaths) -> None:
    """Raise UsageError if the seed cannot be added to any more."""
    from harness.store.journal.header import header_document  # noqa: PLC0415 - keep the start light

    name = committed.campaign
    if header_document(paths.journal):
        msg = f"campaign {name!r} has begun, and its seed is complete; choose another campaign name"
        raise UsageError(msg)
    if part is not None:
        msg = f"a second party has added to the seed of campaign {name!r} already; measure it"
        raise UsageError(msg)
