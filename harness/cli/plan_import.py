"""``accredit plan import``: plans from a supplier's or assessor's own table, row by row."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.paths import REGISTRY_OPTION, chosen_registry
from harness.cli.plan_step import BY, clock
from harness.cli.printing import say
from harness.cli.registry_session import RegistrySession, current_user, open_session
from harness.errors import UsageError
from harness.follow.planned_rows import CheckedTable, check_table
from harness.follow.replay import replay
from harness.follow.state import StreamState


def import_command(
    supplier: Annotated[str, typer.Option(help="The supplier whose plans these are.")],
    file: Annotated[
        Path | None, typer.Argument(help="The table: .csv (UTF-8) or .xlsx, its first sheet.")
    ] = None,
    *,
    template: Annotated[
        Path | None,
        typer.Option(help="Write a table of the open plans to this new file, to be filled in."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check the table, and record nothing.")
    ] = False,
    by: BY = "",
    registry: REGISTRY_OPTION = "",
) -> None:
    """Record plans that were kept in a spreadsheet: submit drafts, add details and reports.

    All rows are checked first. If one has a fault, nothing is recorded. What the registry holds
    already is not recorded again.
    """
    if (file is None) is (template is None):
        msg = "give a table to import, or --template FILE to write one"
        raise UsageError(msg)
    with open_session(chosen_registry(registry), clock=clock) as session:
        if template is not None:
            _write(session, session.stream_named(supplier), template)
        elif file is not None:
            _import(session, session.stream_named(supplier), file, by, dry_run=dry_run)


def _import(session: RegistrySession, stream: str, file: Path, by: str, *, dry_run: bool) -> None:
    from harness.cli.plan_table import faulty_table, read_table  # noqa: PLC0415 - only if asked

    rows, actor = read_table(file), by or current_user()

    def checked(state: StreamState) -> CheckedTable:
        found = check_table(rows, state, str(file), clock.now(), actor)
        if found.faults:
            raise faulty_table(found.faults)
        return found

    if dry_run:
        with session.registry.reading(stream) as access:
            found = checked(replay(access.events()))
    else:
        with session.registry.writing(stream) as access:
            state = replay(access.events())
            found = checked(state)
            if found.events:
                session.append_to(access, state.after(*found.events), list(found.events))
    if not found.events:
        say(f"{file}: nothing new: the registry holds all of it already")
        return
    say(*found.said, f"{file}: {'checked, nothing was' if dry_run else 'all rows are'} recorded")


def _write(session: RegistrySession, stream: str, path: Path) -> None:
    from harness.cli.plan_table import template  # noqa: PLC0415 - only if asked
    from harness.store.atomic_write import write_new  # noqa: PLC0415 - the same

    with session.registry.reading(stream) as access:
        state = replay(access.events())
    plans = [
        (plan.id, finding.requirement, finding.profile, finding.line)
        for plan in state.plans.values()
        if not plan.is_ended
        for finding in [state.findings[plan.finding]]
    ]
    try:
        write_new(path, template(plans, path))
    except OSError as error:
        why = "is there already" if isinstance(error, FileExistsError) else error.strerror
        msg = f"{path}: {why}; give another path"
        raise UsageError(msg) from None
    say(f"{path}: {len(plans)} open plan{'' if len(plans) == 1 else 's'} to fill in")
