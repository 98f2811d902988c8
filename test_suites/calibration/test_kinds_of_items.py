"""Campaigns with agreed, real and content items on the test range, and their outcomes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from corpora.build_pack import import_pack
from corpora.content_pages import CONTENT_PACK, content_pages
from corpora.origin_pack import write_origin_pack
from corpora.pack_reader import open_pack
from corpora.sampler import sample_pack
from corpora.synthetic_sites import vendor_list, write_vendor_list
from harness.model.outcome import Conformity, Outcome
from probes.range.faults import Fault, FaultKind
from probes.range.filter import FilterPolicy
from probes.range.testbed import RangeTestbed
from test_suites.kit.campaigns.ranges import is_blocked, origin_file, proxy_line, world_of
from test_suites.kit.campaigns.rehearsal import Rehearsal, rehearse, write_campaign

CREATED = "2026-01-01T00:00:00Z"
FEW = 10
"""Items of each kind and category: ten of ten show a rate of 90 % at a level of 0.4."""
PAGES = content_pages(
    "a secret of this test", ("DRUG", "VIOL"), FEW, of_form=5, of_recipe=0, of_viewer=0
)
Try = Callable[..., Rehearsal]

SCHEME = """\
id: our-school
version: "1.0"
title: Drugs, violence and what pages say
policy: uk-schools-2026
decision: {alpha: 0.4}
requirements: [{id: URL-02, n_min: 10}, {id: URL-04, n_min: 10}, {id: DYN-06, n_min: 5}]
"""


world = world_of(
    PAGES,
    policy=FilterPolicy.from_items(open_pack("canary").items(), is_blocked, own=vendor_list()),
)
"""A filter that was told the agreed list, knows a vendor's sites, and reads pages."""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a hidden pack of real items, and of one of content pages."""
    folder = tmp_path_factory.mktemp("packs")
    import_pack("labelled", write_vendor_list(folder / "l.csv"), folder / "vendor", created=CREATED)
    vendor = open_pack(str(folder / "vendor"))
    sample_pack(
        vendor, out=folder / "real", seed="s", size=FEW, categories=("DRUG", "VIOL"),
        audience="sealed",
    )  # fmt: skip
    write_origin_pack(CONTENT_PACK, PAGES, folder / "pages", "s", CREATED)
    return folder


@pytest.fixture
def packs(written: Path) -> dict[str, dict[str, Any]]:
    """Selections of each kind: agreed, real (hidden), and content."""
    return {
        "agreed": {"pack": "canary", "categories": ["DRUG", "VIOL"], "sample": FEW},
        "real": {"pack": str(written / "real")},
        "content": {"pack": str(written / "pages")},
    }


@pytest.fixture
def tried(world: RangeTestbed, packs: dict[str, dict[str, Any]], tmp_path: Path) -> Iterator[Try]:
    """Measure and conclude a campaign with items of the named kinds."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run/scheme.yaml").write_text(SCHEME)

    def run(*kinds: str, **more: Any) -> Rehearsal:
        declared: dict[str, Any] = {"corpora": [packs[kind] for kind in kinds]}
        declared |= {"scheme": "scheme.yaml"}
        path = write_campaign(
            tmp_path / "run",
            origin=origin_file(world),
            lines=[proxy_line(world)],
            **declared,
            **more,
        )
        return rehearse(path)

    yield run
    world.faults.clear()


def said(outcome: Outcome) -> tuple[Conformity, str, str]:
    return outcome.conformity, outcome.kind, outcome.qualifier


CONFORMS, FAILS, INSUFFICIENT = (
    Conformity.CONFORMS,
    Conformity.DOES_NOT_CONFORM,
    Conformity.INSUFFICIENT,
)


def test_a_good_service_conforms_on_all_three_kinds(tried: Try) -> None:
    run = tried("agreed", "real", "content")

    assert said(run.outcome("URL-04", "proxy")) == (CONFORMS, "real", "")
    assert said(run.outcome("DYN-06", "proxy")) == (CONFORMS, "content", "")
    assert (run.assessment.exit_code, run.assessment.qualifier) == (0, "")
    names = [part.name for part in run.outcome("URL-04", "proxy").metric.parts]
    assert names == ["DRUG, agreed items", "DRUG, hidden real items"]


def test_a_service_that_knows_the_agreed_list_alone_does_not_conform(
    tried: Try, world: RangeTestbed
) -> None:
    world.faults.add(Fault(kind=FaultKind.MISS, hosts=frozenset(vendor_list())))

    run = tried("agreed", "real")

    assert said(run.outcome("URL-04", "proxy")) == (FAILS, "real", "")
    assert "hidden real items" in run.outcome("URL-04", "proxy").metric.method


def test_with_agreed_items_only_the_outcome_is_limited_to_the_agreed_list(
    tried: Try, world: RangeTestbed
) -> None:
    world.faults.add(Fault(kind=FaultKind.MISS, hosts=frozenset(vendor_list())))

    run = tried("agreed")

    assert said(run.outcome("URL-04", "proxy")) == (CONFORMS, "agreed", "agreed list only")
    assert run.outcome("DYN-06", "proxy").conformity is INSUFFICIENT
    assert run.assessment.exit_code == 3


def test_a_service_that_ignores_page_content_fails_the_content_requirement(
    tried: Try, world: RangeTestbed
) -> None:
    world.faults.add(Fault(kind=FaultKind.UNREAD))

    run = tried("agreed", "real", "content")

    assert said(run.outcome("DYN-06", "proxy")) == (FAILS, "content", "")
    assert said(run.outcome("URL-04", "proxy")) == (CONFORMS, "real", "")


def test_a_category_without_hidden_items_is_limited_to_the_agreed_list(
    tried: Try, packs: Any
) -> None:
    packs["real"] = packs["real"] | {"categories": ["DRUG"]}

    run = tried("agreed", "real")

    assert run.outcome("URL-04", "proxy").conformity is CONFORMS
    violence = run.outcome("URL-02", "proxy")
    assert said(violence) == (CONFORMS, "agreed", "agreed list only")
    assert run.assessment.exit_code == 3
