"""``accredit list``: what is known here, by kind."""

from __future__ import annotations

import inspect
from typing import Annotated

import msgspec
import typer
from rich.table import Table

from harness.cli.drawing import terminal
from harness.cli.printing import say_json
from harness.errors import UsageError, known
from harness.plugins import PACKAGES, load

KINDS = (
    "probes", "lines", "importers", "exporters", "reporters", "documents", "exports", "clients",
    "worlds",
)  # fmt: skip


def list_command(
    kind: Annotated[str | None, typer.Argument(help="One kind only.")] = None,
    *,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the plug-ins that are known, each with what it is for."""
    if kind is not None and kind not in PACKAGES:
        msg = f"no plug-in kind {kind!r}; {known(KINDS)}"
        raise UsageError(msg)
    rows = [
        {"kind": each, "name": name, "about": _about(plugin), "from": _home(plugin)}
        for each in ([kind] if kind else KINDS)
        for name, plugin in load(each).items()
    ]
    if json:
        say_json(msgspec.json.encode(rows))
        return
    table = Table("kind", "name", "what it is for", box=None)
    for row in rows:
        table.add_row(row["kind"], row["name"], row["about"])
    terminal().print(table)


def _about(plugin: object) -> str:
    return (inspect.getdoc(plugin) or "").partition("\n")[0]


def _home(plugin: object) -> str:
    return str(getattr(plugin, "__module__", ""))
