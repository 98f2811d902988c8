"""``accredit bundle``: what is handed over, signed; other people's measurements in, ours out."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.bundle_make import make_command, verify_command
from harness.cli.judge import lines_of
from harness.cli.paths import journal_folder
from harness.cli.printing import say, say_json
from harness.errors import UsageError
from harness.interop.record import MEASUREMENT_IMPORTERS
from harness.model.campaign import BlockPage
from harness.yaml_reader import read_document, validate
from reports.exports import JOURNAL_EXPORTERS

if TYPE_CHECKING:
    from harness.interop.intake import Trouble

app = typer.Typer(no_args_is_help=True)
app.command("make")(make_command)
app.command("verify")(verify_command)


NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@app.command("import")
def import_command(
    file: Annotated[Path, typer.Argument(help="JSON lines; - reads standard input.")],
    form: Annotated[str, typer.Option("--format", help="See: accredit list importers.")],
    out: Annotated[Path, typer.Option(help="The new campaign folder; its name is the campaign's.")],
    block_page: Annotated[
        Path | None,
        typer.Option(help="A YAML file with title, text or host of the supplier's block page."),
    ] = None,
) -> None:
    """Write a journal from other people's measurements: whole, or not at all.

    A line that cannot be read or repeats another becomes a JSON line on standard error and is
    left out; after a broken one the exit code is 2. "accredit conclude OUT" then counts
    verdicts, and decides nothing: nobody measured sentinels.
    """
    from harness.interop.intake import foreign_header, take_in, whole_journal  # noqa: PLC0415 - duckdb is heavy

    read = MEASUREMENT_IMPORTERS.find(form)
    name = out.resolve().name
    if not NAME.fullmatch(name):
        msg = f"{out}: a campaign is called like its folder: letters, digits, '.', '_', '-'"
        raise UsageError(msg)
    source = "standard input" if str(file) == "-" else file.name
    declared = validate(read_document(block_page), BlockPage) if block_page else None
    header = foreign_header(name, form, source, _digest(file), declared)
    journal = out / "journal"
    with whole_journal(journal, header) as opened:
        intake = take_in(lines_of(file), read, opened, _teller(file))
        if not intake.taken:
            msg = f"{file}: no line of it is a measurement that can be read; nothing was written"
            raise UsageError(msg)
    say(f"journal: {journal} ({intake.taken} measurements)")
    raise typer.Exit(2 if intake.broken else 0)


@app.command("export")
def export_command(
    journal: Annotated[Path, typer.Argument(help="The journal folder, or the campaign's folder.")],
    form: Annotated[str, typer.Option("--format", help="See: accredit list exporters.")],
    out: Annotated[Path, typer.Option(help="The file to write: one measurement a line.")],
) -> None:
    """Write a journal's trials as measurements of another format. S4 items are left out."""
    from harness.store.document import write_lines  # noqa: PLC0415 - keep the start light
    from harness.store.journal.journal import open_journal  # noqa: PLC0415 - duckdb is heavy

    export = JOURNAL_EXPORTERS.find(form)
    left_out: Counter[str] = Counter()
    opened = open_journal(journal_folder(journal))
    with contextlib.closing(opened):
        written = write_lines(out, export(opened, left_out))
    say(f"written: {out} ({written} measurements)")
    for why, number in sorted(left_out.items()):
        say(f"left out: {number} trials {why}")


def _teller(file: Path) -> Callable[[Trouble], None]:
    def tell(trouble: Trouble) -> None:
        key = "repeated" if trouble.repeated else "error"
        told = {"file": str(file), "line": trouble.line, key: trouble.reason}
        say_json(json.dumps(told, ensure_ascii=False), to_stderr=True)

    return tell


def _digest(file: Path) -> str:
    """The file's SHA-256; nothing for standard input, which can be read but once."""
    if str(file) == "-":
        return ""
    digest = hashlib.sha256()
    for line in lines_of(file):
        digest.update(line)
    return digest.hexdigest()
