"""``accredit measure --dry-run``: what a campaign would try, cost and decide; nothing is sent.

The attempts are counted with the functions that plan them when the campaign is measured.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from harness.campaign.assemble import Prepared
from harness.cli.compose import measurement_context
from harness.cli.line_supply import LineProfile, line_profiles
from harness.cli.paths import CampaignPaths
from harness.cli.printing import say
from harness.cli.undecidable import Undecidable, is_asked_of, is_decided, sentences, undecidable
from harness.cli.user_obstacles import user_requests
from harness.estimate.early_stopping_outcomes import bounded_at_any_time
from harness.measure.batch_plan import own_half, plan_batches
from harness.measure.blocked_retrials import BlockedGroup, blocked_group, most_retrials
from harness.measure.measurement_context import MeasurementContext
from harness.measure.observe import planned_items, planned_sentinels, sides_of
from harness.measure.plain_twins import TwinSample
from harness.model.batch import count_batches
from harness.model.campaign import Campaign
from harness.model.observation import CONTROL
from harness.model.plain_twin import DONE, Group, group_of
from harness.model.scheme import Requirement, Scheme
from harness.ports.storage import WallClock

SECONDS_PER_ATTEMPT = 0.5
"""Assumed: how long an attempt over a line takes, from first packet to last, in seconds."""

KILOBYTES_PER_PAGE, KILOBYTES_PER_QUESTION = 20.0, 0.5
"""Assumed: the traffic of an attempt on a page (with its handshakes), and of a DNS question."""


@dataclass(slots=True, kw_only=True)
class AttemptCount:
    """The attempts with one probe for one profile over one line; the control is a line too.

    ``retrials_at_most`` are those if every item that the policy says is blocked, and stays so.
    """

    line: str
    profile: str
    probe: str
    items: int = 0
    sentinels: int = 0
    twins: int = 0
    retrials_at_most: int = 0

    @property
    def at_least(self) -> int:
        """The attempts without retrials."""
        return self.items + self.sentinels + self.twins


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Minutes and megabytes: at least, and with all retrials.

    ``silent_minutes`` come on top if the service blocks by silence, because each silence is waited
    for twice.
    """

    minutes: tuple[float, float]
    megabytes: tuple[float, float]
    silent_minutes: float
    seconds_per_attempt: float = SECONDS_PER_ATTEMPT
    kilobytes_per_page: float = KILOBYTES_PER_PAGE
    kilobytes_per_question: float = KILOBYTES_PER_QUESTION
    concurrency: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospects:
    """Ids of requirements by what the campaign can make of them, and why it cannot decide some.

    ``limited`` maps those whose pass would be limited to the limit, such as "agreed list only".
    """

    decidable: tuple[str, ...]
    limited: Mapping[str, str]
    undecidable: tuple[Undecidable, ...]
    shown_only: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun:
    """What measuring a campaign would try and cost. ``items`` counts them by pack and category.

    ``batches_done`` are in the journal already, and are not counted in ``attempts``, nor are
    ``user_requests_at_most``, which users of one address make at the same time.
    """

    campaign: str
    scheme: str
    items: Mapping[str, Mapping[str, int]]
    batches: int
    batches_done: int
    attempts: tuple[AttemptCount, ...]
    cost: Cost
    prospects: Prospects
    user_requests_at_most: int = 0


@dataclass(slots=True)
class _Counts:
    """Counts attempts while they are planned."""

    rows: dict[Group, AttemptCount] = field(default_factory=dict)
    blocked: Counter[BlockedGroup] = field(default_factory=Counter)
    may_be_silent: int = 0

    def at(self, line: str, profile: str, probe: str) -> AttemptCount:
        """The row of a line, profile and probe."""
        key = Group(line=line, profile=profile, probe=probe)
        if key not in self.rows:
            self.rows[key] = AttemptCount(line=line, profile=profile, probe=probe)
        return self.rows[key]


def dry_run(prepared: Prepared, scheme: Scheme, out: Path) -> DryRun:
    """Plan a prepared campaign as ``measure`` would; its journal under ``out`` is only read."""
    campaign = prepared.campaign
    context = _context(prepared, out)
    held = _held(CampaignPaths(out=out, campaign=campaign.campaign).journal)
    counts, batches = _count(prepared, scheme, context, held)
    rows = tuple(counts.rows.values())
    return DryRun(
        campaign=campaign.campaign,
        scheme=scheme.id,
        items=_items(prepared),
        batches=batches,
        batches_done=len(held & set(range(1, count_batches(campaign, len(prepared.items)) + 1))),
        attempts=rows,
        cost=_cost(rows, counts, campaign, context),
        prospects=prospects(prepared, scheme),
        user_requests_at_most=0 if DONE in held else user_requests(prepared),
    )


def _context(prepared: Prepared, out: Path) -> MeasurementContext:
    from harness.store.evidence import EvidenceFolder  # noqa: PLC0415 - as measuring does

    paths = CampaignPaths(out=out, campaign=prepared.campaign.campaign)
    return measurement_context(prepared, EvidenceFolder(paths.evidence), WallClock())


def _held(journal: Path) -> frozenset[int]:
    """The batches of the campaign that its journal holds; none if there is no journal."""
    from harness.store.journal.header import HEADER  # noqa: PLC0415 - keep the start light
    from harness.store.journal.reader import JournalReader  # noqa: PLC0415 - numpy is heavy

    if not (journal / HEADER).exists():
        return frozenset()
    return JournalReader(journal).batches()


def _count(
    prepared: Prepared, scheme: Scheme, context: MeasurementContext, held: frozenset[int]
) -> tuple[_Counts, int]:
    """Plan every batch; return the counts of the attempts to come, and of the missing batches.

    Items of batches in ``held`` are still retried and have twins, unless the journal is complete.
    """
    campaign, counts, missing = prepared.campaign, _Counts(), 0
    twins = TwinSample(campaign, context)
    for batch in own_half(prepared.half, plan_batches(campaign, prepared.items)):
        probe, is_missing = context.probes[batch.way.probe], batch.number not in held
        tried = tuple(planned_items(batch, campaign, probe))
        missing += is_missing
        if is_missing and tried:
            for side in sides_of(probe):
                for planned in planned_sentinels(batch, campaign, side, probe):
                    counts.at(*group_of(planned.key)).sentinels += 1
        for planned in tried:
            key, item = planned.key, planned.item
            counts.at(*group_of(key)).items += is_missing
            twins.offer(key, item)
            expected = scheme.policy.expects(item.category, campaign.phase_of(key.profile))
            if key.line != CONTROL and expected != "allow":
                counts.blocked[blocked_group(key, item)] += 1
                counts.may_be_silent += is_missing
    if DONE not in held:
        _count_later(counts, twins, context)
    return counts, missing


def _count_later(counts: _Counts, twins: TwinSample, context: MeasurementContext) -> None:
    """Count what follows the batches: plain twins, each beside the control, and retrials."""
    for group, drawn in twins.drawn().items():
        for line in (group.line, CONTROL):
            counts.at(line, group.profile, group.probe).twins += len(drawn)
    for blocked, number in counts.blocked.items():
        is_page = context.probes[blocked.probe].declares.needs == "fetch"
        row = counts.at(blocked.line, blocked.profile, blocked.probe)
        row.retrials_at_most += most_retrials(number, is_page=is_page)


def _items(prepared: Prepared) -> dict[str, dict[str, int]]:
    """The chosen items by the name of their pack, and category."""
    names = {corpus.reference.mark: corpus.reference.name for corpus in prepared.corpora}
    only = next(iter(names.values()), "")
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for item in prepared.items:
        found[names.get(item.pack, only)][item.category] += 1
    return {pack: dict(sorted(codes.items())) for pack, codes in sorted(found.items())}


def _cost(
    rows: tuple[AttemptCount, ...],
    counts: _Counts,
    campaign: Campaign,
    context: MeasurementContext,
) -> Cost:
    """Estimate minutes and megabytes from the counts and the stated assumptions."""
    limits = campaign.limits
    many = sum(row.items + row.sentinels for row in rows) * SECONDS_PER_ATTEMPT
    again = sum(row.retrials_at_most for row in rows) * SECONDS_PER_ATTEMPT
    visit = campaign.plain_twins.pause + 2 * SECONDS_PER_ATTEMPT
    slowest: Counter[str] = Counter()
    for row in rows:
        slowest[row.line] += row.twins if row.line != CONTROL else 0
    twins = max(slowest.values(), default=0) * visit
    silent = counts.may_be_silent * (limits.timeout + limits.confirmation_timeout)

    def kilobytes(row: AttemptCount, number: int) -> float:
        is_page = context.probes[row.probe].declares.needs == "fetch"
        return number * (KILOBYTES_PER_PAGE if is_page else KILOBYTES_PER_QUESTION)

    least = sum(kilobytes(row, row.at_least) for row in rows) / 1000
    most = least + sum(kilobytes(row, row.retrials_at_most) for row in rows) / 1000
    at_once = limits.concurrency
    minutes = (many / at_once + twins) / 60
    return Cost(
        minutes=(round(minutes, 1), round(minutes + again / at_once / 60, 1)),
        megabytes=(round(least, 1), round(most, 1)),
        silent_minutes=round(silent / at_once / 60, 1),
        concurrency=at_once,
    )


def prospects(prepared: Prepared, scheme: Scheme) -> Prospects:
    """Which requirements of a scheme a campaign can decide."""
    profiles, scheme = line_profiles(prepared), scheme.within(prepared.campaign.scope)
    early = bounded_at_any_time(prepared.campaign, scheme)
    entries = undecidable(scheme, profiles, early)
    without = {entry.requirement for entry in entries}
    decidable, limited, shown_only = list[str](), dict[str, str](), list[str]()
    for requirement in scheme.requirements:
        asked = [each for each in profiles if is_asked_of(requirement, scheme, each)]
        if requirement.id in without or not asked:
            continue
        if not is_decided(requirement):
            shown_only.append(requirement.id)
            continue
        decidable.append(requirement.id)
        limits = {_limit(requirement, each) for each in asked} - {""}
        if limits:
            limited[requirement.id] = " and ".join(sorted(limits))
    return Prospects(
        decidable=tuple(decidable),
        limited=limited,
        undecidable=entries,
        shown_only=tuple(shown_only),
    )


def _limit(requirement: Requirement, line_profile: LineProfile) -> str:
    """What a pass would be limited to, because of the kinds of the items; empty for nothing."""
    sources = line_profile.sources
    if sources is None:
        return ""
    supply = line_profile.supply_for(requirement)
    present = {sources.of_pack(group.example.pack) for group in supply}
    return sources.basis(requirement.rests_on, present).qualifier


def print_dry_run(plan: DryRun) -> None:
    """Print a dry run for people."""
    for text in _paragraphs(plan):
        say(text)


def dry_run_json(plan: DryRun) -> bytes:
    """Return a dry run as JSON."""
    return msgspec.json.encode(plan)


def _paragraphs(plan: DryRun) -> Iterator[str]:
    yield f"Dry run of {plan.campaign} ({plan.scheme}): nothing is sent."
    yield ""
    yield f"Items: {sum(sum(codes.values()) for codes in plan.items.values()):,}"
    for pack, codes in plan.items.items():
        shown = ", ".join(f"{code} {number}" for code, number in codes.items())
        yield f"  {pack}, {sum(codes.values()):,}: {shown}"
    yield ""
    done = f" ({plan.batches_done} more are in the journal)" if plan.batches_done else ""
    least = sum(row.at_least for row in plan.attempts)
    most = least + sum(row.retrials_at_most for row in plan.attempts)
    yield f"Attempts: {least:,} to {most:,}, in {plan.batches} batches{done}"
    for row in plan.attempts:
        again = f", up to {row.retrials_at_most:,} retrials" if row.retrials_at_most else ""
        twins = f", {row.twins:,} plain twins" if row.twins else ""
        yield (
            f"  {row.line}, {row.profile}, {row.probe}: {row.items:,} items, "
            f"{row.sentinels:,} sentinels{twins}{again}"
        )
    if plan.user_requests_at_most:
        yield (
            f"  Users of one address make up to {plan.user_requests_at_most:,} more requests, at "
            "the same time."
        )
    yield "  Heartbeats, and items that stay undecided and are tried again, come on top."
    yield ""
    yield from _cost_in_words(plan.cost)
    yield ""
    yield from _prospects_in_words(plan.prospects)


def _cost_in_words(cost: Cost) -> Iterator[str]:
    low, high = cost.minutes
    yield f"Time: about {low:,.0f} to {high:,.0f} minutes"
    yield (
        f"  Assumed: {cost.seconds_per_attempt:g} s an attempt, {cost.concurrency} at once; "
        "plain twins one after the other, with their pauses."
    )
    yield (
        f"  If it blocks by silence: up to {cost.silent_minutes:,.0f} minutes more, for timeouts."
    )
    low, high = cost.megabytes
    yield f"Traffic: about {low:,.0f} to {high:,.0f} MB, over all lines"
    yield (
        f"  Assumed: {cost.kilobytes_per_page:g} kB a page, "
        f"{cost.kilobytes_per_question:g} kB a DNS question."
    )


def _prospects_in_words(found: Prospects) -> Iterator[str]:
    whole = [name for name in found.decidable if name not in found.limited]
    yield f"Can be decided: {', '.join(whole) or 'none'}"
    by_limit: defaultdict[str, list[str]] = defaultdict(list)
    for name, limit in found.limited.items():
        by_limit[limit].append(name)
    for limit, names in by_limit.items():
        yield f"Can be decided, with a limit ({limit}): {', '.join(names)}"
    if found.shown_only:
        yield f"Only shown, or conditions of the test: {', '.join(found.shown_only)}"
    yield from sentences(found.undecidable)
