"""Commitments to seeds: what the registry says of them, and what a journal's header notes.

The owner's stream of the registry holds each commitment and each disclosure. The seed itself is
kept in the campaign's folder until the journal has it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TypeVar

import msgspec

from harness.campaign.assemble import Prepared, read_campaign
from harness.cli.compose import COMMITTED_SEED, prepare
from harness.cli.paths import CampaignPaths
from harness.cli.registry_facts import session_if_any
from harness.cli.registry_session import OWNERS, RegistrySession, current_user, open_session
from harness.cli.seed_parts import LETTERS, own_part, part_for, with_second_part
from harness.errors import UsageError
from harness.model.campaign import Campaign
from harness.model.corpus import Item
from harness.model.journal_header import JournalHeader
from harness.model.run_record import SeedCommitment, SeedPart
from harness.model.sample_event import SampleDisclosed, SampleEvent, SeedCommitted
from harness.model.stream import OWNER, same_name
from harness.ports.storage import Clock

msgspec.json.Decoder(SeedCommitment)
msgspec.json.Decoder(SeedPart)
"""Made once, for threads: see test_suites/house/test_decoders.py."""

KINDS = ("seed-committed", "seed-contributed", "sample-disclosed")


def digest_of_seed(seed: str) -> str:
    """The SHA-256 of a seed, as headers and commitments hold it."""
    return hashlib.sha256(seed.encode()).hexdigest()


def digest_of_sample(items: Iterable[Item]) -> str:
    """The SHA-256 of the ids of items in the order of trial, one a line."""
    digest = hashlib.sha256()
    for item in items:
        digest.update(item.id.encode() + b"\n")
    return digest.hexdigest()


def sample_events(paths: CampaignPaths) -> tuple[SampleEvent, ...]:
    """The commitments and disclosures of the registry, oldest first; empty without a registry."""
    with session_if_any(paths.registry) as session:
        return sample_events_in(session) if session else ()


def sample_events_in(session: RegistrySession) -> tuple[SampleEvent, ...]:
    """The commitments and disclosures of an open registry, oldest first."""
    with session.registry.reading(OWNER) as access:
        found = [event for _, event in access.found(kind=KINDS)]
    return tuple(event for event in found if isinstance(event, SampleEvent))


def unused_commitments(
    events: Iterable[SampleEvent], service: str, corpora: Iterable[str], paths: CampaignPaths
) -> tuple[SeedCommitted, ...]:
    """The commitments for a service and some of the packs that no journal in ``out`` was begun by.

    Each of them is a sample that could have been measured instead.
    """
    wanted = set(corpora)
    return tuple(
        event
        for event in events
        if isinstance(event, SeedCommitted)
        and same_name(event.service) == same_name(service)
        and wanted & set(event.corpora)
        and _commitment_in(CampaignPaths(out=paths.out, campaign=event.campaign))
        != event.commitment
    )


def with_both_parts(campaign: Campaign, paths: CampaignPaths) -> Campaign:
    """The campaign with what a second party added to its committed seed.

    A journal that was begun has its seed already. Raises UsageError if a public value that was
    named is not recorded.
    """
    from harness.store.journal.header import header_document  # noqa: PLC0415 - keep the start light

    if header_document(paths.journal) or not (paths.home / COMMITTED_SEED).exists():
        return campaign
    return with_second_part(campaign, sample_events(paths), digest_of_seed(campaign.seed))


def _commitment_in(paths: CampaignPaths) -> str:
    """The commitment that a campaign's journal was begun with; empty without a journal.

    Of a seed of two parties it is that of the tester's part, else the SHA-256 of the seed.
    """
    from harness.store.journal.header import header_document  # noqa: PLC0415 - keep the start light

    document = header_document(paths.journal)
    noted = document.get("commitment")
    if document.get("seed_part") and isinstance(noted, dict):
        return str(noted.get("digest", ""))
    return str(document.get("seed_commitment", ""))


def with_commitment(
    header: JournalHeader, prepared: Prepared, paths: CampaignPaths
) -> JournalHeader:
    """The header with what the registry holds of its seed.

    A journal that was begun keeps what its header says. Without a commitment to this seed for this
    campaign nothing is noted.
    """
    from harness.store.journal.header import header_document  # noqa: PLC0415 - keep the start light

    if held := header_document(paths.journal):
        return msgspec.structs.replace(
            header,
            commitment=_noted(held, "commitment", SeedCommitment, paths),
            seed_part=_noted(held, "seed_part", SeedPart, paths),
        )
    if not (paths.home / COMMITTED_SEED).exists():
        return header
    events = sample_events(paths)
    whole = header.seed_commitment
    alone = digest_of_seed(prepared.campaign.seed[:LETTERS])
    own = [
        event
        for event in events
        if isinstance(event, SeedCommitted)
        and event.campaign == header.campaign.campaign
        and event.commitment in (whole, alone)
    ]
    if not own:
        return header
    part = part_for(events, own[-1])
    note = _note(own[-1], events, prepared, paths, _drawn_alone(prepared, part))
    return msgspec.structs.replace(header, commitment=note, seed_part=part)


def _drawn_alone(prepared: Prepared, part: SeedPart | None) -> str:
    """The digest of the items that the tester's part of the seed draws by itself.

    It is what was committed to, unless packs, categories or sizes were changed since.
    """
    if part is None:
        return digest_of_sample(prepared.items)
    declared = read_campaign(prepared.path)[0]
    seed = own_part(prepared.campaign.seed, part)
    alone = prepare(prepared.path, declared.model_copy(update={"seed": seed}))
    return digest_of_sample(alone.items)


Noted = TypeVar("Noted")


def _noted(
    held: dict[str, object], key: str, kind: type[Noted], paths: CampaignPaths
) -> Noted | None:
    """What the document of a header notes of its seed, if anything. Raises UsageError."""
    noted = held.get(key)
    try:
        return msgspec.convert(noted, kind) if noted else None
    except msgspec.ValidationError as error:
        msg = f"{paths.journal}: the {key} in its header is not understood: {error}"
        raise UsageError(msg) from None


def _note(
    own: SeedCommitted,
    events: tuple[SampleEvent, ...],
    prepared: Prepared,
    paths: CampaignPaths,
    drawn: str,
) -> SeedCommitment:
    references = [corpus.reference for corpus in prepared.corpora]
    identities = [each.identity for each in references]
    hidden = {each.identity for each in references if each.is_hidden}
    others = unused_commitments(events, own.service, identities, paths)
    return SeedCommitment(
        at=own.at,
        digest=own.commitment,
        sample=own.sample,
        drawn=drawn,
        unused=tuple(
            f"{each.campaign} ({each.at:%Y-%m-%d %H:%M:%S})"
            for each in others
            if each.commitment != own.commitment
        ),
        disclosed=tuple(
            dict.fromkeys(
                event.campaign
                for event in events
                if isinstance(event, SampleDisclosed)
                and event.campaign != own.campaign
                and hidden & set(event.corpora)
            )
        ),
    )


def record_disclosure(header: JournalHeader, paths: CampaignPaths, by: str, clock: Clock) -> None:
    """Record that items of a campaign left the tester's hands, if it has hidden packs."""
    from harness.estimate.item_selection import source_of  # noqa: PLC0415 - keep the start light

    marks = [mark for mark, note in header.packs.items() if source_of(note).is_hidden]
    hidden = [
        identity
        for identity in header.corpora
        if any(mark.startswith(_mark(identity)) for mark in marks)
    ]
    if not hidden:
        return
    event = SampleDisclosed(
        at=clock.now(),
        actor=current_user(),
        campaign=header.campaign.campaign,
        corpora=tuple(hidden),
        by=by,
    )
    with open_session(paths.registry, create=True, clock=clock) as session:
        session.record(OWNERS, event)


def _mark(identity: str) -> str:
    """The beginning of the mark that items of a pack bear (``CorpusReference.mark``)."""
    name, _, sha256 = identity.split(" ")
    return f"{name} {sha256[:8]}"
