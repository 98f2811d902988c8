"""``accredit monitor``: monitor services by schedule, and check certified ones in the field."""

from __future__ import annotations

import typer

from harness.cli import field

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def monitor() -> None:
    """Monitor services by schedule: runs, alarms, field surveillance."""


app.add_typer(
    field.app, name="field", help="Draw certified services and sites, and record their visits."
)
