"""``accredit monitor field``: draw certified services and sites by a committed seed, and visit.

The person who draws could draw again until the services suit. So the seed of a year is committed to
first, and anybody can check later that it gives the services and sites that were visited (SUP-10).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from harness.cli.conclude import SCHEME
from harness.cli.drawing import terminal
from harness.cli.field_records import (
    Frame,
    field_events,
    frame_of,
    record_draw,
    record_field_event,
)
from harness.cli.field_table import lines_of_checks, table_of_checks
from harness.cli.field_visit import (
    Named,
    certified_service,
    chosen_service,
    complaint_or_reason,
    conclude_visit,
    site_on_record,
    visit_of,
    visits_of,
)
from harness.cli.paths import OUT, REGISTRY_OPTION, chosen_registry
from harness.cli.plan_step import BY, clock
from harness.cli.printing import say, say_data
from harness.cli.registry_session import RegistrySession, current_user, open_session
from harness.errors import InstrumentError, UsageError, known
from harness.model.event_times import in_utc, require_not_behind
from harness.model.field_event import (
    LEAST_SHARE,
    LEAST_SITES,
    CheckKind,
    FieldDrawn,
    FieldEvent,
    FieldSeedCommitted,
    FieldSiteAdded,
    FieldVisited,
)
from harness.model.stream import OWNER
from harness.monitor.field_draw import (
    committed_in,
    digest_of_frame,
    digest_of_seed,
    draw,
    draw_faults,
    refusal,
)
from harness.monitor.field_standing import periods_of, standing
from harness.store.atomic_write import write_new
from harness.untrusted.regular_file import read_bounded

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

SEEDS = "field-seeds"
"""The folder of results in which seeds are kept until they are revealed."""

SEED_BYTES, MOST_BYTES = 32, 1024**2
COMMITMENT_FORMAT, CHECKS_FORMAT = "accredit-field-commitment/1", "accredit-field-checks/1"

PERIOD = Annotated[str, typer.Option(help="The year, such as 2027.")]
SUPPLIER = Annotated[str, typer.Option(help="The supplier.")]
SERVICE = Annotated[str, typer.Option(help="The service.")]
SITE = Annotated[str, typer.Option(help="The site, as it is on record.")]
VERSION = Annotated[str, typer.Option(help="The version, if several are certified.")]
OF_SCHEME = Annotated[str, typer.Option(help="The certificate's scheme, if there are several.")]
RESULTS_OUT = Annotated[Path, typer.Option(help="Where results go.")]
JSON = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class FieldCommitment(msgspec.Struct, frozen=True, kw_only=True):
    """The public file of a commitment, which is published before the draw.

    ``commitment`` is the SHA-256 of the seed. ``registry`` is the head of the owner's stream after
    it was recorded.
    """

    format: str
    period: str
    at: datetime
    commitment: str
    share: float
    sites: int
    registry: str


_COMMITMENTS = msgspec.json.Decoder(FieldCommitment)


@app.callback()
def field() -> None:
    """Draw certified services and sites, and record their visits."""


@app.command("commit")
def commit_command(
    period: PERIOD,
    file: Annotated[Path, typer.Option(help="The public file to write; publish it at once.")],
    share: Annotated[
        float, typer.Option(min=LEAST_SHARE, max=1, help="The share of certificates to draw.")
    ] = LEAST_SHARE,
    sites: Annotated[
        int, typer.Option(min=LEAST_SITES, help="How many sites of each service.")
    ] = LEAST_SITES,
    by: BY = "",
    registry: REGISTRY_OPTION = "",
    out: RESULTS_OUT = OUT,
) -> None:
    """Draw the seed of a year, and commit to it before anything is drawn by it.

    The registry keeps the commitment. The seed stays secret in the results folder until the draw;
    without it nothing can be drawn for that year, so keep a copy.
    """
    if file.exists() or not file.parent.is_dir():
        why = "exists already" if file.exists() else "its folder is missing"
        raise UsageError(f"{file}: {why}; choose another --file")
    seed = secrets.token_hex(SEED_BYTES)
    event = FieldSeedCommitted(
        at=clock.now(), actor=by or current_user(), period=period,
        commitment=digest_of_seed(seed), share=share, sites=sites,
    )  # fmt: skip
    with open_session(chosen_registry(registry, out), clock=clock) as session:
        _require_possible(session, event)
        place = _seed_file(out, event)
        _write(place, seed.encode() + b"\n")
        try:
            record_field_event(session, lambda _: event)
        except BaseException:
            place.unlink()
            raise
        head = next(each.hash for each in session.registry.heads() if each.stream == OWNER)
    public = FieldCommitment(
        format=COMMITMENT_FORMAT, period=period, at=event.at, commitment=event.commitment,
        share=share, sites=sites, registry=head,
    )  # fmt: skip
    _write(file, msgspec.json.format(msgspec.json.encode(public), indent=2) + b"\n")
    say(
        f"{file}: commitment {event.commitment} to the seed of {period}: {share:.4g} of the "
        f"certificates, {sites} sites each",
        f"publish {file.name} before you draw; the seed stays in {place}: keep a copy",
    )


def _require_possible(session: RegistrySession, event: FieldEvent) -> None:
    """Raise UsageError if an event cannot be recorded, before anything is written."""
    if why_not := refusal(field_events(session), event):
        raise UsageError(why_not)


def _seed_file(out: Path, committed: FieldSeedCommitted) -> Path:
    return out / SEEDS / f"{committed.period}-{committed.commitment[:16]}.seed"


def _write(path: Path, content: bytes) -> None:
    """Write a new file that only the user can read. Raises InstrumentError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_new(path, content)
    except OSError as error:
        raise InstrumentError(f"{path}: cannot be written: {error.strerror or error}") from error


@app.command("draw")
def draw_command(
    period: PERIOD,
    seed: Annotated[
        Path | None, typer.Option(help="The file with the seed; default: where it was kept.")
    ] = None,
    by: BY = "",
    registry: REGISTRY_OPTION = "",
    out: RESULTS_OUT = OUT,
) -> None:
    """Reveal the seed of a year, and draw services and sites of all certificates valid now."""
    with open_session(chosen_registry(registry, out), clock=clock) as session:
        require_not_behind(session.registry.heads(), clock.now())
        committed = _committed(field_events(session), period)
        revealed = _read(seed or _seed_file(out, committed)).decode("utf-8", "replace").strip()

        def make(_: tuple[FieldEvent, ...], frame: Frame, now: datetime) -> FieldDrawn:
            return FieldDrawn(
                at=now, actor=by or current_user(), period=period, seed=revealed,
                frame=digest_of_frame(frame.services), certificates=len(frame.services),
                services=draw(frame.services, revealed, committed.share, committed.sites),
                streams=frame.streams,
            )  # fmt: skip

        drawn = record_draw(session, clock, make)
    total = drawn.certificates
    say(f"{period}: {len(drawn.services)} of {total} certificates drawn, with the seed {revealed}")
    for each in drawn.services:
        say(f"{each.supplier}: {each.service} {each.version} by {each.scheme}, {each.certificate}")
        say(*(f"  {site}" for site in each.sites))
        if len(each.sites) < committed.sites:
            say(f"  only {each.of_sites} sites are on record; {committed.sites} are required")


def _committed(events: Sequence[FieldEvent], period: str) -> FieldSeedCommitted:
    """The commitment of a period. Raises UsageError."""
    committed = committed_in(events, period)
    if committed is None:
        msg = f"no seed of {period} was committed to: accredit monitor field commit"
        raise UsageError(msg)
    return committed


def _read(path: Path) -> bytes:
    try:
        return read_bounded(path, MOST_BYTES)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from None


@app.command("add")
def add_command(
    period: PERIOD,
    supplier: SUPPLIER,
    service: SERVICE,
    site: SITE,
    complaint: Annotated[str, typer.Option(help="The complaint, as it is on record.")] = "",
    reason: Annotated[str, typer.Option(help="Another reason, in a sentence.")] = "",
    version: VERSION = "",
    of_scheme: OF_SCHEME = "",
    *,
    reactive: Annotated[
        bool, typer.Option("--reactive", help="Required: only the seed adds sites at random.")
    ] = False,
    by: BY = "",
    registry: REGISTRY_OPTION = "",
    out: RESULTS_OUT = OUT,
) -> None:
    """Add a site of a certified service that is to be visited on complaint."""
    if not reactive:
        msg = "say --reactive: sites are added on complaint only, and random ones by the draw"
        raise UsageError(msg)
    with open_session(chosen_registry(registry, out), clock=clock) as session:
        now = clock.now()
        named = Named(supplier, service, version, of_scheme)
        checked = certified_service(session, named, now)
        event = FieldSiteAdded(
            at=now, actor=by or current_user(), period=period, checked=checked,
            site=site_on_record(session, checked, site),
            because=complaint_or_reason(session, checked, complaint, reason),
        )  # fmt: skip
        record_field_event(session, lambda _: event)
    say(f"{event.site} is to be visited for {checked.service} {checked.version}: {event.because}")


@app.command("visit")
def visit_command(
    results: Annotated[Path, typer.Argument(help="The campaign's folder, or its journal.")],
    period: PERIOD,
    supplier: SUPPLIER,
    service: SERVICE,
    site: SITE,
    scheme: SCHEME = None,
    version: VERSION = "",
    of_scheme: OF_SCHEME = "",
    *,
    reactive: Annotated[
        bool, typer.Option("--reactive", help="The site was added on complaint.")
    ] = False,
    by: BY = "",
    registry: REGISTRY_OPTION = "",
    out: RESULTS_OUT = OUT,
) -> None:
    """Record what a campaign showed at a drawn or added site. Of several, the first counts."""
    kind: CheckKind = "reactive" if reactive else "randomized"
    with open_session(chosen_registry(registry, out), clock=clock) as session:
        stream = session.place_named(supplier).stream
        named = Named(supplier, service, version, of_scheme)
        checked = chosen_service(field_events(session), period, named, kind, stream)
        concluded = conclude_visit(results, scheme, clock)
        now = FieldEvent(at=clock.now(), actor=by or current_user(), period=period)
        event = visit_of(checked, site, kind, concluded, now)
        earlier: list[FieldVisited] = []

        def make(before: tuple[FieldEvent, ...]) -> FieldEvent:
            earlier.extend(visits_of(before, event))
            return event

        record_field_event(session, make)
    limit = f", {event.limited_to}" if event.limited_to else ""
    say(f"{site}: {checked.service} {checked.version} {event.conformity}{limit} ({event.campaign})")
    if earlier:
        first = min((*earlier, event), key=lambda each: each.begun)
        say(f"of {len(earlier) + 1} visits the first counts: {first.campaign}, {first.conformity}")


@app.command("show")
def show_command(
    period: Annotated[str, typer.Option(help="Only this year.")] = "",
    *,
    json: JSON = False,
    registry: REGISTRY_OPTION = "",
    out: RESULTS_OUT = OUT,
) -> None:
    """Show services drawn, and sites passed, visited and drawn, for each year."""
    with open_session(chosen_registry(registry, out), clock=clock) as session:
        events = field_events(session)
    periods = [each for each in periods_of(events) if period in ("", each)]
    if period and not periods:
        raise UsageError(f"nothing is recorded of {period!r}; {known(periods_of(events))}")
    found = [standing(events, each) for each in periods]
    if json:
        say_data({"format": CHECKS_FORMAT, "periods": found})
    elif not found:
        say("no check in the field is recorded")
    for each in () if json else found:
        say(*lines_of_checks(each))
        terminal().print(table_of_checks(each))
        say(*each.shortfalls)


@app.command("verify")
def verify_command(
    period: Annotated[str, typer.Option(help="Only this year.")] = "",
    file: Annotated[
        Path | None, typer.Option(help="The public file of the commitment, as it was published.")
    ] = None,
    registry: REGISTRY_OPTION = "",
    out: RESULTS_OUT = OUT,
) -> None:
    """Draw again from what the registry held at the time, and check every visit.

    Exit 0: all fits. Exit 1: something does not, and is said.
    """
    public = _public(file) if file is not None else None
    with open_session(chosen_registry(registry, out), clock=clock) as session:
        events = field_events(session)
        faults = [*_out_of_order(events, period)]
        draws = [
            one for one in events if isinstance(one, FieldDrawn) and period in ("", one.period)
        ]
        for drawn in draws:
            faults += (f"{drawn.period}: {each}" for each in _faults_of(session, events, drawn))
    if public is not None:
        faults += _public_faults(public, events)
    say(*faults)
    if faults:
        raise typer.Exit(1)
    drawn_periods = ", ".join(each.period for each in draws) or "no year"
    say(f"drawn again, the seeds give the services and sites on record: {drawn_periods}")


def _out_of_order(events: Sequence[FieldEvent], period: str) -> Iterable[str]:
    """Yield the events that would be refused if they were recorded now."""
    for at, event in enumerate(events):
        if period in ("", event.period) and (why_not := refusal(events[:at], event)):
            yield f"{event.period}: {event.__struct_config__.tag} of {in_utc(event.at)}: {why_not}"


def _faults_of(
    session: RegistrySession, events: Sequence[FieldEvent], drawn: FieldDrawn
) -> Iterable[str]:
    frame = frame_of(session, drawn)
    yield from frame.faults
    committed = committed_in(events, drawn.period)
    if committed is not None:
        yield from draw_faults(committed, drawn, frame.services)


def _public(file: Path) -> FieldCommitment:
    """Read a public file. Raises UsageError that says what is wrong with it."""
    try:
        found = _COMMITMENTS.decode(_read(file))
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: not a commitment: {error}") from None
    if found.format != COMMITMENT_FORMAT or found.at.tzinfo is None:
        raise UsageError(f"{file}: not a commitment of the form {COMMITMENT_FORMAT}")
    return found


def _public_faults(public: FieldCommitment, events: Sequence[FieldEvent]) -> Iterable[str]:
    """Yield how a published commitment differs from the one on record."""
    held = committed_in(events, public.period)
    if held is None:
        yield f"{public.period}: the registry holds no commitment; one was published"
        return
    for name in ("commitment", "share", "sites", "at"):
        if getattr(held, name) != getattr(public, name):
            yield f"{public.period}: the commitment on record has another {name} than the published"
