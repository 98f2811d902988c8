"""The pages of sites: what each role sees, the worst first, and the table as CSV."""

from __future__ import annotations

import csv
import io

import msgspec
import pytest
from selectolax.lexbor import LexborHTMLParser

from harness.model.hub_access import GRANTS, Permission, Role
from harness.store.registry.opening import open_registry
from reports.dashboard.pages import sites
from reports.dashboard.sites_port import SiteFacts
from test_suites.kit.hubs.hub_pages import (
    HILL,
    InventedSites,
    example_viewers,
    invented_sites,
    many_sites,
)
from test_suites.kit.hubs.hub_serving import Asker, app_of

FORMULA = SiteFacts(
    site='=HYPERLINK("http://x")', service="<img src=x onerror=alert(1)>", supplier="@x",
    state="silent", failed="<script>alert(1)</script>", issuer="+1", is_intercepted=True,
)  # fmt: skip


@pytest.fixture
def asker() -> Asker:
    return asker_of(invented_sites())


def asker_of(found: tuple[SiteFacts, ...]) -> Asker:
    with open_registry("sqlite://", create=True) as registry:
        return Asker(app_of(registry, (sites.routes(InventedSites(found)),), example_viewers()))


def rows_of(text: str) -> list[str]:
    return [each.text() for each in LexborHTMLParser(text).css("tbody th bdi")]


@pytest.mark.parametrize("role", [*Role])
@pytest.mark.parametrize("path", ["/sites", "/sites.csv", "/sites?state=silent"])
def test_only_who_may_read_sites_sees_them(asker: Asker, path: str, role: Role) -> None:
    answer = asker.get(path, role if role is not Role.PUBLIC else "")

    may = Permission.READ_SITES in GRANTS[role]
    assert (200 if may else 303 if role is Role.PUBLIC else 404) == answer.status_code
    assert may or "School" not in answer.text


def test_the_title_is_the_answer_and_the_worst_come_first(asker: Asker) -> None:
    shown = asker.get("/sites", Role.ASSESSOR).text

    assert "<h1>Eight sites: one probe is silent</h1>" in shown
    assert "One cannot measure now; one reports that TLS is opened; four have no agent" in shown
    assert ["Hill School", "Vale School"] == rows_of(shown)[-2:]
    assert rows_of(shown)[0].startswith("St Bartholomew")


@pytest.mark.parametrize(
    ("states", "title"),
    [
        ((), "No site is monitored yet"),
        (("alive",), "One site: every probe is alive"),
        (("alive", "invited"), "Two sites: one probe is alive"),
        (("silent", "silent", "alive"), "Three sites: two probes are silent"),
        (("none", "none"), "Two sites: no probes are alive"),
    ],
)
def test_the_title_counts(states: tuple[str, ...], title: str) -> None:
    found = [
        msgspec.structs.replace(invented_sites()[0], site=str(number), state=state)
        for number, state in enumerate(states)
    ]

    assert title == sites.title_of(found)


def test_a_school_sees_three_answers_and_no_inside(asker: Asker) -> None:
    shown = asker.get("/sites", Role.SCHOOL).text

    assert "One of your probes is silent" in shown
    assert 3 == shown.count("Is my filter on?")
    assert "Vale School" not in shown
    for inside in (
        "must-block",
        "no answer from the hub",
        "version 0.1.0",
        "weekly-full",
        "hill-2026",
    ):
        assert inside not in shown
    table = asker.get("/sites.csv", Role.SCHOOL).text
    assert "must-block" not in table
    assert "Vale School" not in table


def test_a_page_has_fifty_sites_and_leads_to_the_next() -> None:
    asker = asker_of(many_sites(120))

    first = asker.get("/sites", Role.ASSESSOR).text
    last = asker.get("/sites?start=100", Role.ASSESSOR).text

    assert 50 == len(rows_of(first))
    assert "Sites 1 to 50 of 120" in first
    assert 'href="/sites?state=&amp;q=&amp;start=50"' in first
    assert ["School 101", "School 120"] == [rows_of(last)[0], rows_of(last)[-1]]
    assert 'id="next"' not in last
    assert 120 == len(asker.get("/sites.csv", Role.ASSESSOR).text.splitlines()) - 1
    assert 200 == asker.get("/sites?start=999", Role.ASSESSOR).status_code
    assert 422 == asker.get("/sites?start=-1", Role.ASSESSOR).status_code
    assert "cannot be read" in asker.get("/sites?start=x", Role.ASSESSOR).text


def test_sites_are_found_by_state_and_name(asker: Asker) -> None:
    shown = asker.get("/sites?state=alive&q=VALE", Role.ASSESSOR).text

    assert ["Vale School"] == rows_of(shown)
    assert "No site matches" in asker.get("/sites?state=zzz", Role.ASSESSOR).text


def test_names_are_shown_as_text_and_begin_no_formula() -> None:
    asker = asker_of((FORMULA,))

    shown = asker.get("/sites", Role.ASSESSOR).text
    (_, row) = csv.reader(io.StringIO(asker.get("/sites.csv", Role.ASSESSOR).text))

    assert "<img" not in shown
    assert "<script>alert" not in shown
    assert ["'=HYPERLINK", "'@x", "'+1"] == [row[0][:11], row[2], row[12]]
    assert "yes" == row[sites.COLUMNS.index("intercepted")]


def test_the_csv_has_times_and_numbers(asker: Asker) -> None:
    rows = csv.DictReader(io.StringIO(asker.get("/sites.csv", Role.ASSESSOR).text))
    (row,) = (each for each in rows if each["site"] == HILL)

    assert ("alive", "0.31", "no", "accredited") == (
        row["state"], row["clock_offset_seconds"], row["intercepted"], row["service_status"],
    )  # fmt: skip
    assert "2026-11-20T08:30:00+00:00" == row["bracket_held"]
