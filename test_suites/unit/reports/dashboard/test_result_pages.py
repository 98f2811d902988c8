"""The overview, services and requirements: what they say, lead to, and whom they show it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from selectolax.lexbor import LexborHTMLParser
from sqlalchemy import insert, select

from harness.model.alarm import AlarmRule, RaisedAlarm
from harness.model.decision_event import DecisionMade
from harness.model.hub_access import Role
from harness.model.registry_record import ServiceVersion
from harness.model.surveillance_event import AlarmRaised
from harness.store.hub.hub_tables import OUTCOMES
from reports.dashboard.addresses import segment
from reports.dashboard.pages import requirement
from reports.dashboard.service_reading import service_address
from test_suites.kit.hubs.hub_result_pages import (
    READERS,
    SUPPLIER,
    TOKEN,
    ResultPages,
    declare_monitoring,
    links,
    statements,
)
from test_suites.kit.hubs.projected_example import Projected, projected
from test_suites.kit.hubs.site_example import NOW, added, example_views, view_of

NORTHGATE, BRIGHTWATER = (view.name for view in example_views())
GATEWAY = service_address(NORTHGATE, "SchoolShield Gateway")
HARBOUR = service_address(BRIGHTWATER, "Harbour Filter")
PAGES = (
    "/overview",
    "/overview/services.csv",
    "/overview/requirements.csv",
    GATEWAY,
    f"{GATEWAY}/requirements.csv",
    f"{GATEWAY}/requirements/URL-04",
    f"{GATEWAY}/requirements/URL-04/results.csv",
    f"{GATEWAY}/requirements/URL-04/figures.csv",
)
OF_GATEWAY = PAGES[3:]


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Projected]:
    with projected(tmp_path_factory.mktemp("hub")) as made:
        made.projector.catch_up()
        yield made


@pytest.fixture(scope="module")
def pages(example: Projected) -> ResultPages:
    return ResultPages(example, frozenset({BRIGHTWATER}))


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Projected]:
    """An example that a test may change."""
    with projected(tmp_path) as made:
        yield made


# Who sees what


@pytest.mark.parametrize("path", PAGES)
def test_figures_are_for_those_who_may_read_results(pages: ResultPages, path: str) -> None:
    assert [200] * 4 == [pages.get(path, who).status_code for who in (*READERS, TOKEN)]
    for who in (Role.ADMINISTRATOR.value, Role.SCHOOL.value):
        assert 404 == pages.get(path, who).status_code
    assert 303 == pages.get(path, "").status_code


@pytest.mark.parametrize("path", OF_GATEWAY)
def test_a_supplier_finds_nothing_of_another(pages: ResultPages, path: str) -> None:
    """It is answered as what does not exist."""
    foreign = pages.get(path, SUPPLIER)
    unknown = pages.get(path.replace("Gateway", "Nothing"), SUPPLIER)
    assert 404 == foreign.status_code
    assert unknown.text.replace("Nothing", "Gateway") == foreign.text


@pytest.mark.parametrize("path", PAGES[:3])
def test_a_suppliers_overview_is_of_its_own_services(pages: ResultPages, path: str) -> None:
    text = pages.get(path, SUPPLIER).text
    assert "Harbour Filter" in text
    for theirs in ("SchoolShield", "Northgate", "P-0002"):
        assert theirs not in text


def test_an_earlier_version_that_expires_is_not_the_status_of_a_service(fresh: Projected) -> None:
    decided = next(e for e in example_views()[1].events if isinstance(e, DecisionMade))
    at = decided.at - timedelta(days=350)
    until = at + timedelta(days=360)
    earlier = replace(decided.decision, number=2, version="7.1", until=until)
    version = added("2025-08-01", ServiceVersion(id="7.1", of="Harbour Filter"))
    fresh.append(BRIGHTWATER, version, replace(decided, at=at, decision=earlier))
    fresh.projector.catch_up()
    assert [] == fresh.told
    pages = ResultPages(fresh, frozenset({BRIGHTWATER}))

    assert "Harbour Filter 7.2" == _text(pages.page(HARBOUR, SUPPLIER), "h1")
    row = _text(pages.page("/overview", SUPPLIER), "tbody tr")
    assert "Accredited" in row
    assert "Expired" not in row


def test_a_token_for_figures_leads_to_no_items_and_shows_no_plans(pages: ResultPages) -> None:
    page = pages.page(f"{GATEWAY}/requirements/URL-04", TOKEN)
    assert not [each for each in links(page) if "/items" in each]
    assert [] == pages.page("/overview", TOKEN).css(".waiting")


NAMES = st.one_of(
    st.text(max_size=30),
    st.sampled_from([NORTHGATE, BRIGHTWATER, "SchoolShield Gateway", "URL-04", "..", "/", "\x00"]),
)


@given(stream=NAMES, service=NAMES, code=NAMES)
def test_no_address_shows_a_supplier_anothers_service(
    pages: ResultPages, stream: str, service: str, code: str
) -> None:
    own = service_address(stream, service)
    for path in (own, f"{own}/requirements.csv", f"{own}/requirements/{segment(code)}"):
        answer = pages.get(path, SUPPLIER)
        assert answer.status_code in (200, 404)
        if answer.status_code == 200:
            assert "Gateway" not in answer.text


# What they say


def test_the_overview_says_where_services_stand_and_who_has_to_act(pages: ResultPages) -> None:
    page = pages.page("/overview")
    assert "One of two services could not be decided" == _text(page, "h1")
    rows = [node.text(strip=True) for node in page.css("table.overview tbody th")]
    assert ["SchoolShield Gateway", "Harbour Filter"] == [each[: each.index(" 4.5")] if " 4.5" in
        each else each[: each.index(" 7.2")] for each in rows]  # fmt: skip
    waiting = [" ".join(node.text().split()) for node in page.css(".waiting li")]
    assert any("P-0001" in each and "You to re-test the fix" in each for each in waiting)
    assert any("P-0002" in each and "Northgate" in each for each in waiting)
    assert not any("D-0003" in each for each in waiting)  # ends in half a year


def test_a_service_tells_what_failed_recovered_and_stopped(pages: ResultPages) -> None:
    page = pages.page(GATEWAY)
    lead = _text(page, ".lead")
    assert "It conforms again: URL-04" in lead
    assert "One requirement is not decided." in lead
    assert "It was suspended from 24\N{NO-BREAK SPACE}June 2026" in lead
    assert "The requirement that failed, and recovered" == _text(page, "#story")
    causes = [" ".join(node.text().split()) for node in page.css("#causes + table tbody tr")]
    assert any("rules 2026.1 to 2026.2" in each and "The line is cut" in each for each in causes)
    assert any("Supplier version" in each and "4.6" in each for each in causes)
    assert 2 == len(page.css("svg.trend"))


def test_every_picture_has_words_and_a_table_below(pages: ResultPages) -> None:
    page = pages.page(GATEWAY)
    for figure in page.css("article.figure-of"):
        assert figure.css("svg[role=img][aria-label]")
        assert figure.css_first("details table")
        assert any("figures.csv" in str(a.attributes["href"]) for a in figure.css("a"))


def test_a_requirement_has_all_its_results(pages: ResultPages) -> None:
    page = pages.page(f"{GATEWAY}/requirements/OVB-01")
    assert "OVB-01: 6%, measured 4 days ago, required is at most 5%" == _text(page, "h1")
    rows = page.css("section[aria-labelledby=results] tbody tr")
    assert 8 == len(rows)
    assert "PRIVATE-2026-11-16" in rows[0].text()
    assert 404 == pages.get(f"{GATEWAY}/requirements/XXX-99").status_code
    assert 404 == pages.get(f"{GATEWAY}/requirements/OVB-01?figures=unknown").status_code


@pytest.mark.parametrize("path", ["/overview", GATEWAY, f"{GATEWAY}/requirements/URL-04"])
def test_every_link_leads_to_something_and_each_figure_to_its_outcome(
    pages: ResultPages, path: str
) -> None:
    ours = ("/overview", "/services/", "/campaigns")
    found = [each for each in links(pages.page(path)) if each.startswith(ours)]
    assert found
    for link in dict.fromkeys(found):
        bare, _, anchor = link.partition("#")
        answer = pages.get(bare)
        assert 200 == answer.status_code, link
        if anchor:
            assert LexborHTMLParser(answer.text).css_first(f'[id="{unquote(anchor)}"]'), link


@pytest.mark.parametrize("path", ["/overview", GATEWAY, f"{GATEWAY}/requirements/URL-04"])
def test_pages_need_no_script_and_have_no_style_of_their_own(pages: ResultPages, path: str) -> None:
    page = pages.page(path)
    assert not page.css("[style]")
    assert not page.css("main script")
    assert not page.css("style")
    assert 1 == len(page.css("h1"))
    ids = [node.attributes["id"] for node in page.css("[id]")]
    assert len(ids) == len(set(ids))
    for chip in page.css(".chip, .said"):
        assert chip.css_first("svg"), chip.html
        assert chip.text(strip=True), chip.html


def _text(page: LexborHTMLParser, selector: str) -> str:
    found = page.css_first(selector)
    assert found is not None
    return " ".join(found.text().split(" ")).strip()


# Tables


def test_the_tables_have_every_row(pages: ResultPages) -> None:
    services = _csv(pages.get("/overview/services.csv").text)
    assert {"SchoolShield Gateway", "Harbour Filter"} == {row["service"] for row in services}
    newest = _csv(pages.get(f"{GATEWAY}/requirements.csv").text)
    assert ["OVB-01", "URL-04"] == [row["requirement"] for row in newest]
    assert "0.06" == newest[0]["value"]
    results = _csv(pages.get(f"{GATEWAY}/requirements/OVB-01/results.csv").text)
    assert 8 == len(results)
    assert results == sorted(results, key=lambda row: row["measured_at"], reverse=True)
    figures = _csv(pages.get(f"{GATEWAY}/requirements/OVB-01/figures.csv").text)
    assert [row["campaign"] for row in reversed(results)] == [row["campaign"] for row in figures]


def _csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_results_are_paged_whole_and_once(
    pages: ResultPages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requirement, "ON_A_PAGE", 3)
    monkeypatch.setattr(requirement, "AT_ONCE", 3)
    path, seen, sizes = f"{GATEWAY}/requirements/OVB-01", [], []
    while path:
        page = pages.page(path)
        rows = page.css("section[aria-labelledby=results] tbody tr")
        seen += [link.text(strip=True) for row in rows for link in row.css("th a")]
        sizes.append(len(rows))
        following = page.css_first("#next")
        path = (following.attributes["href"] or "") if following else ""
    assert [3, 3, 2] == sizes
    assert 8 == len(set(seen))
    assert all(one > other for one, other in pairwise(seen))
    whole = _csv(pages.get(f"{GATEWAY}/requirements/OVB-01/results.csv").text)
    assert 8 == len(whole)
    assert 400 == pages.get(f"{GATEWAY}/requirements/OVB-01?after=what").status_code
    assert 400 == pages.get("/overview?after=what").status_code


# Hostile text


MARKUP = '<script>alert("1")</script> & Sons'
FORMULA = "=HYPERLINK(1) <img src=x onerror=alert(1)>"


def test_names_are_shown_as_they_are_and_run_nowhere(tmp_path: Path) -> None:
    view = view_of(MARKUP, FORMULA)
    with projected(tmp_path, [view]) as example:
        example.projector.catch_up()
        assert [] == example.told
        pages = ResultPages(example)
        own = service_address(view.name, FORMULA)
        for path in ("/overview", own, f"{own}/requirements/URL-04"):
            page = pages.page(path)
            assert not page.css("main script, main img")
            assert FORMULA in (page.body.text() if page.body else "")
        for path in (
            "/overview/services.csv", "/overview/requirements.csv", f"{own}/requirements.csv",
            f"{own}/requirements/URL-04/results.csv",
        ):  # fmt: skip
            answer = pages.get(path)
            assert "\r\n=" not in answer.text
            assert ",=" not in answer.text
            assert f"'{FORMULA}" in {row["service"] for row in _csv(answer.text)}
            assert "<" not in answer.headers["content-disposition"]


@pytest.mark.parametrize(
    "path",
    ["/services/a/b", "/services/%00/b", "/services/a/~x", "/services/..%2f..%2f/b", "/services/a/"
     + "x" * 2000, f"{GATEWAY}/requirements/%00", f"{GATEWAY}/requirements/~"],
)  # fmt: skip
def test_what_is_no_address_is_not_there(pages: ResultPages, path: str) -> None:
    assert 404 == pages.get(path).status_code


# Nothing yet, and silence


def test_an_empty_registry_says_when_something_appears_and_how(tmp_path: Path) -> None:
    with projected(tmp_path, []) as example:
        example.projector.catch_up()
        pages = ResultPages(example)
        page = pages.page("/overview")
        assert "No service is on record yet" == _text(page, "h1")
        assert "appears with its first campaign" in _text(page, ".empty")
        assert "/uploads/new" in links(page)
        owner = pages.page("/overview", Role.SCHEME_OWNER.value)
        assert "/uploads/new" not in links(owner)
        assert 1 == len(pages.get("/overview/services.csv").text.splitlines())


def test_a_silent_probe_is_said_where_it_matters(fresh: Projected) -> None:
    declare_monitoring(fresh, BRIGHTWATER, "Harbour Filter")
    fresh.projector.catch_up()
    pages = ResultPages(fresh)
    overview = pages.page("/overview")
    waiting = [" ".join(node.text().split()) for node in overview.css(".waiting li")]
    assert any("Probe at Hill School is silent" in each for each in waiting)
    assert not any("Vale School" in each for each in waiting)
    assert "1 of 2 probes silent" in overview.body.text() if overview.body else ""
    assert overview.css(".strip rect.silent")
    service = pages.page(HARBOUR)
    assert "The probe at Hill School is silent" in _text(service, ".notice.silent")
    assert "1 of 2 probes heard" in _text(service, ".facts")


def test_an_open_alarm_waits_for_the_assessor(fresh: Projected) -> None:
    raised = RaisedAlarm(
        number=1, service="Harbour Filter", scheme="surveillance", requirement="URL-04",
        profile="pupils", rule=AlarmRule.MISS, sites=("Hill School",), of_sites=2,
        statement="An item was missed", retest_by=NOW + timedelta(days=30),
    )  # fmt: skip
    fresh.append(
        BRIGHTWATER,
        AlarmRaised(at=NOW, actor="hub", service="Harbour Filter", alarm="A-0001", raised=raised),
    )
    fresh.projector.catch_up()
    pages = ResultPages(fresh)
    waiting = [" ".join(node.text().split()) for node in pages.page("/overview").css(".waiting li")]
    alarm = next(each for each in waiting if "A-0001" in each)
    assert "You to acknowledge the alarm" in alarm
    others = pages.page("/overview", Role.DECISION_MAKER.value)
    told = [" ".join(node.text().split()) for node in others.css(".waiting li")]
    assert any("The assessor to acknowledge the alarm" in each for each in told)


# Few questions, whatever there is


@pytest.mark.parametrize("path", ["/overview", GATEWAY, f"{GATEWAY}/requirements/OVB-01"])
def test_a_page_asks_few_questions_however_many_results_there_are(
    fresh: Projected, path: str
) -> None:
    fresh.projector.catch_up()
    pages = ResultPages(fresh)
    pages.get(path)
    with statements() as before:
        pages.get(path)
    with fresh.registry.transaction(is_writing=True) as connection:
        row = connection.execute(
            select(OUTCOMES).where(OUTCOMES.c.requirement == "OVB-01").limit(1)
        ).one()
        more = [{**row._mapping, "campaign": f"more-{number}"} for number in range(500)]
        connection.execute(insert(OUTCOMES), more)
    with statements() as after:
        pages.get(path)
    assert before == after
    assert len([each for each in after if each.startswith("SELECT")]) <= 5
