"""``accredit list``: the available plug-ins, by kind."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer
from rich.table import Table

from corpora.exporters import LIST_EXPORTERS
from corpora.importers import LIST_IMPORTERS
from harness.cli.drawing import terminal
from harness.cli.printing import say_json
from harness.errors import UsageError, known
from harness.interop import MEASUREMENT_IMPORTERS
from harness.interop.logs import LOG_IMPORTERS
from harness.plugins import LINES, PROBES
from reports.documents import DOCUMENTS
from reports.exports import JOURNAL_EXPORTERS

TABLES = (
    PROBES,
    LINES,
    LIST_IMPORTERS,
    MEASUREMENT_IMPORTERS,
    LOG_IMPORTERS,
    LIST_EXPORTERS,
    JOURNAL_EXPORTERS,
    DOCUMENTS,
)


def list_command(
    kind: Annotated[str | None, typer.Argument(help="Only this kind.")] = None,
    *,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List available plug-ins."""
    kinds = dict.fromkeys(table.kind for table in TABLES)
    if kind is not None and kind not in kinds:
        msg = f"no plug-in kind {kind!r}; {known(kinds)}"
        raise UsageError(msg)
    rows = [
        {
            "kind": table.kind,
            "of": table.of,
            "name": plugin.name,
            "about": plugin.about,
            "from": plugin.module,
        }
        for table in TABLES
        if kind in (None, table.kind)
        for plugin in table.summaries()
    ]
    if json:
        say_json(msgspec.json.encode(rows))
        return
    printed = Table("kind", "for", "name", "what it is", box=None)
    for row in rows:
        printed.add_row(row["kind"], row["of"], row["name"], row["about"])
    terminal().print(printed)
