"""``accredit registry verify``: whether a registry is as it was written, up to a printed head."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.journal import HEAD, goes_on_from
from harness.cli.paths import OUT, REGISTRY, Places
from harness.cli.printing import say

app = typer.Typer(no_args_is_help=True)


@app.callback()
def about() -> None:
    """Check registries."""


@app.command("verify")
def verify_command(
    registry: Annotated[
        str, typer.Option(help=f"A file or a database URL; default: ${REGISTRY}, or under --out.")
    ] = "",
    out: Annotated[Path, typer.Option(help="Where results are.")] = OUT,
    head: HEAD = "",
) -> None:
    """Check every event of a registry; with --head also that it continues from a printed head.

    Events that are dated before earlier ones are named: registries from before that was checked
    may hold some.
    """
    from harness.model.event import backward_events  # noqa: PLC0415 - keep the start light
    from harness.store.registry.registry import START, open_registry  # noqa: PLC0415 - sqlalchemy is heavy

    where = registry or Places(out=out, campaign="").registry
    with open_registry(where) as opened:
        hashes, shown, events = opened.hashes(), opened.where, opened.events()
    told = [f"{shown}: whole: {len(hashes):,} events; head {hashes[-1] if hashes else START}"]
    told += [f"{shown}: {fault}" for fault in backward_events(events)]
    if head:
        held = {one: f"{number:,} events" for number, one in enumerate((START, *hashes))}
        told.append(goes_on_from(head, held, shown))
    say(*told)
