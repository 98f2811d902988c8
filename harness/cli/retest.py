"""``accredit retest``: measure the missed items again, and a fresh sample of the same stratum.

Only a conforming re-test verifies a plan; the plan is then closed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from harness.cli.compose import load_and_warn, prepare, seeded
from harness.cli.drawing import terminal
from harness.cli.measure import SWAPPED, measure_prepared, resumable
from harness.cli.paths import OUT, CampaignPaths
from harness.cli.printing import say
from harness.cli.registry_session import RegistrySession, appeals_in, current_user, open_session
from harness.errors import UsageError
from harness.follow.retest import RetestSelection, judge_retest, select_retest
from harness.model.action_plan import ActionPlan, Finding, PlanState, Retest, RetestResult
from harness.model.campaign import Campaign, CorpusSelection
from harness.model.corpus import is_among
from harness.model.event import PlanClosed, RetestConcluded, RetestStarted
from harness.model.outcome import Assessment
from harness.model.scheme import Requirement, Scheme
from harness.ports.network import Corpus
from harness.ports.storage import Clock, WallClock
from harness.schemes.check import resolve
from harness.verdicts.corrected_labels import with_corrected_labels

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
    """Re-test a plan whose fix was claimed.

    Exit 0: verified and closed. Exit 1: the failure remains, the plan is in progress again. Exit 3:
    insufficient evidence, the plan stays claimed.
    """
    console = terminal(to_stderr=True)
    retest, state = retest_plan(plan, campaign, out, by or current_user(), console, swapped=swapped)
    say(f"plan {plan}: re-test {retest.outcome}; the plan is now {state}: {retest.statement}")
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
    """Measure, judge and record one re-test. Raises UsageError if the plan is not claimed."""
    clock = clock or WallClock()
    registry = CampaignPaths(out=out, campaign="").registry
    with open_session(registry, clock=clock) as session:
        plan = session.state.plan(name)
        finding = session.state.finding(plan.finding)
        declared = prepare(path)
        begun = CampaignPaths(out=out, campaign=finding.campaign).journal
        declared = replace(declared, campaign=seeded(declared.campaign, begun))
        _require_service(declared.campaign, finding, path)
        scheme = _narrow(load_and_warn(declared.campaign.scheme, clock), finding)
        rule = scheme.requirements[0]
        selection = _select(finding, plan, rule, declared.campaign, declared.corpora, out)
        campaign = _campaign(declared.campaign, declared.corpora, finding, plan, selection)
        _start(session, plan, campaign.campaign, actor, clock)
    with resumable(CampaignPaths(out=out, campaign=campaign.campaign).journal):
        paths = measure_prepared(prepare(path, campaign, swapped=swapped), out, console)
    retest = judge_retest(
        finding,
        selection,
        campaign=campaign.campaign,
        service=campaign.service.name,
        at=clock.now(),
        missed=_assess(paths, scheme, selection.missed),
        fresh=_assess(paths, scheme, _counted(rule, selection)),
    )
    with open_session(registry, clock=clock) as session:
        at = clock.now()
        service = campaign.service.name
        session.record(
            RetestConcluded(at=at, actor=actor, plan=name, retest=retest, service=service)
        )
        if retest.outcome is RetestResult.CONFORMS:
            note = f"verified by re-test {retest.campaign}"
            session.record(PlanClosed(at=at, actor=actor, plan=name, note=note))
        return retest, session.state.plan(name).state


def _start(
    session: RegistrySession, plan: ActionPlan, campaign: str, actor: str, clock: Clock
) -> None:
    """Record that the re-test started; an interrupted one resumes under its own name."""
    if plan.state is not PlanState.VERIFYING:
        session.record(RetestStarted(at=clock.now(), actor=actor, plan=plan.id, campaign=campaign))


def _require_service(campaign: Campaign, finding: Finding, path: Path) -> None:
    """Raise UsageError if the campaign is of another service than the finding."""
    if finding.service and campaign.service.name != finding.service:
        msg = (
            f"{path} measures the service {campaign.service.name!r}, but finding {finding.id} is "
            f"about {finding.service!r}; give the campaign file of that service"
        )
        raise UsageError(msg)


def _narrow(scheme: Scheme, finding: Finding) -> Scheme:
    """The scheme reduced to the finding's requirement."""
    requirements = tuple(
        requirement for requirement in scheme.requirements if requirement.id == finding.requirement
    )
    if scheme.id != resolve(finding.scheme) or not requirements:
        msg = (
            f"finding {finding.id} is about {finding.requirement} of scheme {finding.scheme!r}; "
            f"the campaign's scheme {scheme.id!r} does not have it"
        )
        raise UsageError(msg)
    return scheme.model_copy(update={"requirements": requirements})


def _select(
    finding: Finding,
    plan: ActionPlan,
    rule: Requirement,
    campaign: Campaign,
    corpora: tuple[Corpus, ...],
    out: Path,
) -> RetestSelection:
    """Choose the items: a whole census again, or a sample of items that were never tried.

    Fresh items come from the same kind of packs as the missed ones: patching a list does not
    improve the filter.
    """
    by_id = {item.id: (item, _source(corpus)) for corpus in corpora for item in corpus.items()}
    sources = {by_id[name][1] for name in finding.missed if name in by_id}
    items = [item for item, source in by_id.values() if source in sources]
    is_census = rule.rule == "census"
    earlier = (finding.campaign, *(retest.campaign for retest in plan.retests))
    used = set() if is_census else set(_tried(out, earlier))
    size = max(finding.sampled, rule.n_min)
    if is_census:
        entries = [
            item.id for item in items if item.value and is_among(item.category, finding.categories)
        ]
        size = len(set(entries) - set(finding.missed))
    return select_retest(finding, items, used=used, seed=campaign.seed, size=size)


def _source(corpus: Corpus) -> tuple[str, bool]:
    return corpus.reference.kind, corpus.reference.is_hidden


def _counted(rule: Requirement, selection: RetestSelection) -> tuple[str, ...]:
    """The items that decide the requirement again: the fresh sample, or the whole census."""
    is_census = rule.rule == "census"
    return selection.missed + selection.fresh if is_census else selection.fresh


def _tried(out: Path, campaigns: tuple[str, ...]) -> Iterator[str]:
    from harness.store.journal.journal import open_journal  # noqa: PLC0415 - duckdb is heavy

    for name in campaigns:
        journal = open_journal(CampaignPaths(out=out, campaign=name).journal)
        try:
            yield from {
                observation.item.id
                for observation in journal.observations()
                if observation.role == "item"
            }
        finally:
            journal.close()


def _campaign(
    campaign: Campaign,
    corpora: tuple[Corpus, ...],
    finding: Finding,
    plan: ActionPlan,
    selection: RetestSelection,
) -> Campaign:
    """The campaign of the re-test: the finding's line and profile, and the chosen items."""
    wanted = set(selection.missed) | set(selection.fresh)
    packs = dict.fromkeys(declared.pack for declared in campaign.corpora)
    chosen = tuple(
        CorpusSelection(pack=pack, items=ids)
        for pack, corpus in zip(packs, corpora, strict=True)
        if (ids := tuple(item.id for item in corpus.items() if item.id in wanted))
    )
    name = plan.verifying or f"{finding.campaign}-{plan.id.lower()}-retest-{len(plan.retests) + 1}"
    return campaign.model_copy(
        update={
            "campaign": name,
            "title": f"Re-test of plan {plan.id}: {finding.title}",
            "lines": tuple(line for line in campaign.lines if line.name == finding.line),
            "profiles": {finding.profile: campaign.profiles[finding.profile]},
            "corpora": chosen,
            "stopping": None,  # a re-test never stops early
        }
    )


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
