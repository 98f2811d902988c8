"""DYN-01 to DYN-05 rest on engines that say whether they are locked: what filters come to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from corpora.origin_pack import OriginPages
from corpora.search_engines import search_engines
from corpora.search_pages import (
    SEARCH_PACK,
    SearchSizes,
    search_pages,
    supplier_lists,
)
from harness.model.corpus import TWIN
from harness.model.outcome import Conformity, Outcome
from harness.model.search_case import LOCK_KINDS, OPT_OUTS, QUERY_FORMS, VIDEO_MODES
from harness.model.verdict import Mechanism, State
from probes.range.faults import Fault, FaultKind
from probes.range.filter import FilterPolicy
from probes.range.testbed import RangeTestbed
from test_suites.kit.campaigns.ranges import (
    POLICY,
    gateway_line,
    pack_campaign,
    world_of,
)
from test_suites.kit.campaigns.rehearsal import Rehearsal, rehearse

FEW = 5
"""Queries of each form: five of five show a rate of 80 % at a level of 0.33."""
SIZES = SearchSizes(repeats=2, queries=FEW, twins=2, categories=("DRUG",))
PAGES = search_pages("search", (), SIZES)
OVER_HTTPS = frozenset(
    row["registrable"] for row in PAGES.rows if row["value"].startswith("https:")
)
LISTS = supplier_lists(PAGES)
SCHEME = """\
id: our-school
version: "1.0"
title: What searches show
policy: uk-schools-2026
decision: {alpha: 0.33}
requirements:
  - {id: DYN-01}
  - {id: DYN-02}
  - {id: DYN-03}
  - {id: DYN-04, n_min: 5, threshold: {at_least: 0.8, provenance: proposed, source: a test}}
  - {id: DYN-05, n_min: 5, threshold: {at_most: 0.2, provenance: proposed, source: a test}}
"""
WITHOUT_LOCK, VIDEO_SITES = 4, 3
SEARCHES = ("DYN-01", "DYN-02", "DYN-03", "DYN-04", "DYN-05")
Try = Callable[..., Rehearsal]
CONFORMS, FAILS, OPEN = (
    Conformity.CONFORMS, Conformity.DOES_NOT_CONFORM, Conformity.INSUFFICIENT,
)  # fmt: skip


def hosts(variant: str) -> frozenset[str]:
    """The hosts of the cases whose names begin so."""
    return frozenset(
        row["registrable"]
        for row in PAGES.rows
        if row["stratum"].partition("/")[2].startswith(variant)
    )


world = world_of(
    PAGES,
    gateway=True,
    profiles=("ks2",),
    policy=FilterPolicy(
        blocks=lambda code, profile: POLICY.expects(code, profile) == "block",
        categories=LISTS.without_lock,
        engines=LISTS.engines,
        terms=LISTS.terms,
    ),
)
"""A filter that was told of the engines and terms."""


@pytest.fixture
def tried(world: RangeTestbed, tmp_path: Path) -> Iterator[Try]:
    """Measure and conclude a campaign of searches over a gateway and its name server."""

    def run(*faults: Fault, pages: OriginPages = PAGES, opens_tls: bool = True) -> Rehearsal:
        intercept = Fault(kind=FaultKind.INTERCEPT, hosts=OVER_HTTPS, service="gateway")
        for fault in (*([intercept] if opens_tls else []), *faults):
            world.faults.add(fault)
        server = world.origin.services["reference"]["resolver"]["ks2"]
        line = gateway_line(world, tmp_path, profile="ks2", server=server)
        probes = ["web", "web_https", "dns"]
        return rehearse(
            pack_campaign(tmp_path, world, SEARCH_PACK, pages, SCHEME, lines=[line], probes=probes)
        )

    yield run
    world.faults.clear()


def ends(run: Rehearsal) -> dict[str, Conformity]:
    return {name: run.outcome(name, "gateway").conformity for name in SEARCHES}


def outcome(run: Rehearsal, name: str) -> Outcome:
    return run.outcome(name, "gateway")


def states(run: Rehearsal, *variants: str) -> set[Mechanism]:
    """How the harmful items of some cases were stopped."""
    return {
        one.mechanism
        for one in run.verdicts
        if one.item.stratum.partition("/")[2].startswith(variants)
        and not one.item.stratum.startswith(TWIN)
        and not one.is_blind
        and (one.key.probe == "dns" or "@" not in one.item.stratum)
    }


def unread(*variants: str) -> Fault:
    """A filter that neither locks nor reads requests to the hosts of some cases."""
    named = frozenset[str]().union(*map(hosts, variants))
    return Fault(kind=FaultKind.UNREAD, hosts=named)


def test_a_filter_that_locks_engines_and_knows_the_terms_conforms(tried: Try) -> None:
    run = tried()

    assert ends(run) == dict.fromkeys(SEARCHES, CONFORMS)
    engines = len(search_engines()) - WITHOUT_LOCK - VIDEO_SITES
    assert outcome(run, "DYN-01").metric.n == engines + len(OVER_HTTPS)
    assert {part.group for part in outcome(run, "DYN-04").metric.parts} == {*QUERY_FORMS.values()}
    assert states(run, "lock:", "optout:", "video:", "results:") == {Mechanism.SAFE_MODE}
    assert Mechanism.SAFE_MODE not in states(run, "open:", "query:")
    assert {one.state for one in run.verdicts if one.item.category.startswith("ALW")} == {
        State.ALLOWED
    }


def test_an_engine_a_film_and_a_form_of_queries_left_open_do_not_conform(tried: Try) -> None:
    run = tried(unread("lock:dns:SV-018", "video:strict:SV-012", "query:homoglyph"))

    broken = {"DYN-01": FAILS, "DYN-03": FAILS, "DYN-04": FAILS}
    assert ends(run) == dict.fromkeys(SEARCHES, CONFORMS) | broken
    locked = outcome(run, "DYN-01").metric
    assert locked.k == locked.n - 1
    assert QUERY_FORMS["homoglyph"] in outcome(run, "DYN-04").metric.method
    assert {one.category for one in outcome(run, "DYN-03").witnesses} == {"ADLT"}


def test_a_way_to_turn_a_lock_off_an_open_engine_and_shown_results_do_not_conform(
    tried: Try,
) -> None:
    missed = Fault(kind=FaultKind.MISS, hosts=hosts("open:SV-026"))
    run = tried(unread("optout:cookie:own", "results:first"), missed)

    broken = {"DYN-02": FAILS, "DYN-03": FAILS, "DYN-05": FAILS}
    assert ends(run) == dict.fromkeys(SEARCHES, CONFORMS) | broken
    assert outcome(run, "DYN-02").metric.value == 1
    assert outcome(run, "DYN-05").metric.value == 1


def test_a_filter_that_does_not_open_tls_leaves_engines_unlocked(tried: Try) -> None:
    rows = tuple(row for row in PAGES.rows if "/lock:" in row["stratum"])
    run = tried(pages=replace(PAGES, rows=rows), opens_tls=False)

    locked = outcome(run, "DYN-01")
    assert locked.conformity is FAILS
    assert locked.metric.n - locked.metric.k == len(OVER_HTTPS)


def test_a_filter_that_blocks_every_engine_conforms_to_nothing(tried: Try) -> None:
    run = tried(Fault(kind=FaultKind.OVERBLOCK, hosts=frozenset(PAGES.texts)))

    assert ends(run) == dict.fromkeys(SEARCHES, OPEN)
    assert outcome(run, "DYN-01").metric.n == 0


def test_cases_that_are_not_tried_decide_nothing(tried: Try) -> None:
    left_out = ("lock:cookie", "optout:twice", "video:moderate", "query:language", "results:")
    rows = tuple(
        row for row in PAGES.rows if not row["stratum"].partition("/")[2].startswith(left_out)
    )
    run = tried(pages=replace(PAGES, rows=rows))

    assert ends(run) == dict.fromkeys(SEARCHES, OPEN)
    reasons = {name: " ".join(outcome(run, name).reasons) for name in SEARCHES}
    assert LOCK_KINDS["cookie"] in reasons["DYN-01"]
    assert OPT_OUTS["twice"] in reasons["DYN-02"]
    assert VIDEO_MODES["moderate"] in reasons["DYN-03"]
    assert QUERY_FORMS["language"] in reasons["DYN-04"]
