"""``accredit submission``: check what a supplier declares, and record it in the registry."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from harness.cli.event_basis import needed_by, part_of
from harness.cli.paths import OUT, REGISTRY_OPTION, chosen_registry
from harness.cli.printing import say, say_document
from harness.cli.registry_session import current_user, open_session, place_of
from harness.cli.submission_checks import CheckedSubmission, asked_in, read_submission
from harness.cli.submission_records import records_of
from harness.errors import UsageError, known
from harness.follow.state import StreamState
from harness.model.event import Event, RecordAdded, RecordClosed
from harness.model.registry_record import (
    AnyRecord,
    Contact,
    ServiceVersion,
    SubmissionRecord,
)
from harness.model.stream import same_name
from harness.ports.storage import Clock, WallClock

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

clock: Clock = WallClock()
"""The clock of the commands; tests replace it."""

FILE = Annotated[Path, typer.Argument(help="The submission: a YAML file.")]
RESULTS = Annotated[Path, typer.Option("--out", help="Where results are.")]


@app.callback()
def about_submissions() -> None:
    """Check and record what a supplier declares. Write one: accredit init submission."""


@app.command("check")
def check(file: FILE) -> None:
    """Check a submission: every fault is named with its line."""
    checked = read_submission(file, clock.now())
    say(*_summary(checked, f"{file}: complete"))


@app.command("record")
def record(
    file: FILE,
    by: Annotated[str, typer.Option(help="Who does this; default: you.")] = "",
    registry: REGISTRY_OPTION = "",
    out: RESULTS = OUT,
) -> None:
    """Check a submission and record it, with its service, version, labels and contacts."""
    checked = read_submission(file, clock.now())
    told, actor = checked.submission, by or current_user()
    records = [one for _, one in records_of(told, checked.scheme, checked.text)]
    place, replaced = place_of(told.service.supplier), list[str]()
    with (
        open_session(chosen_registry(registry, out), create=True, clock=clock) as session,
        session.registry.writing(place.stream) as access,
    ):
        at = clock.now()
        before = needed_by(access, [RecordAdded(at=at, actor=actor, record=r) for r in records])
        is_new = _is_new(records[-1], before)
        if is_new:
            events = list(_changes(records, before, at, actor))
            replaced += _replaced(events, before)
            session.record_in(access, place, events, before)
    name = f"submission {told.submission}"
    say(*_summary(checked, f"recorded: {name}" if is_new else f"{name} is recorded already"))
    say(*replaced)


@app.command("show")
def show(
    name: Annotated[str, typer.Argument(help="The name of the submission.")],
    supplier: Annotated[str, typer.Option(help="The supplier.")],
    registry: REGISTRY_OPTION = "",
    out: RESULTS = OUT,
) -> None:
    """Print a recorded submission as it was recorded."""
    with open_session(chosen_registry(registry, out), clock=clock) as session:
        stream = session.stream_named(supplier)
        keys = {row.key for _, row in session.registry.rows("submission", stream=stream)}
        with session.registry.reading(stream) as access:
            held = part_of(access, records=keys).records.values()
    found = [one for one in held if isinstance(one, SubmissionRecord)]
    for one in found:
        if same_name(one.id) == same_name(name):
            say_document(one.text)
            return
    msg = f"no submission {name!r} of {supplier}; {known(one.id for one in found)}"
    raise UsageError(msg)


def _is_new(record: AnyRecord, before: StreamState) -> bool:
    """Whether a submission is not in the registry yet, or was closed since.

    Raises UsageError if its name was ever recorded with another text.
    """
    named = [one for one in before.records.values() if one.key == record.key]
    held = named[-1] if named else None
    if not isinstance(held, SubmissionRecord) or not isinstance(record, SubmissionRecord):
        return True
    if held.text != record.text:
        since = "" if before.open(held.key) else ", and closed since"
        msg = (
            f"submission {held.id!r} is recorded with another text{since}; a submission is not "
            "changed: give the new one another name"
        )
        raise UsageError(msg)
    return before.open(held.key) is None


def _changes(
    records: list[AnyRecord], before: StreamState, at: datetime, actor: str
) -> Iterator[Event]:
    """Leave out what is recorded already; what differs replaces the record of that name."""
    for told in records:
        held = before.open(told.key)
        record = _with_key_of(held, told)
        if held == record or _is_kept(held, record):
            continue
        if held is not None:
            reason = "replaced by a submission"
            yield RecordClosed(at=at, actor=actor, record=held.key, reason=reason)
        yield RecordAdded(at=at, actor=actor, record=record)


def _with_key_of(held: AnyRecord | None, record: AnyRecord) -> AnyRecord:
    """A contact with the public key that is known of this person: a submission names none."""
    if isinstance(record, Contact) and isinstance(held, Contact):
        return msgspec.structs.replace(record, public_key=held.public_key)
    return record


def _is_kept(held: AnyRecord | None, record: AnyRecord) -> bool:
    """Whether a version is in the registry already, where more may be known of it."""
    return isinstance(held, ServiceVersion) and isinstance(record, ServiceVersion)


def _replaced(events: list[Event], before: StreamState) -> Iterator[str]:
    """A line for each record that is replaced: the fields that change."""
    for event in events:
        held = before.open(event.about) if isinstance(event, RecordAdded) else None
        if held is None or not isinstance(event, RecordAdded):
            continue
        for name in held.__struct_fields__:
            old, new = getattr(held, name), getattr(event.record, name)
            if old != new:
                now = f"{_short(new)} (before: {_short(old)})"
                yield f"replaced: {held.kind} {held.id}: {name} {now}"


def _short(value: object) -> str:
    return textwrap.shorten(str(value), 80, placeholder="...") or "nothing"


def _summary(checked: CheckedSubmission, first: str) -> list[str]:
    told, scheme = checked.submission, checked.scheme
    answers = told.certification.answers
    asked = asked_in(scheme, told)
    meets = sum(answers[one.id].answer == "meets" for one in asked)
    service = f"{told.service.name} {told.service.version} of {told.service.supplier}"
    lines = [f"{first} ({service})"]
    lines.append(
        f"certified by {told.certification.by}: {meets} of {len(asked)} binding requirements of "
        f"{scheme.id} {scheme.version} are met"
    )
    return lines + [f"note: {remark}" for remark in checked.remarks]
