"""Administrators manage people by pages; nobody else sees these pages."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from harness.cli.hub_audit import RegistryAudit
from harness.model.access_event import PersonAdded, PersonChanged, SessionsRevoked, TokenRevoked
from harness.model.hub_access import GRANTS, Permission, Role
from reports.dashboard.pages.administration import PERMISSION_WORDS
from reports.dashboard.pages.audit import ROWS as ROWS_OF_THE_LOG
from test_suites.kit.hubs.hub_example import HILL, HubExample
from test_suites.kit.hubs.web_example import (
    ACME,
    PASSWORD,
    Browser,
    WebExample,
    web_example,
)

PAGES = (
    "/admin", "/admin/roles", "/admin/tokens", "/admin/sessions", "/admin/people/new",
    "/admin/people.csv", "/admin/tokens.csv", "/admin/sessions.csv", "/admin/roles.csv",
)  # fmt: skip
AUDIT = ("/admin/audit", "/admin/audit.csv")
ACTS = (
    "/admin/people", "/admin/people/X", "/admin/people/X/disable", "/admin/people/X/enable",
    "/admin/people/X/password", "/admin/people/X/reset-second-factor",
    "/admin/people/X/end-sessions", "/admin/tokens/revoke", "/admin/sessions/revoke",
)  # fmt: skip
HOSTILE = '=cmd|"/c calc"<script>alert(1)</script>'


@pytest.fixture
def web(tmp_path: Path) -> Iterator[WebExample]:
    with web_example(HubExample(tmp_path).make()) as made:
        yield made


@pytest.fixture
def admin(web: WebExample) -> Browser:
    return web.signed_in(Role.ADMINISTRATOR)


def rows(answer_of: Browser, path: str) -> list[list[str]]:
    answer = answer_of.get(path)
    assert "text/csv; charset=utf-8" == answer.headers["content-type"]
    return list(csv.reader(io.StringIO(answer.text)))


def test_the_numbers_of_people_and_tokens_are_one_sentence(admin: Browser) -> None:
    assert "1 person, no tokens." in admin.get("/admin").text


@pytest.mark.parametrize("role", [each for each in Role if each is not Role.PUBLIC])
def test_each_role_sees_the_pages_that_it_may_see(web: WebExample, role: Role) -> None:
    person = web.add(Role.ASSESSOR, "target@example.org")
    browser = web.signed_in(role, email=f"x-{role}@example.org")
    for pages, permission in ((PAGES, Permission.ADMINISTER), (AUDIT, Permission.READ_AUDIT)):
        status = 200 if permission in GRANTS[role] else 404
        for path in (*pages, f"/admin/people/{person.id}") if pages is PAGES else pages:
            assert status == browser.get(path).status_code, path
    before = len(web.log())
    if Permission.ADMINISTER not in GRANTS[role]:
        for path in ACTS:
            answer = browser.send(
                path.replace("X", person.id), "/states", reason="x", role="school"
            )
            assert 404 == answer.status_code, path
        assert before == len(web.log())


def test_the_public_is_asked_to_sign_in(web: WebExample) -> None:
    browser = web.browser()
    for path in (*PAGES, *AUDIT, "/account"):
        answer = browser.get(path)
        assert (303, f"/sign-in?to={path}") == (answer.status_code, answer.headers["location"])
    for path in (*ACTS, "/account/password", "/account/tokens"):
        assert 401 == browser.send(path, "/sign-in").status_code, path


def test_a_person_is_added_changed_disabled_and_enabled(web: WebExample, admin: Browser) -> None:
    answer = admin.send(
        "/admin/people", "/admin/people/new", email="Ravi@Acme.example", name="Ravi Shah",
        role="supplier", suppliers="Acme\n\n", password=PASSWORD,
    )  # fmt: skip
    assert 303 == answer.status_code, answer.text
    path = answer.headers["location"]
    added = web.log()[-1]
    assert isinstance(added, PersonAdded)
    assert ("Person administrator", (ACME,)) == (added.actor, added.streams)
    ravi = web.browser()
    assert 303 == ravi.sign_in("ravi@acme.example").status_code
    admin.send(path, path, name="Ravi", role="school", sites=HILL)
    changed = web.log()[-1]
    assert isinstance(changed, PersonChanged)
    assert ("Ravi", "school", (), (HILL,)) == (
        changed.name, changed.role, changed.streams, changed.sites,
    )  # fmt: skip
    assert web.accounts.sign_in.by_session(ravi.secret) is None
    assert 303 == web.browser().sign_in("ravi@acme.example").status_code
    admin.send(f"{path}/disable", path, reason="left")
    assert "disabled since" in admin.get(path).text
    assert 403 == web.browser().sign_in("ravi@acme.example").status_code
    admin.send(f"{path}/enable", path)
    admin.send(f"{path}/password", path, password="quite another 7 words")
    assert 303 == web.browser().sign_in("ravi@acme.example", "quite another 7 words").status_code


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"email": "x"}, "give an e-mail address"),
        ({"role": "supplier"}, "needs the name of the supplier"),
        ({"role": "school"}, "needs the name of its site"),
        ({"role": "public"}, "is no role"),
        ({"password": "short"}, "12 to 200 characters"),
        ({"name": ""}, "the name of a person"),
        ({"suppliers": "a" * 300}, "is not a supplier"),
        ({"email": "administrator@example.org"}, "an account of administrator@example.org already"),
    ],
)
def test_a_refused_person_is_told_why_and_nothing_typed_is_lost(
    web: WebExample, admin: Browser, fields: dict[str, str], told: str
) -> None:
    typed = {"email": "b@example.org", "name": "Bo", "role": "assessor", "password": PASSWORD}
    answer = admin.send("/admin/people", "/admin/people/new", **(typed | fields))
    assert 400 == answer.status_code
    assert told in answer.text
    assert f'value="{(typed | fields)["email"]}"' in answer.text
    assert PASSWORD not in answer.text
    assert 1 == len(web.accounts.accounts.all())


def test_the_only_administrator_cannot_lock_everybody_out(web: WebExample, admin: Browser) -> None:
    path = f"/admin/people/{web.accounts.accounts.all()[0].id}"
    for act, fields in ((f"{path}/disable", {"reason": "x"}), (path, {"role": "assessor"})):
        answer = admin.send(act, path, name="x", **fields)
        assert "the only administrator" in answer.text


def test_people_that_do_not_exist_are_not_here(web: WebExample, admin: Browser) -> None:
    person = web.add(Role.ASSESSOR)
    for path in ("/admin/people/absent", "/admin/people/../x", "/admin/people/%00"):
        assert 404 == admin.get(path).status_code
    for path in ("/admin/people/absent/disable", f"/admin/people/{person.id}/eat"):
        assert 404 == admin.send(path, "/admin", reason="x").status_code


def test_names_of_people_are_text_in_pages_and_no_formula_in_tables(
    web: WebExample, admin: Browser
) -> None:
    person = web.add(Role.ASSESSOR, "h@example.org", HOSTILE)
    web.accounts.own.make_token(person.id, HOSTILE, ["upload"], 1, actor=HOSTILE)
    client = web.browser()
    client.client.headers["user-agent"] = HOSTILE
    client.sign_in("h@example.org")
    for path in (*PAGES, *AUDIT, f"/admin/people/{person.id}"):
        text = admin.get(path).text
        assert "<script>alert" not in text or path.endswith(".csv")
    for path in ("/admin/people.csv", "/admin/tokens.csv", "/admin/sessions.csv", AUDIT[1]):
        cells = [cell for row in rows(admin, path) for cell in row]
        assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))], path
        assert any(cell.startswith("'=") for cell in cells), path


def test_the_first_page_says_what_needs_care(web: WebExample, admin: Browser) -> None:
    person = web.add(Role.ASSESSOR)
    web.accounts.own.make_token(person.id, "x", ["upload"], 6, actor="x")
    text = admin.get("/admin").text
    assert "2 people, 1 token. 2 people have no second factor. 1 token ends within 14 days." in text


def test_tokens_and_sessions_are_ended(web: WebExample, admin: Browser) -> None:
    browser = web.signed_in(Role.ASSESSOR)
    person = web.accounts.accounts.person("assessor@example.org")
    made = web.accounts.own.make_token(person.id, "x", ["upload"], 1, actor="x")
    assert 303 == admin.send(
        "/admin/tokens/revoke", "/admin/tokens", token=made.token.id
    ).status_code  # fmt: skip
    assert isinstance(web.log()[-1], TokenRevoked)
    assert 409 == admin.send(
        "/admin/tokens/revoke", "/admin/tokens", token=made.token.id
    ).status_code  # fmt: skip
    held = web.accounts.own.sessions(person.id)[0]
    admin.send("/admin/sessions/revoke", "/admin/sessions", person=person.id, session=held.digest)
    assert isinstance(web.log()[-1], SessionsRevoked)
    assert web.accounts.sign_in.by_session(browser.secret) is None


def test_the_table_of_roles_is_that_of_grants(web: WebExample, admin: Browser) -> None:
    assert [*Permission] == [*PERMISSION_WORDS]
    head, *body = rows(admin, "/admin/roles.csv")
    assert ["may", *Role] == head
    for permission, row in zip(PERMISSION_WORDS, body, strict=True):
        granted = ["yes" if permission in GRANTS[role] else "no" for role in Role]
        assert [PERMISSION_WORDS[permission], *granted] == row


def test_the_log_has_pages_and_a_whole_table(web: WebExample, admin: Browser) -> None:
    audit = RegistryAudit(web.registry, web.hub.clock)
    viewer = web.add(Role.ASSESSOR, name="Ann").viewer()
    for number in range(ROWS_OF_THE_LOG + 10):
        audit.evidence_read(viewer, ACME, "c1", f"item-{number}")
        web.hub.clock.at += timedelta(seconds=1)
    audit.bundle_uploaded(viewer, "b.zip", "a" * 64, 1234)
    audit.act_carried_out(viewer, "plan-agreed", ACME, "P-0001")
    first = admin.get("/admin/audit").text
    for words in (
        f"item-{ROWS_OF_THE_LOG + 9}",
        "plan agreed",
        "supplier:acme / P-0001",
        "b.zip (1,234 bytes",
        "Ann",
    ):
        assert words in first
    assert "item-2<" not in first
    older = first.partition("/admin/audit?before=")[2].partition('"')[0]
    assert "item-2<" in admin.get(f"/admin/audit?before={older}").text
    table = rows(admin, "/admin/audit.csv")
    assert ["position", "when", "who", "did", "on"] == table[0]
    with web.registry.reading("owner") as access:
        assert access.head is not None
        assert access.head.events == len(table) - 1


@pytest.mark.parametrize("before", ["-1", "x", "99999999999999999999"])
def test_a_faulty_place_in_the_log_is_told(admin: Browser, before: str) -> None:
    assert 422 == admin.get("/admin/audit", params={"before": before}).status_code
