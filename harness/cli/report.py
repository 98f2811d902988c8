"""``accredit report``: writes the page for people from a journal."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.conclude import JOURNAL, SCHEME, conclude_journal
from harness.cli.paths import Places
from harness.cli.printing import say
from harness.model.outcome import Assessment
from reports.documents import DOCUMENTS


def report_command(
    journal: JOURNAL,
    scheme: SCHEME = None,
    out: Annotated[Path | None, typer.Option(help="The file to write.")] = None,
    kind: Annotated[str, typer.Option("--format", help="See: accredit list documents.")] = "html",
) -> None:
    """Write a self-contained document from a journal."""
    assessment, places = conclude_journal(journal, scheme)
    path = write_report(assessment, places, out, kind)
    say(f"report: {path}")


def write_report(
    assessment: Assessment, places: Places, out: Path | None = None, kind: str = "html"
) -> Path:
    """Write a document of an assessment; gives its path."""
    path = out or places.report.with_suffix(f".{kind}")
    path.parent.mkdir(parents=True, exist_ok=True)
    DOCUMENTS.find(kind)(assessment, path)
    return path
