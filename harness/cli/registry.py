"""``accredit registry verify``: check that a registry is unchanged, also since a printed head."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.journal import HEAD, continues_from
from harness.cli.paths import OUT, REGISTRY, CampaignPaths
from harness.cli.printing import say

app = typer.Typer(no_args_is_help=True)


@app.callback()
def about() -> None:
    """Check registries."""


@app.command("verify")
def verify_command(
    registry: Annotated[
        str,
        typer.Option(help=f"A file or database URL; default: ${REGISTRY}, else the file in --out."),
    ] = "",
    out: Annotated[Path, typer.Option(help="Where results are.")] = OUT,
    head: HEAD = "",
) -> None:
    """Check every event of a registry; with --head also that it continues from a printed head.

    Events dated before earlier ones are listed: registries of older versions may hold some.
    """
    from harness.model.event import backward_events  # noqa: PLC0415 - keep the start light
    from harness.store.registry import START, open_registry  # noqa: PLC0415 - sqlalchemy is heavy

    where = registry or CampaignPaths(out=out, campaign="").registry
    with open_registry(where) as opened:
        hashes, shown, events = opened.hashes(), opened.where, opened.events()
    lines = [f"{shown}: unchanged: {len(hashes):,} events; head {hashes[-1] if hashes else START}"]
    lines += [f"{shown}: {fault}" for fault in backward_events(events)]
    if head:
        heads = {each: f"{number:,} events" for number, each in enumerate((START, *hashes))}
        lines.append(continues_from(head, heads, shown))
    say(*lines)
