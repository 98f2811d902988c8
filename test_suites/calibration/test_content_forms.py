"""DYN-06 rests on pages in every ordinary form: what a filter that cannot read one comes to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from corpora.content_pages import ADDED, CONTENT_PACK, IMAGES, content_pages
from corpora.origin_pack import OriginPages
from harness.model.content_form import FORMS, VIEWERS, form_of, variant_of
from harness.model.outcome import Conformity, Outcome
from harness.model.verdict import State
from probes.range import origin_pages
from probes.range.faults import Fault, FaultKind
from probes.range.testbed import RangeTestbed
from test_suites.kit.campaigns.ranges import pack_campaign, world_of
from test_suites.kit.campaigns.rehearsal import Rehearsal, rehearse

FEW = 4
"""Pages of each ordinary form: four of four show a rate of 80 % at a level of 0.45."""
PAGES = content_pages("forms", ("DRUG",), FEW, of_form=FEW, of_recipe=1, of_viewer=2)
DISGUISES = {form.name for form in FORMS.values() if form.family == "disguise"}
ORDINARY = {"", *(form.name for form in FORMS.values() if form.family == "ordinary")}
"""Plain pages, and all forms that count."""
SCHEME = """\
id: our-school
version: "1.0"
title: What pages say
policy: uk-schools-2026
decision: {alpha: 0.45}
requirements: [{id: DYN-06, n_min: 4}, {id: DYN-08}, {id: DYN-07}]
"""
Try = Callable[..., Rehearsal]


def hosts(*forms: str) -> frozenset[str]:
    """The hosts of the pages in some forms; of all pages, if none is named."""
    return frozenset(
        host for host, page in PAGES.contents.items() if not forms or page.form in forms
    )


def in_forms(*forms: str) -> OriginPages:
    """The pages in some forms; one of each disguise, which counts for nothing, and one twin."""
    kept = []
    counted: Counter[tuple[str, str]] = Counter()
    for row in PAGES.rows:
        form, code = variant_of(row["stratum"]), row["labels"]
        counted[form, code] += 1
        one_is_enough = form in DISGUISES or code.startswith("ALW")
        if form in forms and (counted[form, code] == 1 or not one_is_enough):
            kept.append(row)
    return replace(PAGES, rows=tuple(kept))


EVERY_FORM = {variant_of(row["stratum"]) for row in PAGES.rows}


world = world_of(PAGES, gateway=True)
"""A filter that knows no host, and reads pages; its gateway opens TLS."""


@pytest.fixture
def tried(world: RangeTestbed, tmp_path: Path) -> Iterator[Try]:
    """Measure and conclude a campaign of content pages over the gateway."""

    def run(
        pages: OriginPages,
        *,
        opens_tls: bool = True,
        fault: Fault | None = None,
        probes: Sequence[str] = ("web_https",),
    ) -> Rehearsal:
        if opens_tls:
            world.faults.add(Fault(kind=FaultKind.INTERCEPT, hosts=hosts(), service="gateway"))
        if fault is not None:
            world.faults.add(fault)
        written = pack_campaign(tmp_path, world, CONTENT_PACK, pages, SCHEME, probes=list(probes))
        return rehearse(written)

    yield run
    world.faults.clear()


def content(run: Rehearsal) -> Outcome:
    return run.outcome("DYN-06", "gateway")


def viewers(run: Rehearsal) -> Outcome:
    return run.outcome("DYN-08", "gateway")


def states(run: Rehearsal, forms: Collection[str]) -> set[State]:
    """The states of harmful pages in some forms."""
    return {
        verdict.state
        for verdict in run.verdicts
        if verdict.item.category == "DRUG"
        and (form := form_of(verdict.item.stratum)) is not None
        and form.name in forms
    }


def test_a_filter_that_reads_every_form_conforms(tried: Try) -> None:
    run = tried(in_forms(*EVERY_FORM), probes=("web", "web_https"))

    assert content(run).conformity is Conformity.CONFORMS
    assert states(run, FORMS) == {State.BLOCKED}
    assert viewers(run).conformity is Conformity.CONFORMS
    assert viewers(run).metric.n == len(VIEWERS)
    images = run.outcome("DYN-07", "gateway")
    assert (images.metric.k, images.metric.n) == (IMAGES, IMAGES)
    twins = {one.state for one in run.verdicts if one.item.category.startswith("ALW")}
    assert twins == {State.ALLOWED}


def test_a_pack_without_the_forms_that_were_added_decides_the_same(tried: Try) -> None:
    run = tried(in_forms(*ORDINARY.union(DISGUISES).difference(ADDED)))

    assert content(run).conformity is Conformity.CONFORMS
    assert not states(run, ADDED)


@pytest.mark.parametrize("form", ["br", "frame"])
def test_a_filter_that_cannot_read_one_ordinary_form_does_not_conform(
    tried: Try, form: str
) -> None:
    unread = Fault(kind=FaultKind.UNREAD, hosts=hosts(form))
    run = tried(in_forms(*ORDINARY), fault=unread)

    assert content(run).conformity is Conformity.DOES_NOT_CONFORM
    assert FORMS[form].words in content(run).metric.method
    assert states(run, {form}) == {State.ALLOWED}


def test_a_viewer_that_gets_through_does_not_conform_and_disguises_count_for_nothing(
    tried: Try,
) -> None:
    unread = Fault(kind=FaultKind.UNREAD, hosts=hosts("viewer:archive", *DISGUISES))
    pages = in_forms(*ORDINARY, *DISGUISES, *VIEWERS)
    run = tried(pages, fault=unread, probes=("web", "web_https"))

    assert content(run).conformity is Conformity.CONFORMS
    assert states(run, DISGUISES) == {State.ALLOWED}
    assert viewers(run).conformity is Conformity.DOES_NOT_CONFORM
    assert viewers(run).metric.value == 1
    assert {one.category for one in viewers(run).witnesses} == {"DRUG"}


def test_a_filter_that_does_not_open_tls_does_not_conform(tried: Try) -> None:
    run = tried(in_forms("", "br", "zstd"), opens_tls=False, probes=("web", "web_https"))

    assert content(run).conformity is Conformity.DOES_NOT_CONFORM
    assert states(run, {"br", "zstd"}) == {State.ALLOWED}


def test_without_pages_in_every_form_nothing_is_decided(tried: Try) -> None:
    run = tried(in_forms(""))

    assert viewers(run).conformity is Conformity.INSUFFICIENT
    assert content(run).conformity is Conformity.INSUFFICIENT
    assert "compressed with gzip" in " ".join(content(run).reasons)


def test_a_coding_that_never_arrives_on_the_control_decides_nothing(
    tried: Try, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        origin_pages, "is_acceptable", lambda form, _: not (form in FORMS and FORMS[form].coding)
    )
    run = tried(in_forms(*ORDINARY, "twice-gzip", "x-gzip"))

    assert content(run).conformity is Conformity.INSUFFICIENT
    assert FORMS["gzip"].words in " ".join(content(run).reasons)
    assert states(run, {"gzip", "twice-gzip", "x-gzip"}) == {State.DOWN}
