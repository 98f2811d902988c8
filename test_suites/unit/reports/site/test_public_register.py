"""The public register: what it says of each service, and that it says nothing private."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import timedelta
from xml.etree import ElementTree as ET

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.follow.status_history import replay_statuses
from harness.model.decision import Decision, Status
from harness.model.decision_event import DecisionMade
from harness.model.event import Event, FindingOpened
from reports import phrases
from reports.requirement_table import areas, bounds_in_words, measured_in_words
from reports.site.field_checks import ServiceChecks
from reports.site.public_facts import PublicRegister, public_register
from reports.site.public_pages import COLUMNS, public_files
from reports.site.status_feed import ATOM
from reports.site.stream_view import StreamView
from reports.words import STATUSES
from test_suites.kit.hubs.site_example import NOW, checks_of, example_views, on

VIEWS = example_views()
REGISTER = public_register(VIEWS, NOW, checks_of(VIEWS))
FILES = public_files(REGISTER)


def with_events(view: StreamView, events: list[Event]) -> StreamView:
    state, history = replay_statuses(events, NOW)
    return view._replace(events=tuple(events), state=state, history=history)


def without_figures(view: StreamView) -> StreamView:
    return view._replace(kept={})


def test_services_are_listed_with_their_status_and_its_history() -> None:
    filter_, gateway = REGISTER.services

    assert (filter_.name, filter_.version, filter_.status) == (
        "Harbour Filter", "7.2", Status.ACCREDITED,
    )  # fmt: skip
    assert gateway.white_labels == ("County Shield",)
    assert [(one.status, one.since, one.until) for one in gateway.history] == [
        (Status.ACCREDITED, on("2026-02-10"), on("2026-06-24")),
        (Status.SUSPENDED, on("2026-06-24"), on("2026-07-24")),
        (Status.ACCREDITED, on("2026-07-24"), None),
    ]
    assert gateway.valid_until == on("2026-07-24") + timedelta(days=364)


def test_open_failures_are_listed_with_their_dates_and_count_against_features() -> None:
    filter_, gateway = REGISTER.services

    assert [(one.requirement, one.severity) for one in gateway.findings] == [
        ("URL-04", "critical"),
        ("OVB-01", "major"),
    ]
    assert gateway.findings[0].due == on("2026-06-24", 11)
    assert set(gateway.features.values()) == {"fails"}
    assert filter_.findings == ()
    assert filter_.features == {"url": "tested", "overblock": "tested"}


def test_a_failure_without_a_plan_is_listed_last() -> None:
    view = VIEWS[0]
    finding = replace(view.state.findings["F-0002"], id="F-0003", requirement="URL-05")
    opened = FindingOpened(at=on("2026-11-01"), actor="PRIVATE Person", finding=finding)
    found = public_register([with_events(view, [*view.events, opened])], NOW)

    assert [one.due is None for one in found.services[0].findings] == [False, False, True]
    assert b"not yet agreed" in public_files(found)[f"services/{found.services[0].page}.html"]


def test_a_service_that_never_was_accredited_is_not_listed() -> None:
    view = VIEWS[1]
    decisions = [event for event in view.events if isinstance(event, DecisionMade)]
    others = [event for event in view.events if not isinstance(event, DecisionMade)]

    def not_yet(event: DecisionMade) -> DecisionMade:
        decision: Decision = msgspec.structs.replace(
            event.decision, status=Status.NOT_YET, until=None
        )
        return msgspec.structs.replace(event, decision=decision)

    refused = with_events(view, [*others, *map(not_yet, decisions)])
    files = public_files(public_register([refused], NOW))

    assert public_register([refused], NOW).services == ()
    assert not any(b"Harbour" in content for content in files.values())
    assert b"No service has been accredited yet" in files["index.html"]


def test_a_service_whose_accreditation_ended_stays_listed_and_says_so() -> None:
    later = NOW + timedelta(days=400)
    views = [view._replace(history=replay_statuses(view.events, later).history) for view in VIEWS]
    register = public_register(views, later)

    assert {each.status for each in register.services} == {Status.EXPIRED}
    assert {each.valid_until for each in register.services} == {None}
    index = public_files(register)["index.html"].decode()
    assert "None is accredited today" in index
    assert ">Accredited</h2>" not in index


def test_without_the_assessment_no_feature_is_ticked() -> None:
    register = public_register(map(without_figures, VIEWS), NOW)

    assert {bool(each.outcomes or each.features) for each in register.services} == {False}
    index = public_files(register)["index.html"].decode()
    assert "no figures are kept" in index
    assert "Tested" not in index


def test_what_was_tried_on_an_agreed_list_alone_says_so() -> None:
    view = VIEWS[1]
    limited = {
        digest: replace(
            kept,
            outcomes=tuple(replace(one, qualifier="agreed list only") for one in kept.outcomes),
        )
        for digest, kept in view.kept.items()
    }
    register = public_register([view._replace(kept=limited)], NOW)
    (service,) = register.services
    files = public_files(register)

    assert set(service.features.values()) == {"tested-agreed"}
    assert "<b>2 of 2</b>, agreed list only" in files["index.html"].decode()
    page = files[f"services/{service.page}.html"].decode()
    assert "It met 2 of 2 requirements (agreed list only)" in page
    assert "Conforms: agreed list only" in page


def test_figures_are_those_of_the_report() -> None:
    for service, view in zip(REGISTER.services, VIEWS[::-1], strict=True):
        held = view.state.decisions[max(view.state.decisions)]
        assert held.decision.proposal.basis is not None
        assessment = view.kept[held.decision.proposal.basis.assessment]
        page = FILES[f"services/{service.page}.html"].decode()
        table = {
            row.outcome.requirement.id: (row.measured, row.bounds, row.required)
            for area in areas(assessment, binding=True)
            for row in area.rows
        }
        for outcome, each in zip(assessment.outcomes, service.outcomes, strict=True):
            assert each.measured == phrases.tight(measured_in_words(outcome))
            assert each.bounds == phrases.tight(bounds_in_words(outcome))
            assert (each.measured, each.bounds, each.required) == table[each.requirement]
            assert f"<b>{each.measured}</b> <small>{each.bounds}</small>" in page


def test_nothing_private_is_in_any_public_file() -> None:
    for name, content in FILES.items():
        assert b"PRIVATE" not in content, name
        assert b"private" not in name.lower().encode()


def test_the_json_holds_the_register() -> None:
    read = msgspec.json.decode(FILES["register.json"], type=PublicRegister)

    assert read == REGISTER
    assert json.loads(FILES["register.json"])["format"] == "accredit-register/1"


def test_the_csv_has_a_line_for_each_service() -> None:
    head, *rows = csv.reader(io.StringIO(FILES["register.csv"].decode(), newline=""))

    assert head == list(COLUMNS)
    assert [row[:3] for row in rows] == [
        ["Harbour Filter", "7.2", "Brightwater Filtering Ltd"],
        ["SchoolShield Gateway", "4.5", "Northgate Learning Networks"],
    ]
    assert [row[-3:] for row in rows] == [
        ["0", "", "0"],
        ["2", "2026-06-24T11:00:00+00:00", "1"],
    ]


def test_the_feed_holds_each_change_the_newest_first() -> None:
    feed = ET.fromstring(FILES["feed.xml"])
    entries = feed.findall(f"{{{ATOM}}}entry")
    titles = [entry.findtext(f"{{{ATOM}}}title") for entry in entries]
    ids = {entry.findtext(f"{{{ATOM}}}id") for entry in entries}

    assert titles == [
        "Harbour Filter 7.2: Accredited",
        "SchoolShield Gateway 4.5: Accredited",
        "SchoolShield Gateway 4.5: Suspended",
        "SchoolShield Gateway 4.5: Accredited",
    ]
    assert len(ids) == len(entries)
    assert feed.findtext(f"{{{ATOM}}}updated") == "2026-08-10T09:00:00Z"
    assert public_files(public_register(example_views(), NOW, checks_of(VIEWS))) == FILES


def test_checks_in_the_field_are_published_by_year_and_by_service() -> None:
    (coming, year), (one,) = REGISTER.field, [each for each in REGISTER.services if each.field]

    assert (coming.period, coming.is_drawn) == ("2027", False)
    assert (year.services_drawn, year.services_required, year.certificates) == (1, 1, 2)
    assert one.field[0].randomized == year.randomized
    assert one.field[0].reactive == year.reactive
    said = " ".join(FILES["index.html"].decode().split())
    assert "<b>1 of 2</b> certificates <small>(1 required)</small>" in said
    assert "<b>6 of 10</b> sites passed <small>(8 visited; 1 not decided)</small>" in said
    assert "<b>0 of 1</b> sites passed <small>(1 visited)</small>" in said
    page = " ".join(FILES[f"services/{one.page}.html"].decode().split())
    assert "<b>6 of 10</b> sites passed" in page
    assert '"passed": 6' in FILES["register.json"].decode()


def test_sites_that_are_not_on_record_are_said() -> None:
    tally = REGISTER.field[1].randomized
    few = ServiceChecks(
        period="2026", is_drawn=True, sites_required=10, sites_on_record=3, randomized=tally,
        reactive=REGISTER.field[0].reactive,
    )  # fmt: skip
    service = msgspec.structs.replace(REGISTER.services[0], field=(few,))

    files = public_files(msgspec.structs.replace(REGISTER, services=(service,)))

    page = files[f"services/{service.page}.html"].decode()
    assert "only 3 sites are on record; 10 are required" in page


def test_without_a_check_in_the_field_nothing_is_said_of_it() -> None:
    files = public_files(public_register(VIEWS, NOW))

    assert not any(b"in the field" in content for content in files.values())


def test_links_lead_to_files_of_the_folder() -> None:
    for service in REGISTER.services:
        assert f'href="services/{service.page}.html"' in FILES["index.html"].decode()
        assert f"services/{service.page}.html" in FILES


@settings(max_examples=25)
@given(st.text(min_size=1, max_size=60), st.text(min_size=1, max_size=60))
def test_hostile_names_stay_text(name: str, supplier: str) -> None:
    service = msgspec.structs.replace(
        REGISTER.services[0], name=f"=<script>{name}", supplier=f"\u202e\n{supplier}<b>"
    )
    files = public_files(msgspec.structs.replace(REGISTER, services=(service,)))

    for where in ("index.html", f"services/{service.page}.html"):
        page = files[where].decode()
        assert "<script" not in page
        assert "\u202e" not in page
    ET.fromstring(files["feed.xml"])
    cells = list(csv.reader(io.StringIO(files["register.csv"].decode(), newline="")))[1]
    assert len(cells) == len(COLUMNS)
    assert cells[0].startswith("'=")


@pytest.mark.parametrize("status", Status)
def test_every_status_has_its_words_and_its_sign(status: Status) -> None:
    service = msgspec.structs.replace(REGISTER.services[0], status=status, valid_until=None)
    page = public_files(msgspec.structs.replace(REGISTER, services=(service,)))["index.html"]

    assert STATUSES[status].encode() in page
