"""The public pages: the same figures as the static site, for everybody, and nothing private."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from harness.model.decision import Status
from harness.model.hub_access import Role
from harness.store.hub.repository import Repository
from harness.store.registry.opening import open_registry
from reports.dashboard.certificate_answer import answer_about, number_of
from reports.dashboard.pages import register
from reports.dashboard.register_filter import fitting, matching, wanted_of
from reports.next_steps import day
from reports.site.public_facts import public_register
from reports.site.public_pages import public_files
from reports.words import AREAS
from test_suites.kit.hubs.hub_pages import VIEWS, example_viewers, filled_registry, service_page
from test_suites.kit.hubs.hub_serving import Asker, app_of
from test_suites.kit.hubs.site_example import NOW, checks_of

REGISTER = public_register(VIEWS, NOW, checks_of(VIEWS))
FILES = public_files(REGISTER)
PATHS = ("/", service_page(), "/certificates", "/guide", "/register.json", "/register.csv",
         "/feed.xml", "/?q=gateway&needs=url")  # fmt: skip


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asker]:
    with filled_registry(tmp_path_factory.mktemp("hub")) as registry:
        app = app_of(registry, (register.routes(Repository(registry)),), example_viewers())
        yield Asker(app)


def texts(html: str, selector: str) -> list[str]:
    """The texts of elements, with single spaces."""
    found = LexborHTMLParser(html).css(selector)
    return [" ".join(each.text().split()) for each in found]


def test_files_are_those_of_the_static_site(client: Asker) -> None:
    assert FILES["register.json"] == client.get("/register.json").content
    assert FILES["register.csv"] == client.get("/register.csv").content
    static = re.sub(r'href="services/([^"]+)\.html"', r'href="/register/\1"',
                    FILES["feed.xml"].decode())  # fmt: skip
    assert static == client.get("/feed.xml").text


@pytest.mark.parametrize("selector", [".entries dl", ".entries .note", "table tr", "main .chip"])
def test_the_register_says_what_the_static_site_says(client: Asker, selector: str) -> None:
    static = FILES["index.html"].decode()

    assert texts(static, selector) == texts(client.get("/").text, selector) != []


@pytest.mark.parametrize("selector", [".facts dd", "table tr", "h2"])
def test_a_service_has_the_figures_of_its_static_page(client: Asker, selector: str) -> None:
    for service in REGISTER.services:
        static = FILES[f"services/{service.page}.html"].decode()
        page = client.get(f"/register/{service.page}")

        assert 200 == page.status_code
        assert texts(static, selector) == texts(page.text, selector) != []


@pytest.mark.parametrize("role", ["", *sorted(example_viewers())])
@pytest.mark.parametrize("path", PATHS)
def test_everybody_sees_the_same_and_nothing_private(client: Asker, path: str, role: str) -> None:
    page = client.get(path, role)

    assert 200 == page.status_code
    assert "PRIVATE" not in page.text
    if not path.endswith(("json", "csv", "xml")):
        assert texts(client.get(path).text, "main") == texts(page.text, "main")


@pytest.mark.parametrize("name", ["field-checks", "nothing", "..%2f..%2fetc%2fpasswd", "%00", "'"])
def test_what_is_no_service_is_not_there(client: Asker, name: str) -> None:
    assert 404 == client.get(f"/register/{name}").status_code


def test_a_service_fits_if_it_is_accredited_and_all_was_tested(client: Asker) -> None:
    services = REGISTER.services

    found = fitting(services, wanted_of("", "", ["url", "no such subject"]))

    assert ["Harbour Filter"] == [each.name for each in found.fit]
    assert "One of two fits" == found.heading
    assert [f"{AREAS['url']}: tested, fails"] == [why for _, why in found.others]
    shown = client.get("/?needs=url").text
    assert "One of two fits" in shown
    assert f"Does not fit: {AREAS['url']}: tested, fails." in shown
    assert '<input type="checkbox" name="needs" value="url" checked>' in shown


def test_what_is_suspended_never_fits() -> None:
    services = [
        msgspec.structs.replace(each, status=Status.SUSPENDED) for each in REGISTER.services
    ]

    found = fitting(services, wanted_of("", "", []))

    assert () == found.fit
    assert {"not accredited today"} == {why for _, why in found.others}
    assert "None of two fits" == found.heading


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ["Harbour Filter", "SchoolShield Gateway"]),
        ("COUNTY  shield", ["SchoolShield Gateway"]),
        ("brightwater", ["Harbour Filter"]),
        ("zzz", []),
    ],
)
def test_services_are_found_by_name_supplier_and_other_names(text: str, names: list[str]) -> None:
    found = matching(REGISTER.services, wanted_of(text, "", ()))

    assert names == [each.name for each in found]


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=120), st.text(max_size=20), st.lists(st.text(max_size=12), max_size=3))
def test_every_question_has_an_answer(text: str, scheme: str, needs: list[str]) -> None:
    wanted = wanted_of(text, scheme, needs)

    assert set(wanted.needs) <= set(AREAS)
    assert all(each in REGISTER.services for each in matching(REGISTER.services, wanted))


def test_what_is_typed_is_shown_as_text(client: Asker) -> None:
    for path in ("/", "/certificates"):
        typed = '"><script>alert(1)</script>'
        shown = client.get(path, params={"q": typed, "number": typed, "needs": typed}).text

        assert "<script>alert" not in shown


def test_a_certificate_in_force_is_valid_today_and_no_other(client: Asker) -> None:
    gateway = msgspec.structs.replace(REGISTER.services[1], certificate="C-7K3M-0000")
    held = msgspec.structs.replace(REGISTER, services=(REGISTER.services[0], gateway))

    answer = answer_about(held, number_of(" c-7k3m-0000\n"))

    assert ("conforms", f"Valid today, {day(NOW)}") == (answer.state, answer.title)
    assert "Two failures are being corrected." in answer.words
    stopped = msgspec.structs.replace(gateway, status=Status.SUSPENDED)
    answer = answer_about(msgspec.structs.replace(held, services=(stopped,)), "C-7K3M-0000")
    assert ("stopped", "Suspended") == (answer.state, answer.word)
    unknown = answer_about(held, "C-0000")
    assert ("no-data", None) == (unknown.state, unknown.service)
    assert "No certificate in force has this number" in client.get("/certificates?number=c-1").text


def test_a_certificate_is_not_found_by_an_empty_number(client: Asker) -> None:
    assert not any(each.certificate for each in REGISTER.services)

    assert "Is a certificate valid today?" in client.get("/certificates?number=%20").text


def test_the_table_begins_no_formula(client: Asker, tmp_path: Path) -> None:
    rows = list(csv.reader(io.StringIO(client.get("/register.csv").text)))

    assert len(rows) == 1 + len(REGISTER.services)
    assert not [cell for row in rows for cell in row if cell[:1] in "=+-@\t\r" and cell]


def test_an_accreditation_that_ended_since_is_shown_as_expired(tmp_path: Path) -> None:
    later = NOW + timedelta(days=400)

    with filled_registry(tmp_path) as registry:
        found = register.PublicPages(Repository(registry)).register(later)

    assert {Status.EXPIRED} == {each.status for each in found.services}


def test_an_empty_register_says_when_something_appears(client: Asker, tmp_path: Path) -> None:
    with open_registry(tmp_path / "r.db", create=True) as registry:
        app = app_of(registry, (register.routes(Repository(registry)),), {})
        shown = Asker(app).get("/").text

    assert "No service is listed yet" in shown
    assert json.loads(client.get("/register.json").content)["format"] == "accredit-register/1"


def test_the_bar_of_the_public_has_public_pages_alone(client: Asker) -> None:
    public = texts(client.get("/").text, "header nav a")
    school = texts(client.get("/", Role.SCHOOL).text, "header nav a")

    assert [
        "Accredited services", "Check a certificate", "What to ask", "How to read this",
    ] == public  # fmt: skip
    assert ["Sites", "Register"] == school
