"""``accredit retest``: measure the missed items again, and a fresh sample of the same stratum.

The sentinels are tried first: if they show that nothing can be judged, no item is tried. Only a
conforming re-test verifies a plan; the plan is then closed.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from harness.cli.compose import prepare
from harness.cli.doctor import try_sentinels
from harness.cli.drawing import terminal
from harness.cli.fresh_items import RetestItems, retest_items
from harness.cli.measure import SWAPPED, measure_prepared, resumable
from harness.cli.paths import OUT, CampaignPaths
from harness.cli.printing import say
from harness.cli.registry_session import RegistrySession, appeals_in, current_user, open_session
from harness.errors import UnfinishedError
from harness.follow.retest import RetestSelection, judge_retest
from harness.follow.transitions import next_step
from harness.judge.sentinels import (
    AGREED_PAGE_PASSES,
    BLOCK_IS_CLEAR,
    FILTER_IS_ON,
    ORIGIN_ANSWERS,
    SENTINELS_PRESENT,
    SERVICE_REACHABLE,
)
from harness.model.action_plan import ActionPlan, Finding, PlanState, Retest, RetestResult
from harness.model.campaign import Campaign, CorpusSelection
from harness.model.event import PlanClosed, RetestConcluded, RetestPostponed, RetestStarted
from harness.model.observation import CONTROL
from harness.model.outcome import Assessment
from harness.model.scheme import Scheme
from harness.ports.storage import Clock, WallClock
from harness.verdicts.corrected_labels import with_corrected_labels

clock: Clock = WallClock()
"""The clock of the command; tests replace it."""

EXIT_CODES = {
    RetestResult.CONFORMS: 0,
    RetestResult.DOES_NOT_CONFORM: 1,
    RetestResult.INSUFFICIENT: 3,
}


def retest_command(
    plan: Annotated[str, typer.Argument(help="The plan's id, such as P-0001.")],
    campaign: Annotated[Path, typer.Argument(help="The campaign file of the finding.")],
    out: Annotated[Path, typer.Option(help="Where results are.")] = OUT,
    by: Annotated[str, typer.Option(help="Who verifies; not the one who claimed the fix.")] = "",
    *,
    swapped: SWAPPED = False,
) -> None:
    """Re-test a plan whose fix was claimed. The sentinels are tried first.

    Exit 0: verified and closed. Exit 1: the failure remains, the plan is in progress again. Exit 3:
    nothing could be judged, too few fresh items are left, or the evidence is insufficient.
    """
    console = terminal(to_stderr=True)
    retest, state = retest_plan(
        plan, campaign, out, by or current_user(), console, clock, swapped=swapped
    )
    say(f"plan {plan}: re-test {retest.outcome}; the plan is now {state}: {retest.statement}")
    with open_session(CampaignPaths(out=out, campaign="").registry) as session:
        say(f"next: {next_step(session.state.plan(plan), clock.now())}")
    raise typer.Exit(EXIT_CODES[retest.outcome])


def retest_plan(
    name: str,
    path: Path,
    out: Path,
    actor: str,
    console: Console,
    clock: Clock | None = None,
    *,
    swapped: bool = False,
) -> tuple[Retest, PlanState]:
    """Measure, judge and record one re-test.

    Raises UsageError if the plan is not claimed or its canaries are not loaded yet, and
    UnfinishedError if the sentinels fail or too few fresh items are left; nothing is spent then.
    """
    clock = clock or WallClock()
    registry = CampaignPaths(out=out, campaign="").registry
    with open_session(registry, clock=clock) as session:
        plan = session.state.plan(name)
        _require_claimed(session, plan, actor, clock)
        items = retest_items(session.state, plan, path, out, clock, swapped=swapped)
    selection = _resumed(items, out)
    if selection is None:
        selection = items.select()
        _require_fresh(items, selection, path)
    campaign = _campaign(items, selection)
    fault = _sentinel_fault(items, campaign, path)
    with open_session(registry, clock=clock) as session:
        at = clock.now()
        if fault:
            session.record(RetestPostponed(at=at, actor=actor, plan=name, reason=fault))
            raise UnfinishedError(_postponed(plan, fault))
        if plan.state is not PlanState.VERIFYING:
            session.record(RetestStarted(at=at, actor=actor, plan=name, campaign=campaign.campaign))
    with resumable(CampaignPaths(out=out, campaign=campaign.campaign).journal):
        paths = measure_prepared(prepare(path, campaign, swapped=swapped), out, console)
    retest = _judge(items, selection, campaign, paths, clock)
    with open_session(registry, clock=clock) as session:
        service, at = campaign.service.name, clock.now()
        concluded = RetestConcluded(at=at, actor=actor, plan=name, retest=retest, service=service)
        note = f"verified by re-test {retest.campaign}"
        closed = PlanClosed(at=at, actor=actor, plan=name, note=note)
        is_over = retest.outcome is RetestResult.CONFORMS
        session.record(concluded, *((closed,) if is_over else ()))
        return retest, session.state.plan(name).state


def _require_claimed(session: RegistrySession, plan: ActionPlan, actor: str, clock: Clock) -> None:
    """Raise UsageError if this person may not start or resume a re-test of the plan now."""
    at = clock.now()
    if plan.state is PlanState.VERIFYING:
        session.state.after(RetestPostponed(at=at, actor=actor, plan=plan.id, reason="-"))
    else:
        finding = session.state.finding(plan.finding)
        name = _name_of(plan, finding)
        session.state.after(RetestStarted(at=at, actor=actor, plan=plan.id, campaign=name))


def _resumed(items: RetestItems, out: Path) -> RetestSelection | None:
    """The items of an interrupted re-test, as its journal names them; ``None`` without one."""
    from harness.store.journal.header import HEADER  # noqa: PLC0415 - keep the start light
    from harness.store.journal.reader import JournalReader  # noqa: PLC0415 - duckdb is heavy

    verifying = items.plan.verifying
    journal = CampaignPaths(out=out, campaign=verifying).journal
    if not verifying or not (journal / HEADER).exists():
        return None
    chosen = JournalReader(journal).header.campaign.corpora
    return items.resume([name for selection in chosen for name in selection.items])


def _require_fresh(items: RetestItems, selection: RetestSelection, path: Path) -> None:
    """Raise UnfinishedError, with the next step, if a re-test of full size is not possible."""
    if not selection.short_of:
        return
    few = [
        f"{number} fresh items{f' of {code}' if code else ''}"
        for code, number in items.available().items()
        if number < items.size
    ]
    if items.is_agreed:
        remedy = (
            f"make new canaries: accredit plan canaries {items.plan.id} {path} --format FORMAT "
            "--out NEW-LIST --loaded-by 2026-12-01T09:00"
        )
    else:
        remedy = (
            f"add a longer list of the same kind to 'corpora' of {path} "
            "('accredit corpus import', 'accredit corpus sample')"
        )
    msg = (
        f"plan {items.plan.id}: only {' and '.join(few)} are left, and a re-test needs "
        f"{items.size}; nothing was tried, and the plan is still {items.plan.state}. Next: {remedy}"
    )
    raise UnfinishedError(msg)


REMEDIES = {
    ORIGIN_ANSWERS: "start the origin or repair the control line",
    SERVICE_REACHABLE: "check the service and the line to it",
    AGREED_PAGE_PASSES: "check that this line lets agreed pages through (log-in page? outage?)",
    FILTER_IS_ON: "have the filter switched on for this line and profile",
    BLOCK_IS_CLEAR: "ask the supplier how it blocks, and declare that in the campaign file",
    SENTINELS_PRESENT: "name sentinels in the campaign file that the probes of the line can try",
}
"""What to do about a failed precondition, by its name."""


def _sentinel_fault(items: RetestItems, campaign: Campaign, path: Path) -> str:
    """Try the sentinels on the finding's line; say what failed and what to do, or nothing.

    They are judged by the rules that void batches.
    """
    from harness.judge.judge import Judge  # noqa: PLC0415 - only measuring needs it
    from harness.judge.pairing import pair  # noqa: PLC0415 - the same

    prepared, finding = items.prepared, items.finding
    lines = {
        (line, profile): built
        for (line, profile), built in prepared.lines.items()
        if line in (CONTROL, finding.line) and profile == finding.profile
    }
    once = campaign.model_copy(update={"rounds": 1, "crossover": False})
    observations = try_sentinels(replace(prepared, campaign=once, lines=lines))
    probes = {name: probe.declares for name, probe in prepared.probes.items()}
    judge = Judge(observations, campaign.service.block_page, probes=probes)
    pairs = pair(observations)
    (line,) = (each for each in campaign.lines if each.name == finding.line)
    tried = {place.probe for place in pairs.sentinels}
    for name in campaign.probes_on(line):
        if probes[name].counts and name not in tried:
            return (
                f"no sentinel was tried (line {finding.line}, profile {finding.profile}, probe "
                f"{name}); {REMEDIES[SENTINELS_PRESENT]}"
            )
    for place, check in sorted(judge.checks(pairs).items()):
        if check.failed:
            hosts = dict.fromkeys(trial.service.item.host for trial in pairs.sentinels[place])
            what = check.detail.partition("; ")[0]  # what follows are details of the rules
            of = "" if any(host in what for host in hosts) else f" for {', '.join(hosts)}"
            return (
                f"{what}{of} (line {place.line}, profile {place.profile}, probe {place.probe}); "
                f"{REMEDIES[check.failed]}; 'accredit doctor {path}' tries the sentinels again"
            )
    return ""


def _postponed(plan: ActionPlan, fault: str) -> str:
    return (
        f"plan {plan.id}: this time no item was tried, and the plan is still {plan.state}: "
        f"{fault}; then give the same command again"
    )


def _name_of(plan: ActionPlan, finding: Finding) -> str:
    """The campaign of the re-test; an interrupted one resumes under its own name."""
    return plan.verifying or f"{finding.campaign}-{plan.id.lower()}-retest-{len(plan.retests) + 1}"


def _campaign(items: RetestItems, selection: RetestSelection) -> Campaign:
    """The campaign of the re-test: the finding's line and profile, and the chosen items."""
    campaign, finding, plan = items.prepared.campaign, items.finding, items.plan
    wanted = set(selection.missed) | set(selection.fresh)
    chosen = tuple(
        CorpusSelection(pack=pack, items=ids)
        for pack, corpus in items.packs.items()
        if (ids := tuple(item.id for item in corpus.items() if item.id in wanted))
    )
    return campaign.model_copy(
        update={
            "campaign": _name_of(plan, finding),
            "title": f"Re-test of plan {plan.id}: {finding.title}",
            "lines": tuple(line for line in campaign.lines if line.name == finding.line),
            "profiles": {finding.profile: campaign.profiles[finding.profile]},
            "corpora": chosen,
            "stopping": None,  # a re-test never stops early
        }
    )


def _judge(
    items: RetestItems,
    selection: RetestSelection,
    campaign: Campaign,
    paths: CampaignPaths,
    clock: Clock,
) -> Retest:
    """Judge both parts of a re-test; say also how many more re-tests the fresh items allow."""
    counted = selection.missed + selection.fresh if items.is_census else selection.fresh
    retest = judge_retest(
        items.finding,
        selection,
        campaign=campaign.campaign,
        service=campaign.service.name,
        at=clock.now(),
        missed=_assess(paths, items.scheme, selection.missed),
        fresh=_assess(paths, items.scheme, counted),
        is_whole=items.is_census,
    )
    if retest.outcome is RetestResult.CONFORMS:
        return retest
    return replace(retest, statement=f"{retest.statement}; {items.more_retests(selection.left)}")


def _assess(paths: CampaignPaths, scheme: Scheme, only: tuple[str, ...]) -> Assessment | None:
    from harness.pipeline import conclude  # noqa: PLC0415 - scipy is heavy
    from harness.store.journal.journal import open_journal  # noqa: PLC0415 - duckdb is heavy

    if not only:
        return None
    journal = open_journal(paths.journal)
    try:
        corrected = with_corrected_labels(journal, appeals_in(paths.registry))
        return conclude(corrected, scheme, only=frozenset(only))
    finally:
        journal.close()
