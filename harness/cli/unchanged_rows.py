"""What a fix must not make worse: requirements that conformed are judged again in the re-test.

METHOD (d): a fix must not buy its block rate with over-blocking or with delay. The binding
requirements on over-blocking that conformed in the finding's campaign, on its line and profile, are
measured again on the same items, which are compared one by one, their delay too, and on fresh ones.
Both campaigns are read with the labels that appeals corrected, and each journal is opened once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.cli.fresh_items import RetestItems, item_filter
from harness.cli.paths import CampaignPaths
from harness.cli.registry_facts import appeals_in
from harness.cli.unchanged_campaign import open_unchanged
from harness.follow.repeated_rows import RepeatedRows
from harness.follow.retest import bottom_sample
from harness.model.corpus import Item
from harness.model.metric import DelayChange
from harness.model.outcome import Assessment, Conformity, Outcome
from harness.model.scheme import Scheme
from harness.model.verdict import Verdict
from harness.ports.storage import Journal
from harness.verdicts.corrected_labels import with_corrected_labels

AREA = "overblock"
"""The area of the requirements that a fix must not make worse."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnchangedRows:
    """The requirements that conformed before, as a scheme, and the items that they rest on.

    ``again`` are the items of the finding's campaign, on its line and profile, and ``verdicts``
    theirs in it. ``fresh`` are others of the same categories, so that a fix which exempts the known
    pages is found.
    """

    scheme: Scheme
    again: tuple[str, ...] = ()
    fresh: tuple[str, ...] = ()
    verdicts: tuple[Verdict, ...] = ()

    @property
    def items(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.again, *self.fresh)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredAgain:
    """What became of the requirements in a re-test, and of the delay of their items."""

    rows: RepeatedRows
    delay: DelayChange


def unchanged_rows(items: RetestItems, out: Path) -> UnchangedRows:
    """Find what a re-test must measure again, in the campaign of its finding."""
    from harness.pipeline import conclude  # noqa: PLC0415 - keep the start light

    finding, whole = items.finding, items.whole
    none = UnchangedRows(scheme=_of_rows(whole, ()))
    rows = {
        row.id
        for row in whole.requirements
        if row.binding and row.area == AREA and row.id != finding.requirement
    }
    if not rows:
        return none
    with _corrected_journal(CampaignPaths(out=out, campaign=finding.campaign)) as journal:
        before = conclude(journal, _of_rows(whole, rows))
        conformed = {
            one.requirement.id
            for one in _here(before, items)
            if one.conformity is Conformity.CONFORMS
        }
        if not conformed:
            return none
        kept = _of_rows(whole, conformed)
        own = {item.id for item in items.items}
        counted = {item.id: item for item in _counted(items, kept) if item.id not in own}
        verdicts = tuple(_verdicts(journal, items, counted))
    tried = {verdict.item.id: verdict.item.category for verdict in verdicts}
    again = tuple(name for name in counted if name in tried)
    seed, measured = items.prepared.campaign.seed, frozenset(tried.values())
    others = (
        name for name, item in counted.items() if name not in tried and item.category in measured
    )
    enough = max(row.n_min for row in kept.requirements)
    fresh = bottom_sample(others, enough, seed=seed, label=finding.id)
    return UnchangedRows(scheme=kept, again=again, fresh=tuple(fresh), verdicts=verdicts)


def measured_again(rows: UnchangedRows, items: RetestItems, paths: CampaignPaths) -> MeasuredAgain:
    """What became of the rows in the re-test of ``paths``, and of the delay of their items."""
    from harness.estimate.campaign_comparison import MUST_ALLOW, compare_campaigns  # noqa: PLC0415 - keep the start light
    from harness.estimate.durations import compare_delays  # noqa: PLC0415 - the same
    from harness.pipeline import conclude  # noqa: PLC0415 - the same

    if not rows.items:
        return MeasuredAgain(rows=RepeatedRows(), delay=DelayChange())
    profile = items.finding.profile
    phase = items.prepared.campaign.phase_of(profile)
    with _corrected_journal(paths) as journal:
        again = conclude(journal, rows.scheme, only=frozenset(rows.again))
        fresh = conclude(journal, rows.scheme, only=frozenset(rows.fresh)) if rows.fresh else None
        verdicts = tuple(_verdicts(journal, items, rows.again))
        probes = journal.header.probes
    compared = compare_campaigns(rows.verdicts, verdicts, rows.scheme.policy, {profile: phase})
    found = [one for one in compared.contrasts if one.group == MUST_ALLOW]
    repeated = RepeatedRows(
        outcomes=tuple(_here(again, items)),
        fresh=tuple(_here(fresh, items)) if fresh else (),
        expected=tuple(row.id for row in rows.scheme.requirements),
        worse=tuple(name for one in found for name in one.worse),
        better=sum(len(one.better) for one in found),
        pairs=sum(one.change.pairs for one in found),
    )
    was, now = (
        [one for one in each if rows.scheme.policy.expects(one.item.category, phase) == "allow"]
        for each in (rows.verdicts, verdicts)
    )
    delay = compare_delays(was, now, probes, rows.scheme.decision.alpha)
    return MeasuredAgain(rows=repeated, delay=delay)


@contextmanager
def _corrected_journal(paths: CampaignPaths) -> Iterator[Journal]:
    with closing(open_unchanged(paths.journal)) as journal:
        yield with_corrected_labels(journal, appeals_in(paths.registry))


def _verdicts(journal: Journal, items: RetestItems, names: Collection[str]) -> Iterator[Verdict]:
    """Judge the named items of a journal, on the line and profile of the finding."""
    from harness.judge.composite_measurements import judge_of  # noqa: PLC0415 - heavy

    wanted, here = frozenset(names), (items.finding.line, items.finding.profile)
    observations = (
        one for one in journal.observations() if one.role != "item" or one.item.id in wanted
    )
    for verdict in judge_of(journal.header, journal.sentinels()).verdicts(observations):
        if (verdict.key.line, verdict.key.profile) == here:
            yield verdict


def _of_rows(scheme: Scheme, names: Collection[str]) -> Scheme:
    """The scheme with the named requirements alone."""
    kept = tuple(row for row in scheme.requirements if row.id in names)
    return scheme.model_copy(update={"requirements": kept})


def _counted(items: RetestItems, scheme: Scheme) -> Iterator[Item]:
    """The items of the campaign's packs that a requirement of a scheme counts."""
    filters = [
        item_filter(items.prepared, _of_rows(scheme, {row.id}), items.finding)
        for row in scheme.requirements
    ]
    for corpus in items.prepared.corpora:
        for item in corpus.items():
            if any(counts(item) for counts in filters):
                yield item


def _here(assessment: Assessment, items: RetestItems) -> Iterator[Outcome]:
    """The outcomes on the line and profile of the finding."""
    for outcome in assessment.outcomes:
        if (outcome.line, outcome.profile) == (items.finding.line, items.finding.profile):
            yield outcome
