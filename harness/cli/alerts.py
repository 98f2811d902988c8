"""``accredit alerts``: play sessions that monitoring must recognise, and receive its alerts.

What is received becomes a part of the campaign's journal, so that ``accredit conclude`` can compare
it with what was played.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import replace

from harness.campaign.assemble import Prepared
from harness.cli.alert_receivers import Span, extend_spans, receive_command
from harness.cli.compose import load_and_warn
from harness.cli.given_times import aware_time
from harness.cli.measure import prepare_in, resumable
from harness.cli.paths import JOURNAL, OUT, CampaignPaths, journal_folder
from harness.cli.printing import say
from harness.cli.sending import make_requests
from harness.errors import Fault, FaultyDocument, UsageError, known
from harness.interop.alert_join import AlertJoin
from harness.interop.log_join import log_observation, reading_observations
from harness.measure.alert_sessions import PROBE, AlertPlay, session_batches
from harness.measure.log_requests import send_batches
from harness.measure.measurement_context import MeasurementContext
from harness.model.alert_case import HARMLESS, KINDS, OF_CELL, Hours, alert_session
from harness.model.corpus import Item
from harness.model.facts import AlertReportFacts, LogFileFacts
from harness.model.observation import CONTROL, Observation
from harness.model.plain_twin import next_number
from harness.model.service_alert import REPORT, SPOOL, TO_OPERATOR
from harness.model.service_log import next_turn
from harness.ports.storage import Clock, Journal, WallClock
from harness.untrusted.regular_file import read_bounded
from probes.receivers.spool import ALERTS, read_spool

app = typer.Typer(no_args_is_help=True)
app.command("receive")(receive_command)

MOST = 1000
"""The most sessions of a cell."""
REPORT_BYTES = 1024 * 1024


@app.command("send")
def send_command(
    campaign: Annotated[Path, typer.Argument(help="The campaign file.")],
    out: Annotated[Path, typer.Option(help="Where results go.")] = OUT,
    hours: Annotated[
        Hours, typer.Option(help="in_hours; out_of_hours: at night, when nobody answers.")
    ] = "in_hours",
    sessions: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=MOST,
            help=f"Worrying sessions of each of the 48 cells; default: {OF_CELL}, or what ALR-06 "
            "of the scheme needs, if that is more.",
        ),
    ] = None,
    harmless: Annotated[
        int, typer.Option(min=0, max=100 * MOST, help="Harmless sessions.")
    ] = HARMLESS,
) -> None:
    """Play sessions that the service's monitoring must recognise, and harmless ones."""
    prepared = prepare_in(campaign, out)
    paths = CampaignPaths(out=out, campaign=prepared.campaign.campaign)
    with resumable(paths.journal):
        play(prepared, paths, hours, sessions or planned(prepared, hours), harmless)


def planned(prepared: Prepared, hours: Hours) -> int:
    """How many sessions of each cell the scheme of a campaign needs."""
    rows = load_and_warn(prepared.campaign.scheme).requirements if hours == "in_hours" else ()
    by_cell = [one.n_min for one in rows if one.measure.metric == "worst_alert_recall"]
    return max([OF_CELL, *by_cell])


def play(
    prepared: Prepared,
    paths: CampaignPaths,
    hours: Hours,
    of_cell: int,
    harmless: int,
    clock: Clock | None = None,
) -> None:
    """Play sessions for each line and profile, and write them to the journal of the campaign."""

    async def make(context: MeasurementContext, journal: Journal, number: int) -> None:
        assert context.origin is not None
        plan = AlertPlay(number=number, hours=hours, of_cell=of_cell, harmless=harmless)
        batches = session_batches(
            prepared.campaign, context.origin, plan, context.run, next_number(journal.batches())
        )
        await send_batches(batches, prepared.campaign, context, journal)

    number = make_requests(prepared, paths, {PROBE}, make, clock)
    say(f"play {number}: {of_cell} sessions of each cell and {harmless} harmless ones")
    say(f"next: accredit alerts import {paths.journal} SPOOL")


@app.command("import")
def import_command(
    journal: JOURNAL,
    spool: Annotated[Path, typer.Argument(help="The file that alerts receive wrote.")],
) -> None:
    """Read received alerts, and keep in the journal those of the campaign's sessions."""
    import_alerts(journal_folder(journal), spool, WallClock())


def import_alerts(folder: Path, spool: Path, clock: Clock) -> None:
    """Read received alerts as they are now, and keep those of sessions and to the operator.

    Raises UsageError, FaultyDocument for a spool that cannot be read, UsageError for a journal
    without sessions.
    """
    from harness.store.journal.journal import open_journal  # noqa: PLC0415 - numpy is heavy

    at = clock.now()
    with closing(open_journal(folder)) as journal:
        journal.write()
        seen = list(journal.sentinels())
        sessions = _sessions(seen)
        if not sessions and not any(one.role == "poll" for one in seen):
            msg = (
                f"{folder}: holds no sessions that could have raised alerts; play them first "
                "(accredit alerts send)"
            )
            raise UsageError(msg)
        campaign = journal.header.campaign
        declared = campaign.service.alerts
        join = AlertJoin(sessions.values(), declared.operator if declared else ())
        readings = _readings_of(spool, join)
        items = sessions | {TO_OPERATOR: _item(TO_OPERATOR)}
        number, batch = next_turn(seen, "log", len(readings)), next_number(journal.batches())
        made = [
            one
            for place, facts in enumerate(readings)
            for one in reading_observations(
                campaign.campaign,
                items,
                facts,
                join.found if facts is readings[-1] else {},
                number=number + place,
                at=at,
                batch=batch,
                name=spool.name,
            )
        ]
        journal.append(batch, made)
        journal.seal()
    found = len(join.found.keys() & sessions.keys())
    for before, after in pairwise(readings):
        say(f"the receiver did not work from {before.last} to {after.first}")
    say(f"read {readings[-1].entries:,} alerts: {found} of {len(sessions)} sessions raised one")


def _readings_of(spool: Path, join: AlertJoin) -> list[LogFileFacts]:
    """Join all alerts of a spool; return what was read, for each time in which the receiver worked.

    Raises UsageError, FaultyDocument.
    """
    times: list[Span] = []
    number = alerts = size = 0
    digest = hashlib.sha256()

    def note(line: bytes) -> None:
        nonlocal size
        digest.update(line)
        size += len(line)

    for number, alert in enumerate(read_spool(spool, ALERTS, note), 1):
        join.add(number, alert)
        alerts += not alert.is_note
        extend_spans(times, alert.at)
    whole = LogFileFacts(
        format=SPOOL,
        sha256=digest.hexdigest(),
        bytes=size,
        lines=number,
        entries=alerts,
    )
    spans = [replace(whole, entries=0, first=first, last=last) for first, last in times]
    return [*spans[:-1], replace(spans[-1], entries=alerts)] if spans else [whole]


@app.command("report")
def report_command(
    journal: JOURNAL,
    report: Annotated[Path, typer.Argument(help="A CSV table: category,count.")],
    begins: Annotated[str, typer.Option(help="Its period: from 2026-11-23T00:00:00Z")],
    ends: Annotated[str, typer.Option(help="until 2026-11-30T00:00:00Z")],
) -> None:
    """Read a supplier's regular report about the tester's accounts, and keep its counts."""
    from harness.store.journal.journal import open_journal  # noqa: PLC0415 - numpy is heavy

    folder = journal_folder(journal)
    facts = AlertReportFacts(
        begins=aware_time(begins, "--begins "),
        ends=aware_time(ends, "--ends "),
        counts=read_counts(report),
    )
    if facts.ends <= facts.begins:
        msg = "--ends is not after --begins; give the period of the report"
        raise UsageError(msg)
    with closing(open_journal(folder)) as kept:
        kept.write()
        number, batch = next_turn(kept.sentinels(), "log"), next_number(kept.batches())
        campaign, at = kept.header.campaign.campaign, WallClock().now()
        made = log_observation(campaign, _item(REPORT), facts, number=number, at=at, batch=batch)
        kept.append(batch, [made])
        kept.seal()
    say(f"kept the counts of {len(facts.counts)} categories")


def read_counts(path: Path) -> dict[str, int]:
    """Read the counts of a report by category. Raises UsageError, FaultyDocument by line."""
    try:
        text = read_bounded(path, REPORT_BYTES).decode("utf-8-sig")
    except FileNotFoundError:
        msg = f"{path}: no such file"
        raise UsageError(msg) from None
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{path}: cannot be read: {error}"
        raise UsageError(msg) from None
    counts: dict[str, int] = {}
    faults: list[Fault] = []
    for line, row in enumerate(_rows(path, text), 1):
        if not row or (line == 1 and row[:2] == ["category", "count"]):
            continue
        why = _wrong(row, counts)
        if why:
            faults.append(Fault(where=str(path), line=line, key="", found=why, known=known(KINDS)))
        else:
            counts[row[0]] = int(row[1])
    if faults:
        raise FaultyDocument(tuple(faults))
    if not counts:
        msg = f"{path}: no counts; write rows such as HARM,3"
        raise UsageError(msg)
    return counts


def _rows(path: Path, text: str) -> Iterator[list[str]]:
    reader = csv.reader(text.splitlines())
    try:
        yield from reader
    except csv.Error as error:
        why = f"is no row of CSV: {error}"
        fault = Fault(where=str(path), line=reader.line_num, key="", found=why, known=known(KINDS))
        raise FaultyDocument((fault,)) from None


def _wrong(row: list[str], counts: dict[str, int]) -> str:
    """What is wrong with a row of a report; empty if nothing is."""
    if len(row) != 2:  # noqa: PLR2004 - a category and its count
        return f"{len(row)} cells, not a category and a count"
    if row[0] not in KINDS:
        return f"no category {row[0][:40]!r}"
    if row[0] in counts:
        return f"{row[0]} is there twice"
    if not (row[1].isascii() and row[1].isdigit() and len(row[1]) < 10):  # noqa: PLR2004 - a count
        return f"{row[1][:40]!r} is not a count"
    return ""


def _sessions(observations: Iterable[Observation]) -> dict[str, Item]:
    return {
        one.item.id: one.item
        for one in observations
        if one.role == "logged" and one.key.line != CONTROL
        if alert_session(one.item.stratum) is not None
    }


def _item(name: str) -> Item:
    return Item(id=name, value=name, labels=("CTRL",), kind="vector")
