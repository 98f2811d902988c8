"""``accredit plan calendar``: what is due, as a file to which calendar programs subscribe."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.paths import OUT, REGISTRY_OPTION, chosen_registry
from harness.cli.plan_digest import ONLY, all_due, for_supplier
from harness.cli.plan_step import clock
from harness.cli.printing import say
from harness.cli.vouched_time import known_now
from harness.errors import UsageError
from harness.store.atomic_write import write_document


def calendar_command(
    out: Annotated[Path, typer.Option("--out", help="The file to write: a name ending in .ics.")],
    supplier: ONLY = "",
    registry: REGISTRY_OPTION = "",
) -> None:
    """Write what is due as a calendar (.ics), with reminders 14 and 3 days before each date.

    The file replaces the one before. Write it daily, where calendar programs can read it.
    """
    if out.suffix.lower() != ".ics":
        msg = f"{out}: give a calendar a name that ends in .ics"
        raise UsageError(msg)
    from reports.exports.due_calendar import calendar_of  # noqa: PLC0415 - icalendar is heavy

    now = known_now(chosen_registry(registry), OUT, clock)
    found = all_due(registry, supplier, now)
    title = f"Accredit: what is due{for_supplier(found, supplier)}"
    write_document(out, calendar_of(found, now, title))
    say(f"{out}: {len(found)} {'entry' if len(found) == 1 else 'entries'}")
