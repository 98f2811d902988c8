"""``accredit run``: measure, conclude, open action plans and report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.conclude import JSON, SCHEME, conclude_journal, show_assessment, write_report
from harness.cli.drawing import terminal
from harness.cli.measure import (
    LANE,
    SWAPPED,
    LaneName,
    announce,
    measure_prepared,
    prepare_in,
    resumable,
)
from harness.cli.paths import OUT, CampaignPaths
from harness.cli.plan_soak import count_soaks
from harness.cli.preflight import require_registry
from harness.cli.printing import warn
from harness.cli.registry_facts import escalate_plans, open_plans
from harness.model.outcome import Assessment
from harness.ports.storage import Clock


def run_command(
    campaign: Annotated[Path, typer.Argument(help="The campaign file.")],
    out: Annotated[Path, typer.Option(help="Where results go.")] = OUT,
    scheme: SCHEME = None,
    lane: LANE = None,
    *,
    swapped: SWAPPED = False,
    json: JSON = False,
) -> None:
    """Measure, conclude, open action plans, and report.

    Plans that are late are escalated. The exit code is that of ``conclude``.
    """
    console = terminal(to_stderr=True)
    assessment, paths = measure_and_conclude(campaign, out, scheme, lane, swapped=swapped)
    show_assessment(assessment, json=json)
    report = write_report(assessment, paths)  # before the registry, which may refuse events
    for counted in count_soaks(assessment, paths, scheme):
        console.print(str(counted), markup=False)
    opened = open_plans(assessment, paths)
    for plan in opened:
        console.print(f"plan {plan.id} opened for {plan.finding}, due {plan.due:%Y-%m-%d}")
    for notice in escalate_plans(assessment, paths):
        console.print(f"escalated: {notice}", markup=False)
    if opened:
        write_report(assessment, paths)  # again, with the new plans
    console.print(f"report: {report}")
    raise typer.Exit(assessment.exit_code)


def measure_and_conclude(
    campaign: Path,
    out: Path,
    scheme: str | None,
    lane: LaneName | None = None,
    *,
    swapped: bool = False,
    clock: Clock | None = None,
) -> tuple[Assessment, CampaignPaths]:
    """Measure a campaign file and conclude, telling what it cannot decide before it begins.

    Raises UsageError before the first packet if the registry cannot take what follows.
    """
    console = terminal(to_stderr=True)
    prepared = prepare_in(campaign, out, lane, swapped=swapped)
    announce(prepared, console, scheme, clock)
    paths = CampaignPaths(out=out, campaign=prepared.campaign.campaign)
    require_registry(paths, prepared.campaign.service, clock)
    with resumable(paths.journal):
        measure_prepared(prepared, out, console, clock, register=scheme or prepared.campaign.scheme)
    assessment, _ = conclude_journal(paths.journal, scheme, clock)
    if scheme is not None:  # the campaign's own was warned of before it was measured
        for sentence in assessment.warnings:
            warn(sentence)
    return assessment, paths
