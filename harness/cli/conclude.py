"""``accredit conclude``, ``accredit report`` and ``accredit run``.

``conclude`` assesses a journal against a scheme without sending a packet, ``report`` writes the
document, and ``run`` measures first and opens the action plans.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.compose import print_assessment, warn
from harness.cli.drawing import terminal
from harness.cli.measure import (
    LANE,
    SWAPPED,
    announce,
    measure_prepared,
    prepare_in,
    resumable,
)
from harness.cli.paths import JOURNAL, OUT, CampaignPaths, journal_folder, paths_of_journal
from harness.cli.preflight import require_registry
from harness.cli.printing import say, say_json
from harness.cli.registry_session import appeals_in, open_plans, registry_head
from harness.model.outcome import Assessment
from harness.ports.storage import Clock
from reports.documents import DOCUMENTS

SCHEME = Annotated[
    str | None, typer.Option(help="A shipped scheme or a file; default: the campaign's own.")
]
JSON = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def conclude_command(journal: JOURNAL, scheme: SCHEME = None, *, json: JSON = False) -> None:
    """Assess a journal against a scheme. Exit 0 conforms, 1 does not conform, 3 insufficient."""
    assessment, _ = conclude_journal(journal, scheme)
    for sentence in assessment.warnings:
        warn(sentence)
    show_assessment(assessment, json=json)
    raise typer.Exit(assessment.exit_code)


def conclude_journal(
    path: Path, scheme: str | None = None, clock: Clock | None = None
) -> tuple[Assessment, CampaignPaths]:
    """Assess the journal in a folder, and keep the assessment beside it."""
    from harness.pipeline import conclude  # noqa: PLC0415 - scipy is heavy
    from harness.schemes.load import load_scheme  # noqa: PLC0415 - the same
    from harness.store.assessments import write_assessment  # noqa: PLC0415 - the same
    from harness.store.journal.journal import open_journal  # noqa: PLC0415 - duckdb is heavy
    from harness.verdicts.cached_verdicts import VerdictCache  # noqa: PLC0415 - the same
    from harness.verdicts.corrected_labels import with_corrected_labels  # noqa: PLC0415 - keep the start light

    folder = journal_folder(path)
    paths = paths_of_journal(folder)
    journal = open_journal(folder)
    try:
        journal.require_unchanged()
        corrected = with_corrected_labels(journal, appeals_in(paths.registry))
        verdicts = VerdictCache(paths.verdicts)
        chosen = load_scheme(scheme or journal.header.campaign.scheme)
        assessment = conclude(corrected, chosen, clock, verdicts=verdicts)
        head = journal.head.printed()
    finally:
        journal.close()
    registry_at = registry_head(paths.registry)
    assessment = replace(assessment, journal_head=head, registry_head=registry_at)
    write_assessment(assessment, paths.assessment)
    return assessment, paths


def show_assessment(assessment: Assessment, *, json: bool) -> None:
    """Print an assessment: a table for people, or JSON for programs."""
    if json:
        from harness.store.assessments import encode_assessment  # noqa: PLC0415 - heavy

        say_json(encode_assessment(assessment))
        return
    print_assessment(assessment, terminal())


def report_command(
    journal: JOURNAL,
    scheme: SCHEME = None,
    out: Annotated[Path | None, typer.Option(help="The file to write.")] = None,
    kind: Annotated[str, typer.Option("--format", help="See: accredit list documents.")] = "html",
) -> None:
    """Write a self-contained document from a journal."""
    DOCUMENTS.find(kind)  # a wrong name is an error before anything is concluded
    assessment, paths = conclude_journal(journal, scheme)
    path = write_report(assessment, paths, out, kind)
    say(f"report: {path}")


def write_report(
    assessment: Assessment, paths: CampaignPaths, out: Path | None = None, kind: str = "html"
) -> Path:
    """Write a document of an assessment and return its path."""
    path = out or paths.report.with_suffix(f".{kind}")
    path.parent.mkdir(parents=True, exist_ok=True)
    DOCUMENTS.find(kind)(assessment, path)
    return path


def run_command(
    campaign: Annotated[Path, typer.Argument(help="The campaign file.")],
    out: Annotated[Path, typer.Option(help="Where results go.")] = OUT,
    scheme: SCHEME = None,
    lane: LANE = None,
    *,
    swapped: SWAPPED = False,
    json: JSON = False,
) -> None:
    """Measure, conclude, open action plans and report. Exit code as for ``conclude``."""
    console = terminal(to_stderr=True)
    prepared = prepare_in(campaign, out, lane, swapped=swapped)
    announce(prepared, console, scheme)
    require_registry(CampaignPaths(out=out, campaign=prepared.campaign.campaign))
    with resumable(CampaignPaths(out=out, campaign=prepared.campaign.campaign).journal):
        paths = measure_prepared(prepared, out, console)
    assessment, _ = conclude_journal(paths.journal, scheme)
    if scheme is not None:  # the campaign's own was warned of before it was measured
        for sentence in assessment.warnings:
            warn(sentence)
    show_assessment(assessment, json=json)
    report = write_report(assessment, paths)  # before the registry, which may refuse events
    for plan in open_plans(assessment, paths):
        console.print(f"plan {plan.id} opened for {plan.finding}, due {plan.due:%Y-%m-%d}")
    console.print(f"report: {report}")
    raise typer.Exit(assessment.exit_code)
