"""``accredit seed``: commit to the seed of a campaign's samples, add to it, reveal and verify it.

A tester who may choose the sample after seeing results can choose the result. So the seed is drawn
and committed to before the run, a second party adds to it, and anybody can check later that the
items tried are the sample (TQ-05).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from harness.campaign.assemble import Prepared, read_campaign
from harness.campaign.item_selection import select_campaign_items
from harness.cli.compose import COMMITTED_SEED, SEED_BYTES, open_pack, prepare
from harness.cli.paths import JOURNAL, OUT, CampaignPaths, journal_folder, paths_of_journal
from harness.cli.printing import say
from harness.cli.registry_facts import session_if_any
from harness.cli.registry_session import OWNERS, current_user, open_session
from harness.cli.seed_commitments import (
    digest_of_sample,
    digest_of_seed,
    record_disclosure,
    sample_events,
    unused_commitments,
)
from harness.cli.seed_contribution import contribute_command
from harness.cli.seed_parts import is_of_both, own_part
from harness.errors import InstrumentError, UsageError, first_of
from harness.model.campaign import CorpusSelection
from harness.model.journal_header import JournalHeader
from harness.model.run_record import SeedPart
from harness.model.sample_event import SeedCommitted
from harness.model.stream import OWNER
from harness.ports.corpora import Corpus
from harness.ports.storage import Clock, Journal, WallClock
from harness.store.atomic_write import write_new, write_whole
from harness.store.private_folder import make_private
from harness.untrusted.regular_file import read_bounded

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
app.command("contribute")(contribute_command)

clock: Clock = WallClock()
"""The clock of the commands; tests replace it."""

FORMAT = "accredit-commitment/1"
MOST_BYTES = 1024**2
NAMED = 5
"""How many items a message names."""


class Commitment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The public file of a commitment, which is handed over before the run.

    ``commitment`` is the SHA-256 of the seed, ``sample`` that of the ids of the ``items`` in the
    order of trial. ``registry`` is the head of the owner's stream after it was recorded. ``public``
    names the public value that is added to the seed. If a second party adds to it, ``sample`` and
    ``items`` are those that the tester's part alone would choose.
    """

    format: str
    campaign: str
    service: str
    at: datetime
    commitment: str
    corpora: tuple[str, ...]
    sample: str
    items: int
    registry: str
    public: str = ""


_COMMITMENTS = msgspec.json.Decoder(Commitment)


@app.command("commit")
def commit_command(
    campaign: Annotated[Path, typer.Argument(help="The campaign file.")],
    file: Annotated[Path, typer.Option(help="The public file to write; hand it over at once.")],
    out: Annotated[Path, typer.Option(help="Where results go.")] = OUT,
    *,
    public: Annotated[
        str, typer.Option(help="A public value of a later time that is added, such as a draw.")
    ] = "",
    again: Annotated[
        bool,
        typer.Option("--again", help="Although another commitment is unused; that is noted."),
    ] = False,
) -> None:
    """Draw the seed of a campaign, and commit to it before measuring.

    The registry keeps the commitment. The seed stays secret in the campaign's folder, and
    'accredit measure' takes it from there. For a decision a second party has to add to it
    (accredit seed contribute).
    """
    event = commit_to(campaign, file, out, public=" ".join(public.split()), again=again)
    say(
        f"{file}: commitment {event.commitment} to the sample of {event.items} items",
        f"hand {file.name} over before you measure; the seed stays in {out / event.campaign}",
        f"next, {_who_adds(event)} (accredit seed contribute {event.campaign})",
    )


def _who_adds(event: SeedCommitted) -> str:
    return f"record the value of {event.public!r}" if event.public else "a second person adds to it"


def commit_to(
    campaign: Path,
    file: Path,
    out: Path,
    *,
    public: str = "",
    again: bool = False,
    at: Clock | None = None,
) -> SeedCommitted:
    """Draw and keep the seed of a campaign file, record the commitment, and write its public file.

    ``at`` is the clock; by default that of the commands.

    Raises UsageError if the commitment would show nothing, FaultyDocument, InstrumentError.
    """
    from harness.store.journal.header import header_document  # noqa: PLC0415 - keep the start light

    declared = read_campaign(campaign)[0]
    if "seed" in declared.model_fields_set:
        msg = f"{campaign}: it states its seed, so it could have been chosen; remove 'seed'"
        raise UsageError(msg)
    paths = CampaignPaths(out=out, campaign=declared.campaign)
    if header_document(paths.journal):
        msg = (
            f"{paths.journal}: the campaign has begun, and a commitment counts only before that; "
            "choose another campaign name"
        )
        raise UsageError(msg)
    if file.exists():
        raise UsageError(f"{file}: exists already; choose another --file")
    seed = secrets.token_hex(SEED_BYTES)
    prepared = prepare(campaign, declared.model_copy(update={"seed": seed}))
    event = _event(prepared, public, at or clock)
    _refuse_unused(event, paths, again=again)
    head = _record(event, seed, paths, at or clock)
    _write(file, _public(event, head))
    return event


def _event(prepared: Prepared, public: str, at: Clock) -> SeedCommitted:
    campaign = prepared.campaign
    return SeedCommitted(
        at=at.now(),
        actor=current_user(),
        campaign=campaign.campaign,
        service=campaign.service.name,
        corpora=tuple(dict.fromkeys(each.reference.identity for each in prepared.corpora)),
        commitment=digest_of_seed(campaign.seed),
        sample=digest_of_sample(prepared.items),
        items=len(prepared.items),
        public=public,
    )


def _refuse_unused(event: SeedCommitted, paths: CampaignPaths, *, again: bool) -> None:
    """Raise UsageError if an earlier commitment for the service and its packs was not used."""
    unused = unused_commitments(sample_events(paths), event.service, event.corpora, paths)
    if unused and not again:
        first = unused[0]
        msg = (
            f"the commitment for campaign {first.campaign!r} of {first.at:%Y-%m-%d %H:%M} is not "
            "used yet; measure that campaign first. A further one (--again) is noted, and TQ-05 "
            "is then not met, because the better sample could be chosen"
        )
        raise UsageError(msg)


def _record(event: SeedCommitted, seed: str, paths: CampaignPaths, at: Clock) -> str:
    """Keep the seed, record the commitment, and return the head of the owner's stream."""
    place = paths.home / COMMITTED_SEED
    before = place.read_bytes() if place.exists() else None
    try:
        make_private(paths.home)
        write_whole(place, seed.encode() + b"\n", mode=0o600)
    except OSError as error:
        raise InstrumentError(f"{place}: cannot be written: {error.strerror or error}") from error
    try:
        with open_session(paths.registry, create=True, clock=at) as session:
            session.record(OWNERS, event)
    except BaseException:
        if before is None:
            place.unlink()
        else:
            write_whole(place, before, mode=0o600)
        raise
    return head_of_owners(paths)


def head_of_owners(paths: CampaignPaths) -> str:
    """The head of the owner's stream, as ``accredit registry verify --head`` takes it."""
    with session_if_any(paths.registry) as session:
        heads = session.registry.heads() if session else ()
        return next((head.hash for head in heads if head.stream == OWNER), "")


def _public(event: SeedCommitted, head: str) -> Commitment:
    return Commitment(
        format=FORMAT,
        campaign=event.campaign,
        service=event.service,
        at=event.at,
        commitment=event.commitment,
        corpora=event.corpora,
        sample=event.sample,
        items=event.items,
        registry=head,
        public=event.public,
    )


def _write(file: Path, commitment: Commitment) -> None:
    text = msgspec.json.format(msgspec.json.encode(commitment), indent=2) + b"\n"
    try:
        write_new(file, text)
    except OSError as error:
        raise InstrumentError(f"{file}: cannot be written: {error.strerror or error}") from error


@app.command("reveal")
def reveal_command(journal: JOURNAL) -> None:
    """Print the seed of a campaign that is complete, and note that its sample is disclosed."""
    from harness.store.journal.journal import open_journal  # noqa: PLC0415 - numpy is heavy

    folder = journal_folder(journal)
    with closing(open_journal(folder)) as opened:
        header = opened.header
        missing = header.batches_planned - len(opened.batches())
        if missing > 0:
            msg = f"{folder}: {missing} batches are not measured yet; reveal the seed afterwards"
            raise UsageError(msg)
    _require_seed(header, folder)
    record_disclosure(header, paths_of_journal(folder), "seed reveal", clock)
    say(header.campaign.seed)


@app.command("verify")
def verify_command(
    journal: JOURNAL,
    file: Annotated[Path, typer.Option(help="The public file, as it was handed over.")],
    pack: Annotated[
        list[Path] | None,
        typer.Option("--pack", help="The folder of a pack that is not shipped; repeatable."),
    ] = None,
) -> None:
    """Check that a journal holds the sample that was committed to before it was begun.

    The seed must be in the journal's folder. The sample is drawn again from the packs. Exit 2 if a
    check fails.
    """
    from harness.store.journal.journal import open_journal  # noqa: PLC0415 - numpy is heavy

    public = read_commitment(file)
    folder = journal_folder(journal)
    with closing(open_journal(folder)) as opened:
        opened.verify()
        _require_seed(opened.header, folder)
        faults = [*commitment_faults(public, opened)]
        faults = faults or [*_sample_faults(public, opened, pack or ())]
        part = opened.header.seed_part
    if faults:
        raise UsageError(*(f"{folder}: {each}" for each in faults))
    say(
        f"{folder}: the seed is the one that was committed to on {public.at:%Y-%m-%d %H:%M %Z}, "
        f"before the run began; drawn again, it gives the {public.items} items that were tried",
        _second_part(part),
    )


def _second_part(part: SeedPart | None) -> str:
    """Who added to a seed, and what, in one sentence."""
    if part is None:
        return "nobody but the tester had a part in it"
    if part.public:
        return f"compare its public part yourself: {part.public} gave {part.value}"
    return f"{part.by} added {part.value} to it on {part.at:%Y-%m-%d %H:%M %Z}; ask them"


def read_commitment(file: Path) -> Commitment:
    """Read a public file. Raises UsageError that says what is wrong with it."""
    try:
        found = _COMMITMENTS.decode(read_bounded(file, MOST_BYTES))
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror or error}") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: not a commitment: {error}") from None
    if found.format != FORMAT or found.at.tzinfo is None:
        raise UsageError(f"{file}: not a commitment of the form {FORMAT}")
    return found


def commitment_faults(public: Commitment, journal: Journal) -> Iterable[str]:
    """Yield what contradicts a commitment: its seed, campaign, packs, or the time of the run."""
    header = journal.header
    part, seed = header.seed_part, header.campaign.seed
    committed = digest_of_seed(own_part(seed, part)) if part else header.seed_commitment
    if public.commitment != committed:
        yield "it was measured with another seed than the one committed to"
    if part and not is_of_both(seed, part):
        yield f"its seed is not made of the committed part and that of {part.public or part.by}"
    if public.public and (part is None or part.public != public.public):
        yield f"its seed lacks the value of {public.public!r}, which the commitment names"
    if part and part.at <= public.at:
        yield "its second part is dated before the commitment"
    if public.campaign != header.campaign.campaign:
        yield f"the commitment is for campaign {public.campaign!r}"
    if public.corpora != header.corpora:
        yield f"the commitment is for other packs: {', '.join(public.corpora)}"
    noted = header.commitment
    if noted is None or (noted.digest, noted.at) != (public.commitment, public.at):
        yield "the journal's header does not note this commitment, of this time"
    began = min((one.at for one in journal.instrument_records()), default=None)
    if began is None:
        yield "when the run began is not on record"
    elif public.at >= began:
        yield f"the run began at {began:%Y-%m-%d %H:%M:%S %Z}, before the commitment"


def _sample_faults(public: Commitment, journal: Journal, folders: Iterable[Path]) -> Iterable[str]:
    """Yield how the items tried differ from the sample that the seed gives."""
    campaign = journal.header.campaign
    chosen = _selections(journal.header, folders)
    seeded, own = campaign.stopping is not None, own_part(campaign.seed, journal.header.seed_part)
    items = select_campaign_items(chosen, campaign.seed, seeded=seeded)
    alone = select_campaign_items(chosen, own, seeded=seeded)
    if digest_of_sample(alone) != public.sample:
        yield "drawn again, the seed gives another sample than the one committed to"
    wanted = {item.id for item in items}
    tried = {one.item.id for one in journal.observations() if one.role == "item"}
    if foreign := sorted(tried - wanted):
        yield f"{len(foreign)} items were tried that are not in it: {first_of(foreign, NAMED)}"
    missing = sorted(wanted - tried)
    if missing and not journal.stops():
        yield f"{len(missing)} of its items were not tried: {first_of(missing, NAMED)}"


def _selections(
    header: JournalHeader, folders: Iterable[Path]
) -> list[tuple[CorpusSelection, Corpus]]:
    """The selections of a campaign with their packs, opened again. Raises UsageError."""
    given = {each.reference.identity: each for each in (open_pack(str(one)) for one in folders)}
    found: list[tuple[CorpusSelection, Corpus]] = []
    for selection in header.campaign.corpora:
        if "/" not in selection.pack:
            shipped = open_pack(selection.pack)
            given.setdefault(shipped.reference.identity, shipped)
    for selection in header.campaign.corpora:
        name = selection.pack.rstrip("/").rpartition("/")[2]
        matching = [
            each
            for identity, each in given.items()
            if identity in header.corpora and name in (each.directory.name, each.reference.name)
        ]
        if not matching:
            msg = f"the pack {selection.pack!r} of this journal was not found; give it with --pack"
            raise UsageError(msg)
        found.append((selection, matching[0]))
    return found


def _require_seed(header: JournalHeader, folder: Path) -> None:
    """Raise UsageError unless the seed is in the journal's folder and is the header's."""
    seed = header.campaign.seed
    if not seed or digest_of_seed(seed) != header.seed_commitment:
        msg = f"{folder}: the seed of this journal is not revealed (the file 'seed' is missing)"
        raise UsageError(msg)
