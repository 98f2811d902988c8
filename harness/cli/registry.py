"""``accredit registry``: records of suppliers and services, and the care of a registry itself."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.table import Table

from harness.cli.drawing import terminal
from harness.cli.paths import OUT, REGISTRY_OPTION, chosen_registry
from harness.cli.printing import say, say_data
from harness.cli.registry_care import (
    CheckedStream,
    migrate,
    rebuild,
    verify_streams,
)
from harness.cli.registry_export import export_stream, verify_export
from harness.cli.registry_session import (
    OWNERS,
    Place,
    RegistrySession,
    current_user,
    open_session,
    place_of,
)
from harness.cli.verify import HEAD, continues_from
from harness.cli.witness_options import AUTHORITY, KEYS, TOKEN, WITNESS, Asked
from harness.errors import InstrumentError, UsageError, known
from harness.follow.decision_dates import ANSWER, record_due
from harness.follow.derived_rows import HELD_RECORDS, HeldRecord, read_row
from harness.model.event import OUTCOMES, ComplaintOutcome, RecordAdded, RecordClosed
from harness.model.event_times import in_utc
from harness.model.registry_record import (
    RECORDS,
    AnyRecord,
    Complaint,
    Incident,
    OfService,
    make_record,
    require_kind,
    times_of,
)
from harness.model.stream import OWNER, same_name
from harness.ports.storage import Clock, WallClock

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

clock: Clock = WallClock()
"""The clock of the commands; tests replace it."""

RESULTS = Annotated[Path, typer.Option("--out", help="Where results are.")]
SUPPLIER = Annotated[str, typer.Option(help="The supplier whose stream it is.")]
OWNERS_OWN = Annotated[bool, typer.Option("--owner", help="The stream of the scheme's owner.")]
BY = Annotated[str, typer.Option(help="Who does this; default: you.")]
KIND = Annotated[str, typer.Argument(help=f"One of: {', '.join(RECORDS)}.")]
NO_EVENTS = "0" * 64
"""The head of a registry without events; earlier versions printed it."""
DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
WRITTEN_BY = {
    "campaign": "run",
    "submission": "submission record",
    "identity": "identity register",
}
"""The kinds of records that no hand adds or closes, each with the command that writes it."""
NAME = Annotated[str, typer.Argument(help="What people call it.")]


@app.callback()
def about_registries() -> None:
    """Keep records of suppliers, and check, migrate and export registries."""


@app.command("add")
def add(
    kind: KIND,
    name: NAME,
    supplier: SUPPLIER = "",
    field: Annotated[
        list[str] | None,
        typer.Option("--set", help="A field, such as of='Safe Net'; dates like 2026-03-31."),
    ] = None,
    *,
    key: Annotated[
        Path | None, typer.Option(help="A contact's public Ed25519 key: a PEM file.")
    ] = None,
    owner: OWNERS_OWN = False,
    by: BY = "",
    registry: REGISTRY_OPTION = "",
    out: RESULTS = OUT,
) -> None:
    """Add a record of a supplier: a service, a version, a site, a contact, a complaint and so on.

    The registry is made if there is none.
    """
    _require_by_hand(kind)
    _require_whose(supplier, owner=owner)
    values = _values(kind, field or [])
    if key is not None:
        values |= _public_key(kind, key, values)
    record = make_record(kind, values | {"id": name})
    now = clock.now()
    record = _with_times(record, now)
    _require_past(record, now)
    added = RecordAdded(at=now, actor=by or current_user(), record=record)
    with open_session(chosen_registry(registry, out), create=True, clock=clock) as session:
        place = _place(session, supplier, owner=owner)
        session.record(place, added)
    say(f"added: {record.kind} {record.id}, of {place.name}")


@app.command("close")
def close(
    kind: KIND,
    name: NAME,
    reason: Annotated[str, typer.Option(help="Why it is no longer valid, or what was done.")],
    supplier: SUPPLIER = "",
    *,
    of: Annotated[str, typer.Option(help="Its service, if several have one of this name.")] = "",
    outcome: Annotated[str, typer.Option(help=f"Of a complaint: {', '.join(OUTCOMES)}.")] = "",
    owner: OWNERS_OWN = False,
    by: BY = "",
    registry: REGISTRY_OPTION = "",
    out: RESULTS = OUT,
) -> None:
    """Close a record that is no longer valid, or was dealt with. It stays readable.

    A complaint gets an outcome, from somebody without a part in what it is about.
    """
    answer = _outcome(kind, outcome)
    _require_by_hand(kind)
    _require_whose(supplier, owner=owner)
    with open_session(chosen_registry(registry, out), clock=clock) as session:
        place = _place(session, supplier, owner=owner)
        rows = session.registry.rows(kind, stream=place.stream, state="open")
        key = _open_key([read_row(row, HELD_RECORDS).record for _, row in rows], kind, name, of)
        actor = by or current_user()
        closed = RecordClosed(
            at=clock.now(), actor=actor, record=key, reason=reason, outcome=answer
        )
        session.record(place, closed)
    say(f"closed: {kind} {name}, of {place.name}")


@app.command("list")
def list_records(
    kind: Annotated[str, typer.Argument(help="Only records of this kind.")] = "",
    supplier: SUPPLIER = "",
    *,
    owner: OWNERS_OWN = False,
    every: Annotated[bool, typer.Option("--all", help="Include closed records.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    registry: REGISTRY_OPTION = "",
    out: RESULTS = OUT,
) -> None:
    """List records: of all suppliers, of one (--supplier), or of the scheme's owner (--owner).

    An open review is overdue after the day on which it is due (UTC).
    """
    if kind:
        require_kind(kind)
    with open_session(chosen_registry(registry, out), clock=clock) as session:
        only = _only(session, supplier, owner=owner)
        names = {head.stream: head.name for head in session.registry.heads()}
        rows = [
            (names.get(stream, stream), read_row(row, HELD_RECORDS))
            for each in ([kind] if kind else RECORDS)
            for stream, row in session.registry.rows(each, leave="" if every else "closed", **only)
        ]
    now = clock.now()
    if json:
        data = [
            {"supplier": name, **msgspec.to_builtins(held), "overdue": _is_overdue(held, now)}
            for name, held in rows
        ]
        say_data(data)
        return
    table = Table("supplier", "kind", "name", "details", box=None)
    for name, held in rows:
        table.add_row(name, held.record.kind, held.record.id, _details(held, now))
    terminal().print(table if rows else "no records")


@app.command("verify")
def verify(
    registry: REGISTRY_OPTION = "",
    out: RESULTS = OUT,
    head: HEAD = "",
    stream: Annotated[
        Path | None, typer.Option(help="Check one exported stream instead of a registry.")
    ] = None,
    witness: WITNESS = "",
    witness_key: KEYS = None,
    token_file: TOKEN = None,
    authority: AUTHORITY = None,
) -> None:
    """Check every event of a registry; with --head also that it continues from a printed head.

    Also that it continues what witnesses signed of it; --witness asks one of them. Also what was
    derived from the events. Events dated before earlier ones, or that would be refused now, are
    listed: registries of older versions may hold some. With --stream no registry is needed.
    """
    checked: tuple[CheckedStream, ...]
    asked, signed = Asked(witness, witness_key, token_file, authority), list[str]()
    if stream is not None:
        if asked != Asked():
            msg = "--witness is for a whole registry: leave --stream out"
            raise UsageError(msg)
        checked, shown = (verify_export(stream),), str(stream)
    else:
        with open_session(chosen_registry(registry, out), clock=clock) as session:
            checked, shown = verify_streams(session.registry), session.registry.where
            if wrong := [row for each in checked for row in each.wrong]:
                msg = (
                    f"{shown}: {wrong[0]} does not follow from the events; "
                    "'accredit registry rebuild' makes it again from them"
                )
                raise InstrumentError(msg)
            signed = _signed(session, chosen_registry(registry, out), out, asked)
    lines = [f"{shown}: unchanged: {sum(each.number for each in checked):,} events"]
    lines += [f"{each.title}: {each.number:,} events; head {each.hashes[-1]}" for each in checked]
    lines += [f"{each.title}: {fault}" for each in checked for fault in each.notes]
    if head:
        heads = {NO_EVENTS: "0 events"} | {
            digest: f"{number:,} events of {each.title}"
            for each in checked
            for number, digest in enumerate(each.hashes, 1)
        }
        lines.append(continues_from(head, heads, shown))
    say(*lines, *signed)


def _signed(session: RegistrySession, where: Path | str, out: Path, asked: Asked) -> list[str]:
    """Sentences on who witnessed the registry. Raises InstrumentError if it was rolled back."""
    from harness.cli.present_heads import (  # noqa: PLC0415 - cryptography is heavy
        present_registry,
        registry_receipts,
    )
    from harness.cli.witness_check import witness_lines  # noqa: PLC0415 - the same

    return witness_lines(present_registry(session.registry, registry_receipts(where, out)), asked)


@app.command("rebuild")
def rebuild_rows(registry: REGISTRY_OPTION = "", out: RESULTS = OUT) -> None:
    """Make everything again that is derived from the events."""
    with open_session(chosen_registry(registry, out), clock=clock) as session:
        number = rebuild(session.registry)
        say(f"{session.registry.where}: {number:,} rows made from the events")


@app.command("migrate")
def migrate_registry(registry: REGISTRY_OPTION = "", out: RESULTS = OUT, by: BY = "") -> None:
    """Divide a registry of an earlier version into streams, one for each supplier.

    The old events stay, so that heads printed before can still be checked.
    """
    where = chosen_registry(registry, out)
    shown, number, streams = migrate(where, by or current_user(), clock)
    if streams is None:
        say(f"{shown}: is up to date")
        return
    say(f"{shown}: migrated")
    if streams:
        say(f"{shown}: {number:,} events are in {streams} streams now")


@app.command("export")
def export(
    to: Annotated[Path, typer.Option("--to", help="The file to write: a new path.")],
    supplier: SUPPLIER = "",
    *,
    owner: OWNERS_OWN = False,
    registry: REGISTRY_OPTION = "",
    out: RESULTS = OUT,
) -> None:
    """Write the whole stream of one supplier to a file: one event a line, and the head.

    Only you can read it. To check it without the registry: accredit registry verify --stream FILE
    """
    _require_whose(supplier, owner=owner)
    with open_session(chosen_registry(registry, out), clock=clock) as session:
        place = _place(session, supplier, owner=owner)
        number = export_stream(session.registry, place, to)
    say(f"{to}: {number:,} events of {place.name}")


def _require_whose(supplier: str, *, owner: bool) -> None:
    """Raise UsageError unless one of the two is given, with a name that is one."""
    if bool(supplier) == owner:
        msg = "say whose stream it is: --supplier NAME, or --owner"
        raise UsageError(msg)
    if supplier:
        place_of(supplier)


def _place(session: RegistrySession, supplier: str, *, owner: bool) -> Place:
    return OWNERS if owner else session.place_named(supplier)


def _only(session: RegistrySession, supplier: str, *, owner: bool) -> dict[str, str]:
    if supplier and owner:
        msg = "give --supplier or --owner, not both"
        raise UsageError(msg)
    if owner:
        return {"stream": OWNER}
    return {"stream": session.stream_named(supplier)} if supplier else {}


def _values(kind: str, fields: list[str]) -> dict[str, str]:
    """The fields that ``--set`` gives; the date of a time means the start of that day, UTC.

    Raises UsageError for one without a value.
    """
    times = times_of(kind)
    values: dict[str, str] = {}
    for field in fields:
        name, separator, value = field.partition("=")
        if not separator or name in values or name == "id":
            msg = f"--set {field!r}: write NAME=VALUE, each name once"
            raise UsageError(msg)
        is_date = name in times and DATE.fullmatch(value)
        values[name] = f"{value}T00:00:00Z" if is_date else value
    return values


def _public_key(kind: str, key: Path, values: Mapping[str, str]) -> dict[str, str]:
    """The public key in a file, as a field. Raises UsageError if it cannot be one."""
    from harness.signing import public_key_in  # noqa: PLC0415 - cryptography is heavy

    if kind != "contact":
        msg = f"only a contact has a key, not a {kind}"
        raise UsageError(msg)
    if "public_key" in values:
        msg = "give --key or --set public_key=, not both"
        raise UsageError(msg)
    return {"public_key": public_key_in(key)}


def _require_by_hand(kind: str) -> None:
    """Raise UsageError for a kind of record that a command writes, naming that command."""
    require_kind(kind)
    if kind in WRITTEN_BY:
        msg = f"a {kind} is not added or closed by hand: 'accredit {WRITTEN_BY[kind]}' writes it"
        raise UsageError(msg)


def _require_past(record: AnyRecord, now: datetime) -> None:
    """Raise UsageError for an incident or a complaint of a time to come."""
    match record:
        case Incident(happened=time):
            what = "happened"
        case Complaint(received=datetime() as time):
            what = "was received"
        case _:
            return
    if time > now:
        msg = (
            f"{record.kind} {record.id!r}: {what} {in_utc(time)} is in the future "
            f"(it is {in_utc(now)}); give the time when it {what}"
        )
        raise UsageError(msg)


def _with_times(record: AnyRecord, now: datetime) -> AnyRecord:
    """A record with its missing times: a complaint came now, and is due in 30 days."""
    if not isinstance(record, Complaint):
        return record
    received = record.received or now
    due = record.due or received + ANSWER
    return msgspec.structs.replace(record, received=received, due=due)


def _outcome(kind: str, given: str) -> ComplaintOutcome | msgspec.UnsetType:
    """The outcome of a complaint, if one is given. Raises UsageError for another."""
    found = next((each for each in OUTCOMES if given == each), msgspec.UNSET)
    if given and kind != "complaint":
        msg = f"only a complaint has an outcome, not a {kind}; leave --outcome out"
        raise UsageError(msg)
    if given and found is msgspec.UNSET:
        msg = f"--outcome {given!r} is none; a complaint is {', '.join(OUTCOMES)}"
        raise UsageError(msg)
    return found


def _is_overdue(held: HeldRecord, now: datetime) -> bool:
    """Whether the day (UTC) on which an open review or complaint was due is over."""
    due = record_due(held.record) if held.closed is None else None
    return due is not None and now > due


def _open_key(held: Sequence[AnyRecord], kind: str, name: str, of: str) -> str:
    """The key of the open record of that name. Raises UsageError if there is none, or several."""
    named = [
        one
        for one in held
        if same_name(one.id) == same_name(name)
        and (not of or same_name(getattr(one, "of", "")) == same_name(of))
    ]
    if not named:
        whose = f" of {of!r}" if of else ""
        names = known(
            f"{one.id} of {one.of}" if isinstance(one, OfService) else one.id for one in held
        )
        msg = f"no open {kind} {name!r}{whose}; {names}"
        raise UsageError(msg)
    if len(named) > 1:
        services = known(getattr(one, "of", "") for one in named)
        msg = f"several services have a {kind} {name!r}; say which by --of; {services}"
        raise UsageError(msg)
    return named[0].key


def _details(held: HeldRecord, now: datetime) -> str:
    """The fields of a record but its name, and its end, in one line."""
    parts = ["overdue"] if _is_overdue(held, now) else []
    for field in msgspec.structs.fields(held.record):
        value = getattr(held.record, field.name)
        if field.name not in ("id", "text") and value not in ("", None):
            shown = in_utc(value) if hasattr(value, "astimezone") else value
            parts.append(f"{field.name} {shown}")
    if held.closed is not None:
        end = "closed" if held.closed.outcome is msgspec.UNSET else held.closed.outcome
        parts.append(f"{end} {in_utc(held.closed.at)}: {held.closed.reason}")
    return "; ".join(parts)
