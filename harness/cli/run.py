"""``accredit run``: measure, conclude, open plans for what fails, and report; the main job."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.conclude import JSON, SCHEME, conclude_journal, tell
from harness.cli.drawing import terminal
from harness.cli.measure import (
    LANE,
    SWAPPED,
    announce,
    measure_prepared,
    prepare_in,
    resumable,
)
from harness.cli.open_plans import open_plans
from harness.cli.paths import OUT, Places
from harness.cli.report import write_report
from harness.cli.scheme_review import warn


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
    said = terminal(to_stderr=True, soft_wrap=True)
    prepared = prepare_in(campaign, out, lane, swapped=swapped)
    announce(prepared, said, scheme)
    with resumable(Places(out=out, campaign=prepared.campaign.campaign).journal):
        places = measure_prepared(prepared, out, said)
    assessment, _ = conclude_journal(places.journal, scheme)
    if scheme is not None:  # the campaign's own was warned of before it was measured
        for sentence in assessment.warnings:
            warn(sentence)
    tell(assessment, json=json)
    report = write_report(assessment, places)  # before the registry, which may refuse events
    for plan in open_plans(assessment, places):
        said.print(f"plan {plan.id} opened for {plan.finding}, due {plan.due:%Y-%m-%d}")
    said.print(f"report: {report}")
    raise typer.Exit(assessment.exit_code)
