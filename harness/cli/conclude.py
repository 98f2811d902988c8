"""``accredit conclude`` and ``accredit report``.

``conclude`` assesses a journal against a scheme without sending a packet; ``report`` writes the
document.
"""

from __future__ import annotations

import os
from contextlib import closing, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.declared_scheme import judging_scheme
from harness.cli.drawing import terminal
from harness.cli.paths import JOURNAL, CampaignPaths, journal_folder, paths_of_journal
from harness.cli.printing import say, say_json, warn
from harness.cli.registered_campaigns import with_registration
from harness.cli.registry_facts import (
    appeals_in,
    follow_ups_in,
    registry_heads,
)
from harness.cli.unchanged_campaign import open_unchanged
from harness.errors import UsageError, require_library
from harness.model.outcome import Assessment
from harness.ports.storage import Clock, Journal, WallClock
from harness.store.atomic_write import PRIVATE
from reports.documents import DOCUMENTS, Report
from reports.exports.table import require_table_format

SCHEME = Annotated[
    str | None, typer.Option(help="A shipped scheme or a file; default: the campaign's own.")
]
JSON = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def conclude_command(journal: JOURNAL, scheme: SCHEME = None, *, json: JSON = False) -> None:
    """Assess a journal against a scheme. Exit 0 conforms, 1 does not conform, 3 insufficient."""
    assessment, _ = conclude_journal(journal, scheme, is_view=True)
    for sentence in assessment.warnings:
        warn(sentence)
    show_assessment(assessment, json=json)
    raise typer.Exit(assessment.exit_code)


def conclude_journal(
    path: Path, scheme: str | None = None, clock: Clock | None = None, *, is_view: bool = False
) -> tuple[Assessment, CampaignPaths]:
    """Assess the journal in a folder, and keep the assessment beside it.

    The journal is judged, unless it is only viewed again (``is_view``): then verdicts that this
    user cached will do. What is decided, handed over or recorded is no view. Raises InstrumentError
    with a line for each thing in the campaign's folder that was changed.
    """
    from harness.cli.witness_check import witnessed_here  # noqa: PLC0415 - cryptography is heavy
    from harness.pipeline import conclude  # noqa: PLC0415 - keep the start light
    from harness.verdicts.cached_verdicts import user_verdict_cache  # noqa: PLC0415 - numpy is heavy
    from harness.verdicts.corrected_labels import with_corrected_labels  # noqa: PLC0415 - keep the start light

    folder = journal_folder(path)
    paths = paths_of_journal(folder)
    with closing(open_unchanged(folder)) as journal:
        corrected = with_corrected_labels(journal, appeals_in(paths.registry))
        verdicts = user_verdict_cache(paths.verdicts) if is_view else None
        chosen = judging_scheme(folder, journal.header, scheme, quiet=True)
        assessment = conclude(corrected, chosen, clock, verdicts=verdicts)
        header, head = journal.header, journal.head.printed()
        witnessed = witnessed_here(journal, paths)
    assessment = with_registration(replace(assessment, journal_head=head), header, paths, clock)
    suppliers, owners = registry_heads(paths.registry, assessment)
    assessment = replace(
        assessment, registry_head=suppliers, owner_head=owners, witnessed=witnessed
    )
    keep_assessment(assessment, paths)
    return assessment, paths


def assessed_at(paths: CampaignPaths, scheme: str | None, share: float, clock: Clock) -> Assessment:
    """Assess a journal with the levels of its scheme multiplied by ``share``; nothing is kept."""
    from harness.follow.alarm_retest import stricter  # noqa: PLC0415 - keep the start light
    from harness.pipeline import conclude  # noqa: PLC0415 - keep the start light
    from harness.verdicts.corrected_labels import with_corrected_labels  # noqa: PLC0415 - keep the start light

    folder = paths.journal
    with closing(open_unchanged(folder)) as journal:
        corrected = with_corrected_labels(journal, appeals_in(paths.registry))
        chosen = judging_scheme(folder, journal.header, scheme, quiet=True)
        return conclude(corrected, stricter(chosen, share), clock)


def begun_at(paths: CampaignPaths) -> datetime:
    """When a campaign began: the time of its first observation."""
    from harness.store.journal.journal import open_journal  # noqa: PLC0415 - numpy is heavy

    with closing(open_journal(paths.journal)) as journal:
        return begun_in(journal)


def begun_in(journal: Journal) -> datetime:
    """When the campaign of an open journal began: the time of its first observation."""
    return min(one.started for one in journal.observations())


def keep_assessment(assessment: Assessment, paths: CampaignPaths) -> None:
    """Write an assessment beside its journal, and renew the reports that show the one before it.

    New reports are complete before the assessment is replaced, so that a failure leaves the old
    assessment with its old reports. Raises InstrumentError.
    """
    from harness.store.assessments import write_assessment  # noqa: PLC0415 - keep the start light

    old = paths.reports(assessment.scheme)
    renewed: dict[Path, Path] = {}
    try:
        for kind in sorted(old.keys() & (DOCUMENTS.load() if old else {}).keys()):
            temporary = old[kind].with_name(f".new-{os.getpid()}-{old[kind].name}")
            renewed[temporary] = old[kind]
            write_report(assessment, paths, temporary, kind)
        write_assessment(assessment, paths.assessment(assessment.scheme))
        for temporary, path in renewed.items():
            temporary.replace(path)
    finally:
        for temporary in renewed:
            temporary.unlink(missing_ok=True)


def show_assessment(assessment: Assessment, *, json: bool) -> None:
    """Print an assessment: a table for people, or JSON for programs."""
    if json:
        from harness.store.assessments import encode_assessment  # noqa: PLC0415 - heavy

        say_json(encode_assessment(assessment))
        return
    from reports.terminal import render_assessment  # noqa: PLC0415 - JSON needs no tables

    render_assessment(assessment, terminal())


def report_command(
    journal: JOURNAL,
    scheme: SCHEME = None,
    out: Annotated[Path | None, typer.Option(help="The file to write.")] = None,
    kind: Annotated[str, typer.Option("--format", help="See: accredit list documents.")] = "html",
    figures: Annotated[
        Path | None, typer.Option(help="Also write each chart into this folder, as PNG and SVG.")
    ] = None,
    table: Annotated[
        Path | None, typer.Option(help="Also write the outcomes as a table: .csv or .xlsx.")
    ] = None,
) -> None:
    """Write a self-contained document from a journal."""
    DOCUMENTS.find(kind)  # a wrong name is an error before anything is concluded
    if table is not None:
        require_table_format(table)
    if figures is not None:
        require_library("matplotlib", "report --figures")
    assessment, paths = conclude_journal(journal, scheme, is_view=True)
    refuse_place_of_another(assessment, paths, out)
    say(f"report: {write_report(assessment, paths, out, kind)}")
    if figures is not None:
        from reports.figures import write_figures  # noqa: PLC0415 - matplotlib is heavy

        for path in write_figures(assessment, figures):
            say(f"figure: {path}")
    if table is not None:
        from reports.exports.table import write_outcomes  # noqa: PLC0415 - pandas is heavy

        say(f"table: {write_outcomes(assessment, table)}")


def refuse_place_of_another(assessment: Assessment, paths: CampaignPaths, out: Path | None) -> None:
    """Raise UsageError if ``out`` is the place of an assessment, or of another scheme's report."""
    if out is None or out.resolve().parent != paths.home.resolve():
        return
    if out.name.startswith("assessment"):
        raise UsageError(f"{out}: this is the place of an assessment; choose another --out")
    scheme, dot, _ = out.name.removeprefix("report-").partition(".")
    if out.name.startswith("report-") and dot and scheme != assessment.scheme:
        msg = (
            f"{out}: this is the place of the report under scheme {scheme!r}, and this one is "
            f"under {assessment.scheme!r}; choose another --out"
        )
        raise UsageError(msg)


def write_report(
    assessment: Assessment, paths: CampaignPaths, out: Path | None = None, kind: str = "html"
) -> Path:
    """Write a document of an assessment and of the plans that follow it up; return its path.

    Only the user can read it, as the journal: it names what passed a filter, and sites.
    """
    path = out or paths.report(assessment.scheme, kind)
    plans = follow_ups_in(paths.registry, assessment)
    read = None if plans is None else WallClock().now()
    report = Report(assessment=assessment, follow_ups=plans or (), read=read)
    written = DOCUMENTS.find(kind)(report, path)
    with suppress(OSError):  # a file system without modes
        written.chmod(PRIVATE)  # also what a document of another package wrote
    return written
