"""ILL-01 to ILL-04, ILL-06 and OVB-06 rest on a list that the supplier loads: what each fault comes to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from corpora.illegal_pages import (
    ILLEGAL_PACK,
    illegal_pages,
    several_addressed,
    supplier_list,
)
from corpora.origin_pack import OriginPages
from harness.model.listed_page import HARD_CASES, case_of
from harness.model.outcome import Conformity, Outcome
from probes.range.faults import Fault, FaultKind
from probes.range.filter import FilterPolicy
from probes.range.testbed import RangeTestbed
from probes.range.url_list import Defect, UrlList
from test_suites.kit.campaigns.ranges import gateway_range, is_blocked, pack_campaign
from test_suites.kit.campaigns.rehearsal import Rehearsal, rehearse

FEW = 6
PAGES = illegal_pages("illegal", siblings=FEW, pairs=2, canaries=2)
SUPPLIER = supplier_list(PAGES)
SCHEME = """\
id: our-school
version: "1.0"
title: Lists of illegal addresses
policy: uk-schools-2026
requirements:
  - {id: ILL-01}
  - {id: ILL-02}
  - {id: ILL-03, n_min: 6}
  - {id: ILL-04}
  - {id: ILL-06}
  - {id: OVB-06}
"""
ALL = {"ILL-01", "ILL-02", "ILL-03", "ILL-04", "ILL-06", "OVB-06"}
ATTEMPTS = [
    {
        "role": role,
        "action": action,
        "profiles": ["pupils"],
        "canaries": ["override-01", "override-03"],
        "on": "2026-11-27",
    }
    for role in ("head teacher", "technician")
    for action in ("allow_list", "turn_off")
]
OVERRIDES: dict[str, Any] = {"roles": ["head teacher", "technician"], "attempts": ATTEMPTS}
Try = Callable[..., Rehearsal]


def hosts(case: str, *, twins: bool | None = None) -> frozenset[str]:
    """The hosts of a case; of its listed sites or their neighbours alone, if ``twins`` says so."""
    return frozenset(
        row["registrable"]
        for row in PAGES.rows
        if case_of(row["stratum"]).case == case
        and twins in (None, row["stratum"].startswith("twin:"))
    )


@pytest.fixture(scope="module")
def urls() -> UrlList:
    return UrlList(SUPPLIER.urls)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, urls: UrlList) -> Iterator[RangeTestbed]:
    """A filter that has loaded the list; its gateway can open TLS."""
    policy = replace(
        FilterPolicy.from_items(SUPPLIER.sites, is_blocked),
        urls=urls,
    )
    folder = tmp_path_factory.mktemp("world")
    with gateway_range(folder, PAGES, policy, several=several_addressed(PAGES)) as world:
        yield world


@pytest.fixture
def tried(world: RangeTestbed, urls: UrlList, tmp_path: Path) -> Iterator[Try]:
    """Measure and conclude a campaign of illegal pages over the gateway."""

    def run(
        pages: OriginPages = PAGES,
        *,
        defects: Iterable[Defect] = (),
        opens_tls: bool = True,
        probes: tuple[str, ...] = ("web", "web_https"),
        faults: tuple[Fault, ...] = (),
        overrides: dict[str, Any] | None = OVERRIDES,
    ) -> Rehearsal:
        urls.defects = set(defects)
        if opens_tls:
            unblocked = frozenset(PAGES.texts) - {one.host for one in SUPPLIER.sites}
            world.faults.add(Fault(kind=FaultKind.INTERCEPT, hosts=unblocked, service="gateway"))
        for fault in faults:
            world.faults.add(fault)
        more: dict[str, Any] = {"overrides": overrides} if overrides else {}
        return rehearse(
            pack_campaign(tmp_path, world, ILLEGAL_PACK, pages, SCHEME, probes=list(probes), **more)
        )

    yield run
    world.faults.clear()


def outcome(run: Rehearsal, requirement: str) -> Outcome:
    return run.outcome(requirement, "gateway")


def conforming(run: Rehearsal) -> set[str]:
    return {
        one.requirement.id
        for one in run.assessment.outcomes
        if one.conformity is Conformity.CONFORMS
    }


def test_a_filter_that_matches_every_entry_and_nothing_else_conforms(tried: Try) -> None:
    run = tried()

    assert conforming(run) == ALL, {one.id: one.reasons for one in run.assessment.outcomes}
    assert outcome(run, "ILL-03").metric.n == 2 * FEW
    assert outcome(run, "ILL-04").metric.n == 2 * (len(HARD_CASES) + 3)
    assert len(outcome(run, "ILL-04").metric.parts) == 2 * len(HARD_CASES)
    assert outcome(run, "OVB-06").metric.n == 4
    assert outcome(run, "ILL-06").metric.n == 2


def test_list_entries_are_sent_exactly_as_written(tried: Try, world: RangeTestbed) -> None:
    tried(opens_tls=False)
    sent = {(arrival.over, arrival.host, arrival.path) for arrival in world.log.arrivals()}

    hard = [row for row in PAGES.rows if case_of(row["stratum"]).case in HARD_CASES]
    written = {
        (scheme, row["registrable"], "/" + rest.partition("/")[2])
        for row in hard
        for scheme, _, rest in [row["value"].partition("://")]
    }
    assert written <= sent
    on_the_way = {(scheme, host) for scheme, host, path in sent - written if path[-2:-1] != "/"}
    assert not on_the_way & {(scheme, host) for scheme, host, _ in written}


def test_entries_that_a_filter_cannot_match_do_not_conform(tried: Try) -> None:
    defects: tuple[Defect, ...] = ("long", "space", "colon", "query", "percent")
    missed = Fault(kind=FaultKind.MISS, hosts=hosts("hard:redirected"))
    run = tried(defects=defects, faults=(missed,))

    hard = outcome(run, "ILL-04")
    assert hard.conformity is Conformity.DOES_NOT_CONFORM
    open_ = {part.group for part in hard.metric.parts if part.metric.k}
    cases = (*(f"hard:{defect}" for defect in defects), "hard:very-long", "hard:redirected")
    assert open_ == {
        f"entries {HARD_CASES[case]} over {scheme}"
        for case in cases
        for scheme in ("HTTP", "HTTPS")
    }
    assert outcome(run, "ILL-01").conformity is Conformity.DOES_NOT_CONFORM
    assert conforming(run) == ALL - {"ILL-01", "ILL-04"}


def test_a_filter_that_blocks_the_whole_site_of_a_listed_page_does_not_conform(tried: Try) -> None:
    run = tried(defects=["whole_site"])

    assert outcome(run, "ILL-03").conformity is Conformity.DOES_NOT_CONFORM
    assert outcome(run, "ILL-03").metric.k == 2 * FEW
    assert conforming(run) == ALL - {"ILL-03"}


def test_a_filter_that_does_not_open_tls_cannot_show_that_it_spares_other_pages(tried: Try) -> None:
    run = tried(opens_tls=False)

    assert outcome(run, "ILL-01").conformity is Conformity.DOES_NOT_CONFORM
    assert outcome(run, "ILL-04").conformity is Conformity.DOES_NOT_CONFORM
    assert outcome(run, "ILL-03").conformity is Conformity.INSUFFICIENT
    assert "were not blocked" in " ".join(outcome(run, "ILL-03").reasons)
    assert outcome(run, "OVB-06").conformity is Conformity.CONFORMS


def test_a_filter_that_blocks_by_address_does_not_conform(tried: Try) -> None:
    neighbours = hosts("address", twins=True)
    run = tried(faults=(Fault(kind=FaultKind.PAGE_403, hosts=neighbours),))

    assert outcome(run, "OVB-06").conformity is Conformity.DOES_NOT_CONFORM
    assert outcome(run, "OVB-06").metric.k == len(neighbours)
    assert conforming(run) == ALL - {"OVB-06"}


def test_a_service_that_loaded_no_list_shows_nothing_by_blocking_nothing(tried: Try) -> None:
    run = tried(faults=(Fault(kind=FaultKind.OFF),))

    assert not conforming(run)
    for requirement in ("ILL-02", "ILL-04"):
        assert outcome(run, requirement).conformity is Conformity.INSUFFICIENT


def test_a_service_that_blocks_everything_spares_nothing(tried: Try) -> None:
    run = tried(faults=(Fault(kind=FaultKind.PAGE_403, hosts=frozenset(PAGES.texts)),))

    assert {"ILL-03", "OVB-06"} & conforming(run) == set()
    assert outcome(run, "ILL-03").conformity is Conformity.DOES_NOT_CONFORM
    assert outcome(run, "OVB-06").conformity is Conformity.DOES_NOT_CONFORM


def test_a_canary_that_a_role_could_open_does_not_conform(tried: Try) -> None:
    (opened,) = {row["registrable"] for row in PAGES.rows if row["id"] == "override-03"}
    run = tried(faults=(Fault(kind=FaultKind.MISS, hosts=frozenset({opened})),))

    lifted = outcome(run, "ILL-06")
    assert lifted.conformity is Conformity.DOES_NOT_CONFORM
    assert [one.item for one in lifted.witnesses] == ["override-03"]
    assert outcome(run, "ILL-02").conformity is Conformity.DOES_NOT_CONFORM


@pytest.mark.parametrize(
    ("overrides", "reason"),
    [
        (None, "the campaign records no attempt of a school role to lift a block for pupils"),
        (
            OVERRIDES | {"attempts": ATTEMPTS[:3]},
            "technician, turning the block off, ILL.CSAM, agreed items: not tried",
        ),
    ],
    ids=["no record", "one action missing"],
)
def test_without_a_record_of_each_role_and_action_overrides_decide_nothing(
    tried: Try, overrides: dict[str, Any] | None, reason: str
) -> None:
    run = tried(overrides=overrides, probes=("web",))

    assert outcome(run, "ILL-06").conformity is Conformity.INSUFFICIENT
    assert reason in "; ".join(outcome(run, "ILL-06").reasons)
    assert conforming(run) == set()
    assert "over HTTPS, agreed items: not tried" in "; ".join(outcome(run, "ILL-01").reasons)
