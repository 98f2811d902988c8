"""What the metrics of block pages come to where the reference filter keeps each rule, or breaks it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from corpora.pack_reader import open_pack
from harness.model.facts import BrowserCheck
from harness.model.outcome import Conformity, Outcome
from probes.clients import browser_check
from probes.range.faults import Fault, FaultKind
from probes.range.filter import FilterPolicy
from probes.range.testbed import RangeTestbed
from test_suites.kit.campaigns.ranges import PATIENT, gateway_line, is_blocked, origin_file
from test_suites.kit.campaigns.rehearsal import Rehearsal, rehearse, write_campaign

CATEGORIES = ("GAMB", "ILL.CSAM")
FEW = 5
"""Items of each category: ten of ten show a rate of 80 % at a level of 0.2."""
SCHEME = """\
id: our-school
version: "1.0"
title: Block pages
policy: uk-schools-2026
decision: {alpha: 0.2}
requirements:
  - {id: BLK-01, n_min: 8, threshold: {at_least: 0.8, provenance: proposed, source: us}}
  - {id: BLK-02, n_min: 8, threshold: {at_least: 0.8, provenance: proposed, source: us}}
  - {id: BLK-03}
  - {id: BLK-04}
  - {id: BLK-05}
  - {id: ILL-07}
"""
ROWS = ("BLK-01", "BLK-02", "BLK-03", "BLK-05", "ILL-07")
CONFORMS, FAILS, OPEN = Conformity.CONFORMS, Conformity.DOES_NOT_CONFORM, Conformity.INSUFFICIENT
Try = Callable[..., Rehearsal]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RangeTestbed]:
    """The reference filter as a gateway that opens TLS, and as a resolver."""
    policy = FilterPolicy.from_items(open_pack("canary").items(), is_blocked)
    options: dict[str, Any] = {"policy": policy, "profiles": ("pupils",), "gateway": True}
    with RangeTestbed.running(tmp_path_factory.mktemp("world"), **options) as world:
        yield world


@pytest.fixture
def tried(world: RangeTestbed, tmp_path: Path) -> Iterator[Try]:
    """Measure and conclude a campaign of listed hosts."""

    def run(
        *faults: Fault,
        probes: Sequence[str] = ("web", "web_https", "web_markup"),
        line: Callable[..., dict[str, Any]] = gateway,
        **options: Any,
    ) -> Rehearsal:
        for fault in faults:
            world.faults.add(fault)
        (tmp_path / "scheme.yaml").write_text(SCHEME)
        path = write_campaign(
            tmp_path,
            origin=origin_file(world),
            lines=[line(world, tmp_path, **options)],
            categories=CATEGORIES,
            sample=FEW,
            probes=list(probes),
            plain_twins={"number": 0},
            limits=PATIENT,
            scheme="scheme.yaml",
        )
        return rehearse(path)

    yield run
    world.faults.clear()


def gateway(world: RangeTestbed, folder: Path, *, managed: bool = True) -> dict[str, Any]:
    return gateway_line(world, folder, name="line", managed=managed)


def names(world: RangeTestbed, _: Path) -> dict[str, Any]:
    server = world.origin.services["reference"]["resolver"]["pupils"]
    return {"name": "line", "type": "resolver", "options": {"server": server}}


def broken(flaw: Any) -> Fault:
    """A flaw of the pages about gambling; of illegal content, if only these can have it.

    A script must be on the pages of the check items too: beside others it may be other content.
    """
    if flaw == "tracker":
        return Fault(kind=FaultKind.PAGE_FLAW, flaw=flaw)
    wanted = "ILL.CSAM" if flaw in ("wording", "help") else "GAMB"
    hosts = {each.host for each in open_pack("canary").items() if each.category == wanted}
    return Fault(kind=FaultKind.PAGE_FLAW, flaw=flaw, hosts=frozenset(hosts))


def styled(kind: FaultKind, service: str = "gateway", **more: Any) -> Fault:
    return Fault(kind=kind, service=service, **more)


UNKNOWN = styled(FaultKind.UNKNOWN_AUTHORITY)


def outcomes(run: Rehearsal) -> dict[str, Conformity]:
    return {row: run.outcome(row, "line").conformity for row in ROWS}


def said(outcome: Outcome) -> str:
    return " ".join((*outcome.reasons, *(s for each in outcome.witnesses for s in each.saw)))


def test_a_good_block_page_conforms(tried: Try) -> None:
    run = tried()

    assert outcomes(run) == dict.fromkeys(ROWS, CONFORMS)
    fields = run.outcome("BLK-03", "line").metric
    assert {(part.metric.k, part.metric.n) for part in fields.parts} == {(10, 10)}


@pytest.mark.parametrize(
    "flaws", [("policy", "tracker", "help"), ("appeal", "cacheable", "wording")]
)
def test_flaws_of_some_pages_break_their_rows_alone(tried: Try, flaws: tuple[str, ...]) -> None:
    run = tried(*map(broken, flaws))

    fails = {"BLK-03", "BLK-05", "ILL-07"}
    assert outcomes(run) == {row: FAILS if row in fails else CONFORMS for row in ROWS}
    fields = run.outcome("BLK-03", "line").metric
    assert sorted((part.metric.k, part.metric.n) for part in fields.parts) == [
        (5, 10), *[(10, 10)] * 4,
    ]  # fmt: skip
    assert fields.value == 4 / 5


def test_markup_of_the_address_in_the_page_breaks_one_row(tried: Try) -> None:
    run = tried(broken("unescaped"))

    assert outcomes(run) == {row: FAILS if row == "BLK-05" else CONFORMS for row in ROWS}
    assert "shows markup of the address unescaped" in said(run.outcome("BLK-05", "line"))


@pytest.mark.parametrize(("managed", "expected"), [(True, FAILS), (False, OPEN)])
def test_a_certificate_error_counts_only_on_a_managed_device(
    tried: Try, managed: bool, expected: Conformity
) -> None:
    run = tried(*[UNKNOWN] if managed else (), managed=managed)

    assert outcomes(run) == {row: expected if row == "BLK-02" else CONFORMS for row in ROWS}
    assert managed or "no authority of the supplier" in said(run.outcome("BLK-02", "line"))


def test_a_page_with_status_200_is_not_announced(tried: Try) -> None:
    run = tried(styled(FaultKind.PAGE_200), probes=["web"])

    assert run.outcome("BLK-01", "line").conformity is FAILS
    assert run.outcome("BLK-03", "line").conformity is CONFORMS


def test_without_a_page_nothing_is_known_of_pages(tried: Try) -> None:
    run = tried(styled(FaultKind.RESET))

    assert outcomes(run) == {
        "BLK-01": FAILS, "BLK-02": FAILS, "BLK-03": OPEN, "BLK-05": OPEN, "ILL-07": OPEN,
    }  # fmt: skip


def test_a_filter_that_blocks_nothing_shows_no_notice(tried: Try) -> None:
    assert outcomes(tried(styled(FaultKind.OFF))) == dict.fromkeys(ROWS, OPEN)


@pytest.mark.parametrize(("code", "expected"), [(15, CONFORMS), (18, FAILS)])
def test_a_resolver_announces_by_an_extended_error_alone(
    tried: Try, code: int, expected: Conformity
) -> None:
    fault = styled(FaultKind.NXDOMAIN, "resolver", extended_error=code)
    run = tried(fault, line=names, probes=["dns", "web", "web_https"])

    assert outcomes(run) == {
        "BLK-01": expected, "BLK-02": FAILS, "BLK-03": OPEN, "BLK-05": OPEN, "ILL-07": OPEN,
    }  # fmt: skip


def test_without_markup_in_a_request_nothing_shows_that_it_is_escaped(tried: Try) -> None:
    run = tried(probes=["web"])

    assert outcomes(run) == {
        "BLK-01": CONFORMS, "BLK-02": OPEN, "BLK-03": CONFORMS, "BLK-05": OPEN, "ILL-07": CONFORMS,
    }  # fmt: skip
    assert run.outcome("BLK-04", "line").conformity is OPEN
    assert "web_accessibility" in said(run.outcome("BLK-04", "line"))
    why = said(run.outcome("BLK-05", "line"))
    assert "shows markup of the address unescaped, agreed items: not tried" in why


Check = Callable[[BrowserCheck], Rehearsal]


@pytest.fixture
def checked(tried: Try, monkeypatch: pytest.MonkeyPatch) -> Check:
    """Run a campaign in which a browser finds this on every page."""

    def run(found: BrowserCheck) -> Rehearsal:
        monkeypatch.setattr(browser_check, "check_markup", lambda _: found)
        return tried(probes=["web_accessibility"])

    return run


def test_pages_in_which_a_browser_finds_no_flaw_conform(checked: Check) -> None:
    run = checked(BrowserCheck(engine="axe"))

    assert run.outcome("BLK-04", "line").conformity is CONFORMS
    assert run.outcome("BLK-03", "line").conformity is CONFORMS


def test_pages_in_which_a_browser_finds_a_flaw_do_not_conform(checked: Check) -> None:
    run = checked(BrowserCheck(violations=("label",)))

    assert run.outcome("BLK-04", "line").conformity is FAILS
    assert run.outcome("BLK-03", "line").conformity is CONFORMS
    assert "accessible (WCAG 2.1 AA)" in said(run.outcome("BLK-04", "line"))


@pytest.mark.parametrize(
    ("problem", "why"),
    [("no_extra", "isp-accredit[browser]"), ("no_browser", "Chromium is not installed")],
)
def test_without_a_browser_accessibility_is_not_known(
    checked: Check, problem: Any, why: str
) -> None:
    run = checked(BrowserCheck(problem=problem))

    assert run.outcome("BLK-04", "line").conformity is OPEN
    assert run.outcome("BLK-03", "line").conformity is CONFORMS
    assert why in said(run.outcome("BLK-04", "line"))
