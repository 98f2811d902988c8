"""``accredit measure``: prepare a campaign, measure it into a journal, show the progress.

Measuring collects facts and concludes nothing. ``run``, ``retest``, ``demo`` and the pytest plug-in
prepare and measure with the functions here. The journal's header is made here too, without secrets.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import typer
from rich.console import Console

from harness import VERSION
from harness.campaign.assemble import Prepared, read_campaign
from harness.campaign.campaign_identity import identity_of
from harness.campaign.item_selection import techniques_not_chosen
from harness.cli.campaign_journal import journal_of, run_id_in
from harness.cli.compose import (
    load_and_warn,
    measurement_context,
    prepare,
    read_instrument,
    refuse_retired,
    seeded,
)
from harness.cli.drawing import terminal
from harness.cli.line_supply import line_profiles
from harness.cli.paths import OUT, CampaignPaths
from harness.cli.preflight import require_registry, require_writable
from harness.cli.printing import say
from harness.cli.progress_display import ProgressDisplay
from harness.cli.registered_campaigns import registered
from harness.cli.seed_commitments import digest_of_seed, with_both_parts, with_commitment
from harness.cli.undecidable import sentences, undecidable
from harness.errors import HarnessError, StoppedError, UsageError
from harness.estimate.early_stopping_outcomes import bounded_at_any_time
from harness.measure.batch_plan import require_both_halves, require_first_half
from harness.measure.event_loop import new_loop
from harness.measure.measurement_context import MeasurementContext
from harness.model.campaign import Campaign, Stop
from harness.model.instrument_record import InstrumentRecord
from harness.model.journal_header import JournalHeader, PackNote
from harness.ports.storage import Clock, VouchedClock, WallClock
from harness.schemes.load import load_scheme

SYSTEM = "the system's resolver"


def read_record(clock: Clock, control_resolver: str = "") -> InstrumentRecord:
    """The instrument record of this machine now, with the resolver of a campaign if any."""
    record = read_instrument(clock.now(), control_resolver)
    state = clock.state() if isinstance(clock, VouchedClock) else record.clock
    return msgspec.structs.replace(record, clock=state)


def record_of(prepared: Prepared, clock: Clock) -> InstrumentRecord:
    """The instrument record of a campaign now, without the credentials of its resolver."""
    options = without_secrets(prepared.campaign).control.options
    own = prepared.origin.resolver if prepared.origin else ""
    resolver = str(options.get("resolver") or own or SYSTEM)
    outside = options.get("outside_resolver")
    return read_record(clock, f"{resolver}, {outside} for other names" if outside else resolver)


SECRET_WORDS = ("password", "secret", "token", "key")
HIDDEN = "(hidden)"

LaneName = Literal["auto", "portable", "wire"]
LANE = Annotated[
    LaneName | None,
    typer.Option(help="Use this lane for every line; default: what each line declares."),
]

SWAPPED = Annotated[
    bool,
    typer.Option(
        "--swapped", help="Measure the second half of a crossover, after swapping the cables."
    ),
]

_USERINFO = re.compile(r"(?<=://)[^/?#]*@")
"""Name and password inside a URL (RFC 3986 section 3.2.1)."""


def measure_command(
    campaign: Annotated[Path, typer.Argument(help="The campaign file.")],
    out: Annotated[Path, typer.Option(help="Where results go.")] = OUT,
    lane: LANE = None,
    only: Annotated[
        Literal["undecided"] | None,
        typer.Option(help="Try only the items again that are still undecided in the journal."),
    ] = None,
    *,
    swapped: SWAPPED = False,
    practice: Annotated[
        bool,
        typer.Option("--practice", help="Do not register the campaign: no decision rests on it."),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Send nothing: show attempts, cost and what it decides."),
    ] = False,
    letter: Annotated[
        Path | None,
        typer.Option(
            help="With --dry-run: a new folder for the letter and lists for the supplier."
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="With --dry-run: print JSON.")] = False,
) -> None:
    """Measure the service of a campaign into a journal. Run the same command again to resume."""
    if dry_run:
        if only is not None:
            msg = "--only and --dry-run cannot be combined: what is undecided is known only later"
            raise UsageError(msg)
        from harness.cli.supplier_letter import show_plan  # noqa: PLC0415 - only a dry run needs it

        show_plan(prepare_in(campaign, out, lane, swapped=swapped), out, letter, as_json=json)
        return
    if letter is not None or json:
        msg = "--letter and --json need --dry-run"
        raise UsageError(msg)
    console = terminal(to_stderr=True)
    prepared = prepare_in(campaign, out, lane, swapped=swapped)
    if only is not None:
        prepared = only_undecided(prepared, out)
    announce(prepared, console)
    paths = CampaignPaths(out=out, campaign=prepared.campaign.campaign)
    register = "" if practice else _registered_for(prepared, paths)
    with resumable(paths.journal):
        measure_prepared(prepared, out, console, register=register)
    say(f"journal: {paths.journal}")


def _registered_for(prepared: Prepared, paths: CampaignPaths) -> str:
    """The scheme that a campaign is registered for. Raises UsageError if it cannot be."""
    try:
        require_registry(paths, prepared.campaign.service)
    except UsageError as error:
        msg = f"{error}; --practice measures without a registry, and no decision rests on it"
        raise UsageError(msg) from None
    return prepared.campaign.scheme


def only_undecided(prepared: Prepared, out: Path) -> Prepared:
    """The same campaign, limited to undecided items. Raises UsageError if there is no journal."""
    from harness.store.journal.header import HEADER  # noqa: PLC0415 - keep the start light

    journal = CampaignPaths(out=out, campaign=prepared.campaign.campaign).journal
    if not (journal / HEADER).exists():
        msg = f"{journal}: there is no journal yet; run the command without --only first"
        raise UsageError(msg)
    return replace(prepared, only_undecided=True)


def measure_campaign(path: Path, out: Path | None = None) -> Path:
    """Measure (or resume) a campaign file and return its journal's folder."""
    out, console = out or OUT, terminal(to_stderr=True)
    prepared = prepare_in(path, out)
    announce(prepared, console)
    return measure_prepared(prepared, out, console).journal


def prepare_in(
    path: Path, out: Path, lane: LaneName | None = None, *, swapped: bool = False
) -> Prepared:
    """Prepare a campaign with its seed.

    Packs whose digests are in its journal are not checked again. A pack that has reached its use
    limit in other campaigns under ``out`` is refused. Raises FaultyDocument, UsageError.
    """
    from harness.store.journal.header import header_document  # noqa: PLC0415 - keep the start light

    declared = read_campaign(path)[0]
    paths = CampaignPaths(out=out, campaign=declared.campaign)
    known = header_document(paths.journal).get("corpora", ())
    chosen = with_both_parts(seeded(declared, paths.journal), paths)
    prepared = prepare(path, chosen, checked=known, lane=lane, swapped=swapped)
    packs = [corpus.reference for corpus in prepared.corpora]
    refuse_retired(packs, prepared.campaign.campaign, out)
    return prepared


def announce(
    prepared: Prepared, console: Console, scheme: str | None = None, clock: Clock | None = None
) -> None:
    """Print what the campaign cannot decide, and a warning if the scheme's review is overdue.

    Called before the first packet. ``scheme`` replaces the campaign's own scheme if given.
    """
    own = load_and_warn(prepared.campaign.scheme, clock)
    chosen = own if scheme is None else load_scheme(scheme)
    chosen = chosen.within(prepared.campaign.scope)
    early = bounded_at_any_time(prepared.campaign, chosen)
    for line in sentences(undecidable(chosen, line_profiles(prepared), early)):
        console.print(line, highlight=False, soft_wrap=True, markup=False)


def measure_prepared(
    prepared: Prepared,
    out: Path,
    console: Console,
    clock: Clock | None = None,
    *,
    register: str = "",
) -> CampaignPaths:
    """Measure a prepared campaign, showing progress. Raises UsageError, InstrumentError.

    With ``register``, a scheme, the campaign is registered for it before the first packet. After
    one half of a crossover, raises UnfinishedError, which says how to continue.
    """
    from harness.pipeline import measure  # noqa: PLC0415 - keep the start light
    from harness.store.evidence import EvidenceFolder  # noqa: PLC0415 - only measuring needs it
    from harness.store.private_folder import private_key  # noqa: PLC0415 - only measuring needs it

    campaign = prepared.campaign
    paths = CampaignPaths(out=out, campaign=campaign.campaign)
    require_writable(paths, prepared)
    key, evidence = private_key(paths.sketch_key), EvidenceFolder(paths.evidence)
    header = with_commitment(header_of(prepared, run_id_in(paths.journal)), prepared, paths)
    instruments = measurement_context(prepared, evidence, clock or WallClock(), key, header.run)
    journal = journal_of(prepared, paths, header)
    try:
        require_first_half(prepared.half, campaign, prepared.items, journal)
        with registered(prepared, header, journal, paths, instruments.clock, register):
            journal.record_instrument(record_of(prepared, instruments.clock))
            with (
                ProgressDisplay(console, campaign.campaign) as display,
                asyncio.Runner(loop_factory=new_loop) as runner,
            ):
                runner.run(measure(campaign, prepared.items, instruments, journal, display))
            journal.record_instrument(record_of(prepared, instruments.clock))
            for strain in describe_strain(instruments):
                console.print(strain, highlight=False, soft_wrap=True, markup=False)
            for stop in journal.stops():
                console.print(describe_stop(stop), highlight=False, soft_wrap=True, markup=False)
            require_both_halves(campaign, prepared.items, journal)
    finally:
        journal.close()
    return paths


@contextmanager
def resumable(journal: Path) -> Iterator[None]:
    """Turn Ctrl-C while measuring into StoppedError, which says what ``journal`` holds."""
    try:
        yield
    except KeyboardInterrupt:
        raise StoppedError(_stopped_message(journal)) from None


def _stopped_message(folder: Path) -> str:
    """A sentence on what a journal holds after a stop, and how to resume."""
    from harness.store.journal.header import HEADER  # noqa: PLC0415 - keep the start light
    from harness.store.journal.journal import open_journal  # noqa: PLC0415 - numpy is heavy

    if not (folder / HEADER).exists():
        return "stopped before anything was measured"
    try:
        rows = open_journal(folder).rows
    except HarnessError as error:
        return f"stopped; {error}"
    return (
        f"stopped; the journal {folder} is intact ({rows:,} observations); "
        "run the same command to resume"
    )


def describe_stop(stop: Stop) -> str:
    """Describe an early stop in one sentence, without a verdict."""
    where = ", ".join(f"{number} items on {line}" for line, number in stop.after.items())
    what = f"plan {stop.plan} ({', '.join(stop.categories)}) for {stop.profile}"
    saved = f"{stop.untried} items were not tried ({stop.attempts} attempts saved)"
    return f"{what}: decided after {where}; {saved}"


STRAINS = {
    "instrument_no_descriptors": "too few open files allowed (see 'ulimit -n')",
    "instrument_no_memory": "too little memory",
    "instrument_local_address": "too few local ports",
    "instrument_overload": "this machine was too busy",
}


def describe_strain(instruments: MeasurementContext) -> list[str]:
    """Describe where this machine, or the sealed list program, failed: one sentence per line."""
    program = instruments.list_program
    trouble = [program.trouble] if program is not None and program.trouble else []
    return trouble + [
        f"line {line}: {number} attempts were repeated with lower concurrency "
        f"(down to {instruments.traffic[line].narrowest}): {STRAINS.get(name, name)}"
        for (line, name), number in sorted(instruments.strained.items())
    ]


def header_of(prepared: Prepared, run: str = "") -> JournalHeader:
    """The header of a campaign's journal: the declaration (without secrets) and the corpora."""
    references = [corpus.reference for corpus in prepared.corpora]
    named = (each.identity for each in references)
    campaign = without_secrets(prepared.campaign)
    return JournalHeader(
        campaign=campaign,
        corpora=tuple(dict.fromkeys(named)),
        packs={each.mark: PackNote.of(each) for each in references},
        items=len(prepared.items),
        frames=prepared.frames,
        not_chosen=techniques_not_chosen(prepared.items, prepared.corpora),
        retrials=True,
        seed_commitment=digest_of_seed(prepared.campaign.seed),
        instrument=f"isp-accredit {VERSION}",
        run=run,
        probes={name: probe.declares for name, probe in sorted(prepared.probes.items())},
        measured_with=identity_of(prepared, campaign, load_scheme(prepared.campaign.scheme)),
    )


def without_secrets(campaign: Campaign) -> Campaign:
    """The campaign with passwords, tokens and keys hidden, for writing to files."""
    lines = tuple(
        line.model_copy(
            update={
                "options": _hide(line.options),
                "by_profile": {name: _hide(each) for name, each in line.by_profile.items()},
            }
        )
        for line in campaign.lines
    )
    control = campaign.control.model_copy(update={"options": _hide(campaign.control.options)})
    return campaign.model_copy(update={"lines": lines, "control": control})


def _hide(options: dict[str, Any]) -> dict[str, Any]:
    return {
        name: HIDDEN if any(word in name.lower() for word in SECRET_WORDS) else _plain(value)
        for name, value in options.items()
    }


def _plain(value: Any) -> Any:
    """The value, with the credentials of a URL hidden."""
    return _USERINFO.sub(f"{HIDDEN}@", value) if isinstance(value, str) else value
