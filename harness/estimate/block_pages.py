"""Metrics of blocks and their pages: what is announced, shown, stated, and wrong.

They count items whose blocks were seen, by the flaws that the verdicts hold
(``harness.model.block_flaw``). An item has a flaw if any of its blocked trials has it. Pages whose
details were not recorded are undecided; those of which no text may be kept are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from harness.estimate import rates
from harness.estimate.item_selection import Selection
from harness.estimate.outcome_groups import ClassifiedResults, GroupResult, total
from harness.estimate.rates import CENSUS, MeasuredMetric
from harness.model.block_flaw import CHECKS, DEFECTS, FIELDS, ILLEGAL, WHY_UNCHECKED, BlockFlaw
from harness.model.metric import Metric, Part, Source
from harness.model.outcome_group import Adverse, ProbeState
from harness.model.probe import declared
from harness.model.verdict import State

WITHHELD = "block pages of which no text may be kept"
NOT_LOADED = "block pages that the probe web_accessibility did not load in a browser"
NOT_MANAGED = "certificate errors on a line whose options name no authority of the supplier"
_UNCLEAN = BlockFlaw.NO_PAGE | BlockFlaw.CERTIFICATE
_UNREAD = BlockFlaw.UNREAD | BlockFlaw.WITHHELD


class _Seen(NamedTuple):
    """The pages of blocked items that were read: the flaws of each, and by which probes."""

    result: GroupResult
    blocks: tuple[ProbeState, ...]

    @property
    def flaws(self) -> BlockFlaw:
        joined = 0
        for one in self.blocks:
            joined |= one.flaws or 0
        return BlockFlaw(joined)

    def against(self, flaw: BlockFlaw) -> Adverse:
        """Return a reference to the verdicts with a flaw."""
        probes = tuple(one.probe for one in self.blocks if flaw & BlockFlaw(one.flaws or 0))
        return self.result.as_adverse(State.BLOCKED, probes)


class _Pages(NamedTuple):
    """The block pages that were read, and the items with a page that was not."""

    read: list[_Seen]
    unread: int
    withheld: int


_NONE = _Pages([], 0, 0)


def clean_https_blocks(selection: Selection) -> MeasuredMetric:
    """Compute the share of items blocked over HTTPS whose page came without a certificate error.

    A block that shows no page counts against the service: its user sees an error of the browser. A
    certificate error on a client that trusts no authority of the supplier decides nothing.
    """
    clean: list[GroupResult] = []
    bad: list[GroupResult] = []
    doubtful: list[GroupResult] = []
    adverse: list[Adverse] = []
    unmanaged: list[GroupResult] = []
    for result in selection.results:
        blocks = tuple(one for one in _blocks(selection, result) if _is_https(selection, one))
        seen = _Seen(result, blocks)
        if not blocks:
            continue
        if BlockFlaw.UNMANAGED in seen.flaws:
            unmanaged.append(result)
        elif any(one.flaws is None for one in blocks):
            doubtful.append(result)
        elif seen.flaws & _UNCLEAN:
            bad.append(result)
            adverse.append(seen.against(_UNCLEAN))
        else:
            clean.append(result)
    is_managed = bool(clean or bad)
    classified = ClassifiedResults(
        adverse=tuple(bad),
        favourable=tuple(clean),
        indeterminate=(*doubtful, *(unmanaged if is_managed else ())),
    )
    measured = rates.share(selection, "clean_https_blocks", classified)
    left_out = {NOT_MANAGED: total(unmanaged)} if unmanaged and not is_managed else {}
    metric = replace(measured.metric, left_out=left_out)
    return MeasuredMetric(metric=metric, adverse=tuple(adverse))


def block_page_fields(selection: Selection) -> MeasuredMetric:
    """Compute the share of the five fields that every block page states."""
    found = _pages(selection)
    pages = found.read
    parts = tuple(_part(selection, words, flaw, pages) for flaw, words in FIELDS.items())
    stated = sum(part.metric.k == part.metric.n for part in parts)
    n = len(FIELDS) if pages else 0
    value = stated / n if n else None
    metric = _metric(selection, "block_page_fields", value, stated, n, parts, found)
    return MeasuredMetric(metric=metric, adverse=_against(pages, FIELDS))


def block_page_defects(selection: Selection) -> MeasuredMetric:
    """Count the items whose block page can be cached, is injectable, or contacts other sites.

    Whether a page is injectable, only those show that answer a request with markup.
    """
    found = _pages(selection)
    pages = found.read
    marked = [
        _Seen(one.result, blocks)
        for one in pages
        if (blocks := tuple(block for block in one.blocks if not _has(block, BlockFlaw.UNMARKED)))
    ]
    parts = tuple(
        _part(
            selection,
            f"a page that {words}",
            flaw,
            marked if flaw is BlockFlaw.INJECTABLE else pages,
            counts_flaws=True,
        )
        for flaw, words in DEFECTS.items()
    )
    bad = [one for one in pages if one.flaws & _all(DEFECTS)]
    k, n = _items(bad), _items(pages)
    value = float(k) if n else None
    metric = _metric(selection, "block_page_defects", value, k, n, parts, found, unit="items")
    return MeasuredMetric(metric=metric, adverse=_against(pages, DEFECTS))


def block_page_accessibility(selection: Selection) -> MeasuredMetric:
    """Compute the share of three checks that every block page passes that a browser loaded.

    Pages that no browser loaded are left out; with the reason, where one should have loaded them.
    A page that failed a check when it was loaded counts, whatever happened in other trials.
    """
    pages = _pages(selection)
    loaded = [
        _Seen(one.result, blocks)
        for one in pages.read
        if (blocks := tuple(filter(_is_loaded, one.blocks)))
    ]
    parts = tuple(_part(selection, words, flaw, loaded) for flaw, words in CHECKS.items())
    passed = sum(part.metric.k == part.metric.n for part in parts)
    n = len(CHECKS) if loaded else 0
    value = passed / n if n else None
    metric = _metric(selection, "block_page_accessibility", value, passed, n, parts, pages)
    left_out = dict(metric.left_out)
    for flaw, why in WHY_UNCHECKED.items():
        if unchecked := _items([one for one in pages.read if flaw in one.flaws]):
            left_out[why] = unchecked
    if not loaded and pages.read and not left_out:
        left_out[NOT_LOADED] = _items(pages.read)
    return MeasuredMetric(
        metric=replace(metric, left_out=left_out), adverse=_against(loaded, CHECKS)
    )


def illegal_page_wording(selection: Selection) -> MeasuredMetric:
    """Compute the share of items with illegal content whose page has wording and help."""
    found = _pages(selection)
    pages = found.read
    parts = tuple(_part(selection, words, flaw, pages) for flaw, words in ILLEGAL.items())
    k, n = _items([one for one in pages if not one.flaws & _all(ILLEGAL)]), _items(pages)
    value = k / n if n else None
    metric = _metric(selection, "illegal_page_wording", value, k, n, parts, found)
    return MeasuredMetric(metric=metric, adverse=_against(pages, ILLEGAL))


def _blocks(selection: Selection, result: GroupResult) -> tuple[ProbeState, ...]:
    return tuple(
        one for one in result.for_probes(selection.measure.probes) if one.state is State.BLOCKED
    )


def _is_https(selection: Selection, block: ProbeState) -> bool:
    return declared(selection.probes, block.probe).only_scheme == "https"


def _is_loaded(block: ProbeState) -> bool:
    """Whether a browser loaded the page in each trial, or found something wrong in one."""
    return not _has(block, BlockFlaw.UNCHECKED) or _has(block, BlockFlaw.INACCESSIBLE)


def _has(block: ProbeState, flaw: BlockFlaw) -> bool:
    return block.flaws is not None and flaw in BlockFlaw(block.flaws)


def _pages(selection: Selection) -> _Pages:
    """Return what was read of block pages, and how many items have a page that was not."""
    read: list[_Seen] = []
    unread = withheld = 0
    for result in selection.results:
        shown = [one for one in _blocks(selection, result) if not _has(one, BlockFlaw.NO_PAGE)]
        known = tuple(one for one in shown if not BlockFlaw(_flaws(one)) & _UNREAD)
        if any(_has(one, BlockFlaw.WITHHELD) for one in shown):
            withheld += result.items
        elif len(known) < len(shown):
            unread += result.items
        if known:
            read.append(_Seen(result, known))
    return _Pages(read, unread, withheld)


def _flaws(block: ProbeState) -> int:
    return BlockFlaw.UNREAD if block.flaws is None else block.flaws


def _items(pages: Iterable[_Seen]) -> int:
    return total(one.result for one in pages)


def _all(flaws: Iterable[BlockFlaw]) -> BlockFlaw:
    joined = BlockFlaw(0)
    for flaw in flaws:
        joined |= flaw
    return joined


def _against(pages: list[_Seen], flaws: Mapping[BlockFlaw, str]) -> tuple[Adverse, ...]:
    wanted = _all(flaws)
    return tuple(one.against(wanted) for one in pages if one.flaws & wanted)


def _part(
    selection: Selection,
    words: str,
    flaw: BlockFlaw,
    pages: list[_Seen],
    *,
    counts_flaws: bool = False,
) -> Part:
    """Return how many items have a page without the flaw, or with it."""
    n, bad = _items(pages), _items(one for one in pages if one.flaws & flaw)
    k = bad if counts_flaws else n - bad
    value = (float(k) if counts_flaws else k / n) if n else None
    unit = "items" if counts_flaws else "share"
    name = selection.measure.metric
    sources = selection.basis.sources
    metric = _metric(selection, name, value, k, n, (), _NONE, unit=unit)
    return Part(group=words, source=sources[0] if sources else Source(), metric=metric)


def _metric(
    selection: Selection,
    name: str,
    value: float | None,
    k: int,
    n: int,
    parts: tuple[Part, ...],
    pages: _Pages,
    *,
    unit: str = "share",
) -> Metric:
    return Metric(
        name=name,
        unit=unit,
        value=value,
        k=k,
        n=n,
        indeterminate=pages.unread,
        lower=value,
        upper=value,
        method=CENSUS,
        alpha=selection.alpha,
        left_out={WITHHELD: pages.withheld} if pages.withheld else {},
        parts=parts,
    )
