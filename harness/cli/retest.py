"""``accredit retest``: measure the missed items again, and a fresh sample of the same stratum.

The sentinels are tried first: if they show that nothing can be judged, no item is tried. Only a
conforming re-test verifies a plan, whose soak period then begins.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from harness.campaign.campaign_identity import identity_of
from harness.cli.campaign_meeting import (
    ALLOW_CHANGE,
    Meeting,
    allowance,
    meeting_of,
    parts_before,
    shown_meeting,
    with_meetings,
)
from harness.cli.compose import prepare
from harness.cli.drawing import terminal
from harness.cli.fresh_items import RetestItems, retest_items
from harness.cli.measure import SWAPPED, measure_prepared, resumable, without_secrets
from harness.cli.paths import OUT, CampaignPaths
from harness.cli.plan_step import SUPPLIER
from harness.cli.printing import say
from harness.cli.registry_facts import appeals_in
from harness.cli.registry_session import HeldPlan, RegistrySession, current_user, open_session
from harness.cli.retest_by_campaign import require_items, retest_by_campaign
from harness.cli.sentinel_bracket import sentinel_fault
from harness.cli.trusted_content import TrustedContent, signatures_beside
from harness.cli.unchanged_rows import UnchangedRows, measured_again, unchanged_rows
from harness.errors import UnfinishedError
from harness.follow.next_step import next_step
from harness.follow.repeated_rows import (
    allowed_change,
    with_repeated_delays,
    with_repeated_rows,
)
from harness.follow.retest import (
    RetestSelection,
    as_attempt,
    judge_retest,
)
from harness.follow.retest_levels import level_words
from harness.judge.rules.order import RULES_VERSION
from harness.judge.sentinels import (
    AGREED_PAGE_PASSES,
    BLOCK_IS_CLEAR,
    FILTER_IS_ON,
    LIST_PROGRAM_WORKS,
    ORIGIN_ANSWERS,
    SENTINELS_PRESENT,
    SERVICE_REACHABLE,
)
from harness.model.action_plan import ActionPlan, Finding, PlanState, Retest, RetestResult
from harness.model.campaign import Campaign, CorpusSelection
from harness.model.content_identity import with_rules
from harness.model.event import PlanEvent, RetestConcluded, RetestPostponed, RetestStarted
from harness.model.observation import CONTROL
from harness.model.outcome import Assessment
from harness.model.retest_schedule import confidence, level_of_try
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
    campaign: Annotated[
        Path,
        typer.Argument(
            help="The campaign file of the finding; for logs, mail and the like a new campaign's "
            "results."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Where results are.")] = OUT,
    by: Annotated[str, typer.Option(help="Who verifies; not the one who claimed the fix.")] = "",
    supplier: SUPPLIER = "",
    allow_change: ALLOW_CHANGE = "",
    *,
    swapped: SWAPPED = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say how many fresh items it needs and has.")
    ] = False,
) -> None:
    """Re-test a plan whose fix was claimed. The sentinels are tried first.

    Exit 0: verified; its soak period begins. Exit 1: the failure remains, the plan is in progress
    again. Exit 3: nothing could be judged, too few fresh items are left, or the evidence is
    insufficient.
    """
    console, actor = terminal(to_stderr=True), by or current_user()
    if dry_run:
        _say_what_it_needs(plan, campaign, out, supplier)
        return
    retest, state = (
        retest_by_campaign(plan, campaign, out, actor, clock, supplier, allow_change)
        if campaign.is_dir()
        else retest_plan(
            plan,
            campaign,
            out,
            actor,
            console,
            clock,
            swapped=swapped,
            supplier=supplier,
            allow_change=allow_change,
        )
    )
    say(f"plan {plan}: re-test {retest.outcome}; the plan is now {state}: {retest.statement}")
    with open_session(CampaignPaths(out=out, campaign="").registry) as session:
        held = session.plan(plan, supplier)
    say(f"next: {next_step(held.plan, held.finding, clock.now(), supplier)}")
    raise typer.Exit(EXIT_CODES[retest.outcome])


def _say_what_it_needs(name: str, path: Path, out: Path, supplier: str) -> None:
    """Print how many fresh items the next re-test needs and has, and who passes it; try nothing."""
    with open_session(CampaignPaths(out=out, campaign="").registry) as session:
        held = session.plan(name, supplier)
    for sentence in level_words(held.plan, held.finding):
        say(f"plan {name}: {sentence}")
    if path.is_dir():
        return
    require_items(held, path)
    items = retest_items(held.finding, held.plan, path, out, clock)
    left = ", ".join(
        f"{number}{f' of {code}' if code else ''}" for code, number in items.available().items()
    )
    if items.is_census:
        say(f"plan {name}: the whole list is tested again")
        return
    say(f"plan {name}: fresh items that are left: {left}; it needs at least {items.least}")
    _require_fresh(items, items.select(), path)
    if items.prospects:
        say(f"plan {name}: {items.prospects}")


def retest_plan(
    name: str,
    path: Path,
    out: Path,
    actor: str,
    console: Console,
    clock: Clock | None = None,
    *,
    swapped: bool = False,
    supplier: str = "",
    soak_days: int | None = None,
    allow_change: str = "",
) -> tuple[Retest, PlanState]:
    """Measure, judge and record one re-test; ``soak_days`` replace those of the scheme.

    ``allow_change`` is the reason why the actor allows what differs from the finding's campaign.
    Raises UsageError if the plan is not claimed, its canaries are not loaded yet or a difference is
    not allowed, UnfinishedError if the sentinels fail or too few fresh items are left.
    """
    clock = clock or WallClock()
    registry = CampaignPaths(out=out, campaign="").registry
    with open_session(registry, clock=clock) as session:
        held = session.plan(name, supplier)
        plan = held.plan
        require_items(held, path)
        _require_claimed(session, held, actor, clock)
    items = retest_items(held.finding, plan, path, out, clock, swapped=swapped)
    meeting = _meeting(held, items, out)
    allowed = allowance(plan, meeting, allow_change, actor, clock.now())
    rows = unchanged_rows(items, out)
    selection = _selected(items, rows, path, out, console)
    campaign = _campaign(items, selection, rows)
    fault = _sentinel_fault(items, campaign, path)
    with open_session(registry, clock=clock) as session:
        _begin(session, held, campaign.campaign, fault, allowed, (actor, clock.now()))
    with resumable(CampaignPaths(out=out, campaign=campaign.campaign).journal):
        paths = measure_prepared(prepare(path, campaign, swapped=swapped), out, console, clock)
    retest = _judge(items, selection, rows, campaign, paths, clock)
    shown = shown_meeting(held, paths)
    changes = allowance(plan, shown, allow_change, actor, clock.now()) if allow_change else ()
    retest = with_meetings(retest, meeting.as_allowed(), shown.as_allowed() if changes else shown)
    if soak_days is not None:
        retest = msgspec.structs.replace(retest, soak_days=soak_days)
    with open_session(registry, clock=clock) as session:
        at, service, scheme = clock.now(), campaign.service.name, items.scheme.id
        concluded = RetestConcluded(
            at=at, actor=actor, plan=name, retest=retest, service=service, scheme=scheme
        )
        return retest, session.advance(name, *changes, concluded, supplier=supplier).state


def _begin(
    session: RegistrySession,
    held: HeldPlan,
    campaign: str,
    fault: str,
    allowed: Sequence[PlanEvent],
    who_and_when: tuple[str, datetime],
) -> None:
    """Record that a re-test begins, with the changes that were ``allowed`` for it.

    With a ``fault`` of the sentinels it is postponed instead, and UnfinishedError raised.
    """
    (actor, at), plan = who_and_when, held.plan
    if fault:
        postponed = RetestPostponed(at=at, actor=actor, plan=plan.id, reason=fault)
        session.advance_in(held.stream, plan.id, postponed)
        raise UnfinishedError(_postponed(plan, fault))
    events = [*allowed]
    if plan.state is not PlanState.VERIFYING:
        events += [RetestStarted(at=at, actor=actor, plan=plan.id, campaign=campaign)]
    if events:
        session.advance_in(held.stream, plan.id, *events)


def _meeting(held: HeldPlan, items: RetestItems, out: Path) -> Meeting:
    """Compare the campaign file with the campaign of the finding, before anything is measured."""
    campaign = items.prepared.campaign
    declared = identity_of(items.prepared, without_secrets(campaign), items.whole)
    parts = with_rules(declared, RULES_VERSION)
    paths = CampaignPaths(out=out, campaign=_name_of(held.plan, held.finding))
    before = parts_before(held.finding, out)
    signatures = signatures_beside(campaign.scheme, items.prepared.corpora)
    trusted = TrustedContent(paths.journal, paths.registry, signatures)
    return meeting_of(held.finding, held.plan, paths.campaign, parts, before, trusted)


def _require_claimed(session: RegistrySession, held: HeldPlan, actor: str, clock: Clock) -> None:
    """Raise UsageError if this person may not start or resume a re-test of the plan now."""
    at, plan = clock.now(), held.plan
    if plan.state is PlanState.VERIFYING:
        session.check(held, RetestPostponed(at=at, actor=actor, plan=plan.id, reason="-"))
    else:
        name = _name_of(plan, held.finding)
        session.check(held, RetestStarted(at=at, actor=actor, plan=plan.id, campaign=name))


def _selected(
    items: RetestItems, rows: UnchangedRows, path: Path, out: Path, console: Console
) -> RetestSelection:
    """The items of an interrupted re-test, or of a new one, with who passes it told before."""
    selection = _resumed(items, rows, out)
    if selection is None:
        selection = items.select()
        _require_fresh(items, selection, path)
        if items.prospects:
            console.print(f"plan {items.plan.id}: {items.prospects}")
    return selection


def _resumed(items: RetestItems, rows: UnchangedRows, out: Path) -> RetestSelection | None:
    """The items of an interrupted re-test, as its journal names them; ``None`` without one."""
    from harness.store.journal.header import HEADER  # noqa: PLC0415 - keep the start light
    from harness.store.journal.reader import JournalReader  # noqa: PLC0415 - numpy is heavy

    verifying = items.plan.verifying
    journal = CampaignPaths(out=out, campaign=verifying).journal
    if not verifying or not (journal / HEADER).exists():
        return None
    chosen = JournalReader(journal).header.campaign.corpora
    names = [name for selection in chosen for name in selection.items]
    return items.resume([name for name in names if name not in rows.items])


def _require_fresh(items: RetestItems, selection: RetestSelection, path: Path) -> None:
    """Raise UnfinishedError, with the next step, if a re-test of full size is not possible."""
    if not selection.short_of:
        return
    few = [
        f"{number} fresh items{f' of {code}' if code else ''}"
        for code, number in items.available().items()
        if number < items.least
    ]
    if items.is_agreed:
        remedy = (
            f"make new canaries: accredit plan canaries {items.plan.id} {path} --format FORMAT "
            "--out NEW-LIST --loaded-by 2026-12-01T09:00"
        )
    elif items.cases:
        remedy = (
            "measure a new campaign on a new origin ('accredit origin init'); choose a sample of "
            "its pack, so that some are left for re-tests"
        )
    else:
        remedy = (
            f"add a longer list of the same kind to 'corpora' of {path} "
            "('accredit corpus import', 'accredit corpus sample')"
        )
    msg = (
        f"plan {items.plan.id}: only {' and '.join(few)} are left, and a re-test needs "
        f"{items.least}; nothing was tried, and the plan is still {items.plan.state}. "
        f"Next: {remedy}"
    )
    raise UnfinishedError(msg)


REMEDIES = {
    ORIGIN_ANSWERS: "start the origin or repair the control line",
    SERVICE_REACHABLE: "check the service and the line to it",
    AGREED_PAGE_PASSES: "check that this line lets agreed pages through (log-in page? outage?)",
    FILTER_IS_ON: "have the filter switched on for this line and profile",
    BLOCK_IS_CLEAR: "ask the supplier how it blocks, and declare that in the campaign file",
    LIST_PROGRAM_WORKS: "ask the holder of the sealed list to repair the program",
    SENTINELS_PRESENT: "name sentinels in the campaign file that the probes of the line can try",
}
"""What to do about a failed precondition, by its name."""


def _sentinel_fault(items: RetestItems, campaign: Campaign, path: Path) -> str:
    """Try the sentinels on the finding's line; say what failed and what to do, or nothing."""
    prepared, finding = items.prepared, items.finding
    lines = {
        (line, profile): built
        for (line, profile), built in prepared.lines.items()
        if line in (CONTROL, finding.line) and profile == finding.profile
    }
    fault = sentinel_fault(replace(prepared, campaign=campaign, lines=lines))
    if fault is None:
        return ""
    again = f"; 'accredit doctor {path}' tries the sentinels again"
    return f"{fault}; {REMEDIES[fault.name]}{'' if fault.name == SENTINELS_PRESENT else again}"


def _postponed(plan: ActionPlan, fault: str) -> str:
    return (
        f"plan {plan.id}: this time no item was tried, and the plan is still {plan.state}: "
        f"{fault}; then give the same command again"
    )


def _name_of(plan: ActionPlan, finding: Finding) -> str:
    """The campaign of the re-test; an interrupted one resumes under its own name."""
    return plan.verifying or f"{finding.campaign}-{plan.id.lower()}-retest-{len(plan.retests) + 1}"


def _campaign(items: RetestItems, selection: RetestSelection, rows: UnchangedRows) -> Campaign:
    """The campaign of the re-test: the finding's line and profile, and the chosen items."""
    campaign, finding, plan = items.prepared.campaign, items.finding, items.plan
    wanted = {*selection.missed, *selection.fresh, *rows.items}
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
    rows: UnchangedRows,
    campaign: Campaign,
    paths: CampaignPaths,
    clock: Clock,
) -> Retest:
    """Judge both parts of a re-test; say also how many more re-tests the fresh items allow."""
    counted = selection.missed + selection.fresh if items.is_census else selection.fresh
    fresh = _assess(paths, items.scheme, counted)
    retest = judge_retest(
        items.finding,
        selection,
        campaign=campaign.campaign,
        service=campaign.service.name,
        at=clock.now(),
        missed=_assess(paths, items.scheme, selection.missed),
        fresh=fresh,
        is_whole=items.is_census,
    )
    again = measured_again(rows, items, paths)
    retest = with_repeated_rows(retest, again.rows, rows.scheme.decision.alpha)
    retest = with_repeated_delays(retest, again.delay, allowed_change(items.whole))
    retest = as_attempt(retest, items.plan, items.scheme)
    if retest.outcome is RetestResult.CONFORMS:
        return retest
    if retest.outcome is RetestResult.INSUFFICIENT and fresh is not None:
        retest = _extended(retest, fresh, items, selection)
    return msgspec.structs.replace(
        retest, statement=f"{retest.statement}; {items.more_retests(selection.left)}"
    )


def _extended(
    retest: Retest, fresh: Assessment, items: RetestItems, selection: RetestSelection
) -> Retest:
    """The re-test with the size of a sample that decides it at the next level, if there is one."""
    from harness.estimate.extension import times_larger  # noqa: PLC0415 - keep the start light

    if items.rule is None:
        return retest
    size = len(selection.fresh) // max(1, len(selection.left))
    level = level_of_try(items.rule.alpha, items.plan.tries + 2)
    factor = max((times_larger(one, level) or 0.0 for one in fresh.outcomes), default=0.0)
    if factor <= 1:
        return retest
    needed = math.ceil(factor * size)
    said = f"a new sample of {needed} fresh items of each kind would decide the same share"
    said += f" at the next level, {confidence(level)}"
    return msgspec.structs.replace(
        retest, extension=needed, statement=f"{retest.statement}; {said}"
    )


def _assess(paths: CampaignPaths, scheme: Scheme, only: tuple[str, ...]) -> Assessment | None:
    from harness.pipeline import conclude  # noqa: PLC0415 - keep the start light
    from harness.store.journal.journal import open_journal  # noqa: PLC0415 - numpy is heavy

    if not only:
        return None
    journal = open_journal(paths.journal)
    try:
        corrected = with_corrected_labels(journal, appeals_in(paths.registry))
        return conclude(corrected, scheme, only=frozenset(only))
    finally:
        journal.close()
