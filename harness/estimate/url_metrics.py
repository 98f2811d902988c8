"""Metrics of web addresses: the cases of ``harness.model.url_case``.

A page is handled as required if it is blocked where the policy says so, and allowed where the
policy says that. Each metric counts both kinds of pages, so that a service which blocks a whole
case, such as every image, does not conform. Each case that a requirement names must be tried.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace

from harness.estimate import rates
from harness.estimate.cases import open_cases
from harness.estimate.item_selection import Selection
from harness.estimate.outcome_groups import GroupResult
from harness.estimate.rates import MeasuredMetric
from harness.estimate.worst_group import worst_of
from harness.model.content_form import variant_of
from harness.model.corpus import TWIN
from harness.model.scheme import Expectation
from harness.model.url_case import (
    ADDRESSES,
    DEEP_PAGES,
    MEDIA,
    NEW_SITES,
    OBJECTS,
    PORTS,
    SEGMENTS,
    TEMPLATES,
)
from harness.model.verdict import State

HARMLESS = "harmless pages"


def addresses_differing(selection: Selection) -> MeasuredMetric:
    """Count the ways of addressing a page by which one is handled otherwise than required.

    Harmful pages and harmless ones are separate cases, and each must be tried in each way.
    """
    words = {name: f"harmful pages {case}" for name, case in ADDRESSES.items()}
    words |= {TWIN + name: f"{HARMLESS} {case}" for name, case in ADDRESSES.items()}
    return open_cases(
        replace(selection, results=_asked(selection, ADDRESSES)),
        "addresses_differing",
        words,
        case_of=_case_of,
        count=rates.mishandled,
    )


def segment_ports_open(selection: Selection) -> MeasuredMetric:
    """Count the ports of a line's network segment at which a harmful page got through.

    A UDP port is stopped only where the page arrived by it on the control line; a line that carries
    no UDP leaves it undecided. Cases that cannot be tried here are wanted all the same: each
    segment and medium of a school's network that no line of the campaign is in. A line that uses a
    proxy by its own setting shows nothing of clients without that setting.
    """
    lines = selection.campaign.lines if selection.campaign else ()
    here = next((one for one in lines if one.name == selection.line), None)
    segments = {one.segment for one in lines}
    media = {one.medium for one in lines}
    untried = [f"segment {name}" for name in SEGMENTS if name not in segments]
    untried += [f"a {name} line" for name in MEDIA if name not in media]
    if here is None or here.segment is None:
        untried.append("the segment of this line, which the campaign file does not name")
    if here is not None and here.type in SET_AT_CLIENT:
        untried.append("a client without a proxy setting")
    harmful = tuple(
        each for each in _asked(selection, PORTS) if not each.group.stratum.startswith(TWIN)
    )
    return open_cases(
        replace(selection, results=harmful), "segment_ports_open", PORTS, untried=untried
    )


SET_AT_CLIENT = ("explicit_proxy", "pac")
"""Types of lines that clients only use if they are set to."""


def block_rate_by_population(selection: Selection) -> MeasuredMetric:
    """Compute the block rate of the worst stratum.

    Sites that many visit, sites that few visit, and sites that are not in English must be among
    the items; their strata and languages tell (``corpora.ranks``).
    """
    tried: set[str] = set()
    for each in selection.results:
        if each.states() & {State.BLOCKED, State.ALLOWED}:
            tried |= set(each.group.stratum.split("/")[1:])
            tried |= {FOREIGN} if each.group.lang[:2].lower() not in ("", "en") else set()
    missing = [words for words, bands in POPULATIONS.items() if not tried & bands]
    measured = worst_of(
        selection,
        rates.block_rate,
        lambda result: result.group.stratum or result.category,
        missing,
    )
    return _named(measured, "block_rate_by_population")


FOREIGN = "not in English"
POPULATIONS = {
    "sites that many visit": {"top1k", "top10k"},
    "sites that few visit": {"top1m", "unranked"},
    "sites that are not in English": {FOREIGN},
}
"""Sites that must be among the items, and how strata name them."""


def sub_resource_block_rate(selection: Selection) -> MeasuredMetric:
    """Compute the share of objects handled as required: of blocked pages, and of harmless ones."""
    return _handled(selection, "sub_resource_block_rate", OBJECTS)


def deep_page_block_rate(selection: Selection) -> MeasuredMetric:
    """Compute the share of pages of users handled as required.

    Each harmful page has a harmless one on the same host: to block the host is no filtering below
    the level of the host.
    """
    return _handled(selection, "deep_page_block_rate", DEEP_PAGES)


def uncategorised_compliance(selection: Selection) -> MeasuredMetric:
    """Compute the share of new sites handled as the campaign declares that the service does.

    Without a declaration nothing counts. With ``allow`` only harmless sites do, because a service
    may still block a new site by its content.
    """
    service = selection.service
    declared = service.new_sites if service else None
    cases = NEW_SITES if declared != "allow" else {"new:plain": NEW_SITES["new:plain"]}
    results = _of_cases(selection, cases) if declared else ()
    if declared == "scan":
        results = tuple(
            each
            for each in results
            if variant_of(each.group.stratum) == "new:plain"
            or selection.expects(each.category) == "block"
        )

    def expects(result: GroupResult) -> Expectation:
        if declared == "scan":
            is_plain = variant_of(result.group.stratum) == "new:plain"
            return "allow" if is_plain else "block"
        return "block" if declared == "block" else "allow"

    narrowed = replace(selection, results=results)
    measured = worst_of(
        narrowed,
        lambda part: rates.handled_rate(part, expects),
        lambda result: cases[variant_of(result.group.stratum)],
        cases.values() if declared else ("what the service does with new sites, as declared",),
    )
    return _named(measured, "uncategorised_compliance")


def trigger_overblock_rate(selection: Selection) -> MeasuredMetric:
    """Compute the share of harmless pages with suspicious words that were blocked.

    All templates count together: one that is blocked as a whole shows in their rate.
    """
    results = _of_cases(selection, TEMPLATES)
    wanted = ("pages with suspicious words", *_untried(results, TEMPLATES))
    measured = worst_of(
        replace(selection, results=results), rates.overblock_rate, lambda _: wanted[0], wanted
    )
    return _named(measured, "trigger_overblock_rate")


def _handled(selection: Selection, name: str, cases: Mapping[str, str]) -> MeasuredMetric:
    """Compute the worse of two rates: harmful pages of the cases blocked, harmless ones allowed."""
    results = _asked(selection, cases)

    def group(result: GroupResult) -> str:
        return HARMLESS if result.group.stratum.startswith(TWIN) else "harmful pages"

    untried = [
        f"{kind}: {case}"
        for kind in ("harmful pages", HARMLESS)
        for case in _untried((each for each in results if group(each) == kind), cases)
    ]
    measured = worst_of(
        replace(selection, results=results),
        lambda part: rates.handled_rate(part, _expected(part)),
        group,
        ("harmful pages", HARMLESS, *untried),
    )
    return _named(measured, name)


def _expected(selection: Selection) -> Callable[[GroupResult], Expectation | None]:
    return lambda result: selection.expects(result.category)


def _of_cases(selection: Selection, cases: Collection[str]) -> tuple[GroupResult, ...]:
    return tuple(each for each in selection.results if variant_of(each.group.stratum) in cases)


def _asked(selection: Selection, cases: Collection[str]) -> tuple[GroupResult, ...]:
    """Return the results of cases: harmful pages to block, and harmless ones to allow."""
    return tuple(
        each
        for each in _of_cases(selection, cases)
        if selection.expects(each.category)
        == ("allow" if each.group.stratum.startswith(TWIN) else "block")
    )


def _untried(results: Iterable[GroupResult], cases: Mapping[str, str]) -> tuple[str, ...]:
    """Return the cases, in words, of which no item was decided."""
    decided = {
        variant_of(each.group.stratum)
        for each in results
        if each.states() & {State.BLOCKED, State.ALLOWED}
    }
    return tuple(words for name, words in cases.items() if name not in decided)


def _case_of(result: GroupResult) -> str:
    """Return the case of an item; harmless twins have cases of their own."""
    stratum = result.group.stratum
    return (TWIN if stratum.startswith(TWIN) else "") + variant_of(stratum)


def _named(measured: MeasuredMetric, name: str) -> MeasuredMetric:
    return replace(measured, metric=replace(measured.metric, name=name))
