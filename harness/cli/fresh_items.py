"""The items that a re-test can draw from: what failed, and fresh items of the same kind.

Fresh items are of the kind that failed. Agreed items are spent once a campaign of the plan decided
them on the service; items of imported lists once any campaign of the service did. An item of a
hidden list is spent as soon as a request named it on the line, whatever came back.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from harness.campaign.assemble import Prepared
from harness.cli.compose import load_and_warn, open_pack, prepare, seeded
from harness.cli.paths import CampaignPaths
from harness.errors import UsageError
from harness.follow.retest import (
    RetestSelection,
    cases_of,
    codes_of,
    scheme_of_attempt,
    select_retest,
)
from harness.follow.retest_levels import forecast, rule_in, size_for_try
from harness.model.action_plan import ActionPlan, Finding
from harness.model.corpus import NAMED, CorpusReference, Item, is_among
from harness.model.observation import CONTROL, LOCAL_TROUBLE, Observation
from harness.model.retest_schedule import SampleRule, level_of_try
from harness.model.scheme import Scheme
from harness.model.smallest_sample import smallest_sample
from harness.model.verdict import State
from harness.ports.corpora import Corpus
from harness.ports.network import can_measure
from harness.ports.storage import Clock
from harness.schemes.check import resolve

DECIDED = frozenset({State.BLOCKED, State.ALLOWED, State.ALTERED})
"""Verdicts that spend an item; ``down`` and ``insufficient`` do not."""

Source = tuple[str, bool]
"""The kind of a pack's items, and whether they are hidden from the supplier."""


@dataclass(frozen=True, kw_only=True)
class RetestItems:
    """What a re-test of a plan draws from.

    ``campaign`` of ``prepared`` has its seed; ``scheme`` is the ``whole`` one reduced to the
    finding's requirement and its ``codes``, the categories that were measured. ``packs`` are those
    of the campaign file and the plan's canaries, by their names in a campaign beside that file.
    ``used`` are the ids of spent items, ``measured`` the categories of items that the finding's
    campaign decided. ``least`` is how many fresh items a re-test needs of each code, or of
    each of ``cases``, if there are any. ``rule`` is how a sample decides the requirement, ``None``
    where each item counts.
    """

    plan: ActionPlan
    finding: Finding
    prepared: Prepared
    scheme: Scheme
    whole: Scheme
    packs: Mapping[str, Corpus]
    sources: frozenset[Source]
    items: tuple[Item, ...]
    used: frozenset[str]
    measured: frozenset[str]
    codes: tuple[str, ...]
    least: int
    cases: tuple[str, ...] = ()
    rule: SampleRule | None = None

    @cached_property
    def size(self) -> int:
        """How many fresh items of each code are drawn.

        So many that a good fix passes with the planned probability, or as many as are left of each
        if they are fewer, and at least ``least``.
        """
        return max(self.least, min(self.proposed, min(self.available().values(), default=0)))

    @property
    def proposed(self) -> int:
        """How many fresh items of each code a good fix needs to pass as planned; at least least."""
        return self._proposed_for(self.plan.tries + 1)

    @property
    def prospects(self) -> str:
        """With which probability a good fix passes this re-test, in words; or empty."""
        if self.rule is None or not self.rule.rate:
            return ""
        said = forecast(self.rule, self.plan.tries + 1, self.size, len(self.codes))
        few = self.size < self.proposed
        more = (
            f"; the corpora have too few for the {self.proposed} that are proposed" if few else ""
        )
        return f"{self.size} fresh items of each kind: {said}{more}"

    @property
    def is_census(self) -> bool:
        """Whether the whole list is tested again, so that nothing is spent."""
        return self.scheme.requirements[0].rule == "census"

    @property
    def is_agreed(self) -> bool:
        """Whether the missed items are agreed ones, of which new ones can be made."""
        return bool(self.sources) and all(kind == "agreed" for kind, _ in self.sources)

    def for_retests(self, retests: int) -> int:
        """How many fresh items of each code so many further re-tests need, as proposed."""
        first = self.plan.tries + 1
        return sum(self._proposed_for(number) for number in range(first, first + retests))

    def _proposed_for(self, number: int) -> int:
        """How many fresh items of each code a good fix needs to pass try ``number`` as planned."""
        if self.rule is None:
            return self.least
        return max(self._least_for(number), size_for_try(self.rule, number, len(self.codes)))

    def _least_for(self, number: int) -> int:
        """How many fresh items of each code the plan's try ``number`` needs at least."""
        if self.rule is None:
            return self.least
        level = level_of_try(self.rule.alpha, number)
        return max(self.least, smallest_sample(self.scheme.requirements[0], level) or 0)

    def select(self) -> RetestSelection:
        """Every missed item, and the fresh ones. Raises UsageError if a missed one is gone.

        Where no single item was missed, such as for a waiting time, any items are tried again.
        """
        if self.is_census:
            return replace(self._draw(len(self.items)), short_of=0, left={})
        return self._draw(self.size)

    def resume(self, ids: Iterable[str]) -> RetestSelection:
        """The selection of a re-test that was begun with these items."""
        missed = set(self.finding.missed)
        fresh = tuple(name for name in ids if name not in missed)
        rest = self._draw(0, fresh)
        if self.is_census:
            return replace(rest, fresh=fresh, left={})
        return replace(rest, fresh=fresh, short_of=max(0, self.least * len(rest.left) - len(fresh)))

    def available(self) -> Mapping[str, int]:
        """How many fresh items of each code there are."""
        return self._draw(0).left

    def _draw(self, size: int, begun: Iterable[str] = ()) -> RetestSelection:
        return select_retest(
            self.finding,
            self.items,
            used=() if self.is_free else self.used.union(begun),
            seed=self.prepared.campaign.seed,
            size=size,
            measured=self.measured,
            cases=self.cases,
        )

    @property
    def is_free(self) -> bool:
        """Whether items may be tried again: no single one of them was missed, or all are tried."""
        return self.is_census or not self.finding.missed

    def more_retests(self, left: Mapping[str, int]) -> str:
        """How many more re-tests the fresh items allow that are left, in words."""
        if self.is_census:
            return "a re-test tests the whole list again, so nothing is used up"
        if self.is_free:
            return "a re-test may try the same items again, so nothing is used up"
        following, count, number = self.plan.tries + 2, min(left.values(), default=0), 0
        while count >= (size := self._proposed_for(following + number)):
            count, number = count - max(1, size), number + 1
        words = f"{number or 'no'} more {'re-test' if number == 1 else 're-tests'}"
        if self.rule is not None and self.rule.rate:
            words += " of the proposed size"
            words += "" if number or count < self._least_for(following) else ", but a smaller one"
        more = "; 'accredit plan canaries' makes new ones" if self.is_agreed and not number else ""
        return f"the fresh items that are left allow {words}{more}"


def retest_items(
    finding: Finding,
    plan: ActionPlan,
    path: Path,
    out: Path,
    clock: Clock,
    *,
    swapped: bool = False,
) -> RetestItems:
    """Read what a re-test of a plan can draw from: the campaign file, its packs, the journals.

    Raises UsageError if the campaign file is of another service or scheme, or a pack was changed.
    """
    prepared = prepare(path, swapped=swapped)
    begun = CampaignPaths(out=out, campaign=finding.campaign).journal
    campaign = seeded(prepared.campaign, begun)
    prepared = replace(prepared, campaign=campaign)
    _require_service(prepared, finding)
    declared = load_and_warn(campaign.scheme, clock)
    narrow = narrow_scheme(declared, finding)
    scheme = scheme_of_attempt(narrow, plan)
    packs = dict(
        zip(dict.fromkeys(one.pack for one in campaign.corpora), prepared.corpora, strict=True)
    )
    packs |= _canary_packs(plan, path, out)
    sources = _sources_of(finding, packs)
    past = _past_use(finding, plan, campaign.service.name, sources, out)
    codes = codes_of(finding, past.categories)
    items = tuple(_candidates(finding, scheme, prepared, packs, sources))
    _require_addresses(finding, items, past.missed)
    whole = codes if scheme.requirements[0].rule == "census" else ()
    measured = {item.category for item in items if is_among(item.category, whole)}
    cases = cases_of(scheme.requirements[0].measure.metric, items)
    return RetestItems(
        plan=plan,
        finding=finding,
        prepared=prepared,
        scheme=_of_categories(scheme, codes),
        whole=declared,
        packs=packs,
        sources=sources,
        items=items,
        used=frozenset(item.id for item in items if _address(item) in past.spent),
        measured=past.categories | measured,
        codes=codes,
        least=max(0 if cases else finding.sampled, scheme.requirements[0].n_min, plan.extension),
        cases=cases,
        rule=None if cases else rule_in(narrow),
    )


def _candidates(
    finding: Finding,
    scheme: Scheme,
    prepared: Prepared,
    packs: Mapping[str, Corpus],
    sources: frozenset[Source],
) -> Iterator[Item]:
    """The missed items, and all items of the same sources that the requirement counts."""
    missed, is_counted = frozenset(finding.missed), item_filter(prepared, scheme, finding)
    for corpus in packs.values():
        if _source(corpus.reference) in sources:
            for item in corpus.items():
                if item.id in missed or is_counted(item):
                    yield item


def narrow_scheme(scheme: Scheme, finding: Finding) -> Scheme:
    """The scheme reduced to the finding's requirement. Raises UsageError if it has none such."""
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


def _of_categories(scheme: Scheme, codes: tuple[str, ...]) -> Scheme:
    """The scheme whose requirement names only the measured categories, if it names any."""
    requirement = scheme.requirements[0]
    if not requirement.measure.categories:
        return scheme
    measure = requirement.measure.model_copy(update={"categories": codes})
    return scheme.model_copy(
        update={"requirements": (requirement.model_copy(update={"measure": measure}),)}
    )


def _require_service(prepared: Prepared, finding: Finding) -> None:
    """Raise UsageError if the campaign is of another service, line or profile."""
    campaign = prepared.campaign
    if finding.service and campaign.service.name != finding.service:
        msg = (
            f"{prepared.path} measures the service {campaign.service.name!r}, but finding "
            f"{finding.id} is about {finding.service!r}; give the campaign file of that service"
        )
        raise UsageError(msg)
    has_line = any(line.name == finding.line for line in campaign.lines)
    if not has_line or finding.profile not in campaign.profiles:
        msg = (
            f"{prepared.path} does not have the line {finding.line!r} with the profile "
            f"{finding.profile!r} of finding {finding.id}; give the campaign file of the finding"
        )
        raise UsageError(msg)


def _source(reference: CorpusReference) -> Source:
    return reference.kind, reference.kind != "agreed" and reference.is_hidden


def _sources_of(finding: Finding, packs: Mapping[str, Corpus]) -> frozenset[Source]:
    """The sources of the missed items; of all packs if no single item was missed."""
    missed = set(finding.missed)
    return frozenset(
        _source(corpus.reference)
        for corpus in packs.values()
        if not missed or any(item.id in missed for item in corpus.items())
    )


def item_filter(prepared: Prepared, scheme: Scheme, finding: Finding) -> Callable[[Item], bool]:
    """Whether the requirement counts an item, and the finding's line can try it."""
    from harness.estimate.item_selection import counts_category, counts_item  # noqa: PLC0415 - heavy

    measure, policy = scheme.requirements[0].measure, scheme.policy
    phase = prepared.campaign.phase_of(finding.profile)
    line = next(line for line in prepared.campaign.lines if line.name == finding.line)
    probes = [prepared.probes[name] for name in prepared.campaign.probes_on(line)]
    wanted = [probe for probe in probes if probe.declares.counts]

    def is_counted(item: Item) -> bool:
        return (
            counts_category(measure, policy, item.category, phase)
            and counts_item(measure, item, phase)
            and any(can_measure(probe, item) for probe in wanted)
        )

    return is_counted


class PastUse(NamedTuple):
    """Addresses of items that are spent, and what the finding's campaign decided.

    ``categories`` are those of all its items, ``missed`` the addresses of the missed ones by id.
    """

    spent: frozenset[str]
    categories: frozenset[str]
    missed: Mapping[str, str]


def _past_use(
    finding: Finding, plan: ActionPlan, service: str, sources: frozenset[Source], out: Path
) -> PastUse:
    """Read the earlier campaigns of the plan; for imported lists, all those of the service."""
    own = (finding.campaign, *(retest.campaign for retest in plan.retests))
    others = () if all(kind == "agreed" for kind, _ in sources) else _campaigns_of(service, out)
    is_hidden = any(hidden for _, hidden in sources)
    spent: set[str] = set()
    categories: set[str] = set()
    missed: dict[str, str] = {}
    for name in dict.fromkeys((*own, *others)):
        if name == plan.verifying:
            continue
        journal = CampaignPaths(out=out, campaign=name).journal
        for item, line, profile, is_decided in _items_shown(journal, finding):
            if is_decided or is_hidden:
                spent.add(_address(item))
            if is_decided and (name, line, profile) == (
                finding.campaign, finding.line, finding.profile,
            ):  # fmt: skip
                categories.add(item.category)
                if item.id in finding.missed:
                    missed[item.id] = _address(item)
    return PastUse(frozenset(spent), frozenset(categories), missed)


def _campaigns_of(service: str, out: Path) -> tuple[str, ...]:
    from harness.store.journal.header import HEADER  # noqa: PLC0415 - keep the start light
    from harness.store.journal.reader import JournalReader  # noqa: PLC0415 - numpy is heavy

    folders = [path.parent for path in sorted(out.glob(f"*/journal/{HEADER}"))]
    return tuple(
        folder.parent.name
        for folder in folders
        if JournalReader(folder).header.campaign.service.name == service
    )


def _items_shown(journal: Path, finding: Finding) -> Iterator[tuple[Item, str, str, bool]]:
    """Yield items of the finding's categories that a request named on a line of the service.

    Each comes with its line and profile, and whether a verdict decided it.
    """
    from harness.judge.composite_measurements import judge_of  # noqa: PLC0415 - heavy
    from harness.store.journal.reader import JournalReader  # noqa: PLC0415 - numpy is heavy

    reader = JournalReader(journal)
    shown: dict[tuple[str, str, str], Item] = {}

    def concerned() -> Iterator[Observation]:
        for one in reader.observations():
            if one.role != "item" or not finding.categories:
                is_wanted = True
            else:
                is_wanted = is_among(one.item.category, finding.categories)
            if is_wanted and one.role == "item" and _named(one):
                shown[one.item.id, one.key.line, one.key.profile] = one.item
            if is_wanted:
                yield one

    for verdict in judge_of(reader.header, reader.sentinels()).verdicts(concerned()):
        if verdict.state in DECIDED:
            yield verdict.item, verdict.key.line, verdict.key.profile, True
    for (_, line, profile), item in shown.items():
        yield item, line, profile, False


def _named(observation: Observation) -> bool:
    """Whether an attempt may have told the service the name of the item."""
    failure = observation.failure
    if observation.key.line == CONTROL:
        return False
    if failure is None:
        return True
    is_ours = failure.is_instrument or failure.name in LOCAL_TROUBLE
    return not is_ours and failure.stage != "proxy_connect"


def _address(item: Item) -> str:
    """What identifies an item across packs: its host and path, whatever its id."""
    if item.kind not in NAMED:
        return item.value
    return item.url().lower().partition("://")[2].rstrip("/")


def _require_addresses(
    finding: Finding, items: Iterable[Item], measured: Mapping[str, str]
) -> None:
    """Raise UsageError if a missed item is at another address than in the finding's campaign.

    The supplier has not loaded that address, so that measuring it would show nothing of the fix.
    """
    for item in items:
        before, now = measured.get(item.id, ""), _address(item)
        if before and now and before != now:
            msg = (
                f"item {item.id} was at {before} in campaign {finding.campaign!r} and is at {now} "
                "now; use the origin and the packs of that campaign"
            )
            raise UsageError(msg)


def _canary_packs(plan: ActionPlan, path: Path, out: Path) -> dict[str, Corpus]:
    """The packs of a plan's canaries. Raises UsageError if one is missing or was changed."""
    packs: dict[str, Corpus] = {}
    for canaries in plan.canaries:
        folder = out / canaries.pack
        if not folder.is_dir():
            msg = f"{folder}: the canaries of plan {plan.id} are missing: restore the folder"
            raise UsageError(msg)
        corpus = open_pack(str(folder))
        if corpus.reference.sha256 != canaries.sha256:
            msg = f"{folder}: the canaries of plan {plan.id} were changed since they were made"
            raise UsageError(msg)
        beside = os.path.relpath(folder.resolve(), path.parent.resolve())
        packs[beside if "/" in beside else f"./{beside}"] = corpus
    return packs
