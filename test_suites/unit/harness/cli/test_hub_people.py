"""The owner of a hub gives people access, and takes it back, by commands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from harness.cli import hub_people
from harness.errors import UsageError
from harness.model.access_event import AccessEvent, PersonAdded, PersonDisabled, TokenMade
from harness.model.hub_access import Permission
from harness.model.stream import OWNER
from test_suites.kit.hubs.hub_example import HILL, HubExample
from test_suites.kit.hubs.web_example import ACME, PASSWORD, WebExample, web_example

ANN = "ann@example.org"
TOKEN = re.compile(r"accredit-api-\S+")


@pytest.fixture
def web(tmp_path: Path) -> Iterator[WebExample]:
    with web_example(HubExample(tmp_path).make()) as made:
        (tmp_path / "password").write_text(f"{PASSWORD}\nnot this\n")
        yield made


def give(web: WebExample, *words: str) -> str:
    return web.hub.accredit("hub", *words, "--hub", str(web.hub.hub))


def add(web: WebExample, *words: str, email: str = ANN, role: str = "assessor") -> str:
    file = str(web.hub.folder / "password")
    return give(
        web, "person", "add", email, "--name", "Ann", "--role", role,
        *(words or ("--password-file", file)),
    )  # fmt: skip


def people(web: WebExample) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = json.loads(give(web, "person", "list", "--json"))
    return told


def test_a_person_that_was_added_signs_in(web: WebExample) -> None:
    assert "sign in at https://hub.example.org/sign-in" in add(web, "--by", "Sam", *_file(web))
    browser = web.browser()
    assert 303 == browser.sign_in(ANN).status_code
    added = web.log()[0]
    assert isinstance(added, PersonAdded)
    assert ("Sam", ANN, "assessor", None) == (added.actor, added.email, added.role, added.streams)
    view = people(web)[0]
    assert (ANN, None, ["password"]) == (view["email"], view["suppliers"], view["signs_in_by"])
    assert "2026-03-02T06:00:00Z" == view["seen"]


def _file(web: WebExample) -> tuple[str, str]:
    return "--password-file", str(web.hub.folder / "password")


def test_a_supplier_is_bound_to_its_stream_and_a_school_to_its_site(web: WebExample) -> None:
    add(web, "--supplier", " acme ", *_file(web), email="s@example.org", role="supplier")
    add(web, "--site", HILL, "--no-password", email="h@example.org", role="school")
    supplier = web.accounts.accounts.person("s@example.org").viewer()
    school = web.accounts.accounts.person("h@example.org").viewer()
    assert (frozenset({ACME}), frozenset()) == (supplier.streams, supplier.sites)
    assert (frozenset(), frozenset({HILL})) == (school.streams, school.sites)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("person", "add", "no address", "--name", "A", "--role", "assessor"), "an e-mail address"),
        (("person", "add", ANN, "--name", "A", "--role", "supplier"), "the name of the supplier"),
        (("person", "add", ANN, "--name", "A", "--role", "school"), "the name of its site"),
        (("person", "add", ANN, "--name", "A", "--role", "public"), "'public' is no role"),
        (("person", "add", ANN, "--name", "\x07", "--role", "assessor"), "the name of a person"),
        (("person", "change", ANN, "--site", "X"), "give --role with"),
        (("person", "change", ANN), "nothing to change"),
        (("person", "disable", ANN, "--reason", "x"), "there is no account of"),
        (("person", "enable", ANN), "there is no account of"),
        (("token", "create", ANN, "--scope", "upload", "--label", "x"), "there is no account of"),
        (("token", "revoke", "f00"), "no valid token"),
        (("session", "revoke", ANN), "there is no account of"),
    ],
)
def test_what_cannot_be_done_is_told(web: WebExample, words: tuple[str, ...], told: str) -> None:
    more = ("--no-password",) if words[:2] == ("person", "add") else ()
    with pytest.raises(UsageError, match=told):
        give(web, *words, *more)
    assert [] == web.log()


@pytest.mark.parametrize(
    ("password", "told"),
    [
        ("short", "12 to 200 characters"),
        ("x" * 201, "12 to 200 characters"),
        ("abababababab", "easy to guess"),
        ("ann@example.org", "easy to guess"),
        ("", "the first line must hold the password"),
    ],
)
def test_a_weak_password_is_refused(web: WebExample, password: str, told: str) -> None:
    (web.hub.folder / "password").write_text(password)
    with pytest.raises(UsageError, match=told):
        add(web)


def test_a_password_is_asked_for_twice_and_never_shown(
    web: WebExample, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []

    def prompt(_: str, **options: Any) -> str:
        asked.append(options)
        return PASSWORD

    with pytest.raises(UsageError, match="--password-file"):
        add(web, "--by", "x")
    monkeypatch.setattr(hub_people, "is_terminal", lambda: True)
    monkeypatch.setattr("typer.prompt", prompt)
    add(web, "--by", "x")
    assert [{"hide_input": True, "confirmation_prompt": True}] == asked
    assert 303 == web.browser().sign_in(ANN).status_code


def test_an_address_has_one_account(web: WebExample) -> None:
    add(web)
    with pytest.raises(UsageError, match="there is an account of"):
        add(web, email=" ANN@example.org")


def test_what_ends_a_persons_access_ends_sessions_and_tokens(web: WebExample) -> None:
    file = _file(web)
    add(web)
    for words in (
        ("disable", ANN, "--reason", "left"),
        ("password", ANN, *file),
        ("change", ANN, "--role", "supplier", "--supplier", "Acme"),
    ):
        browser = web.browser()
        browser.sign_in(ANN)
        token = _token(give(web, "token", "create", ANN, "--scope", "upload", "--label", "x"))
        assert web.accounts.sign_in.by_session(browser.secret) is not None
        assert web.accounts.sign_in.by_token(token) is not None
        give(web, "person", *words)
        assert web.accounts.sign_in.by_session(browser.secret) is None, words
        assert web.accounts.sign_in.by_token(token) is None, words
        if words[0] == "disable":
            assert 403 == web.browser().sign_in(ANN).status_code
            give(web, "person", "enable", ANN)
            assert web.accounts.sign_in.by_session(browser.secret) is None
            assert web.accounts.sign_in.by_token(token) is None


def test_a_new_name_ends_nothing(web: WebExample) -> None:
    add(web)
    browser = web.browser()
    browser.sign_in(ANN)
    give(web, "person", "change", ANN, "--name", "Ann Other")
    held = web.accounts.sign_in.by_session(browser.secret)
    assert held is not None
    assert "Ann Other" == held.person.name


def test_the_last_administrator_stays(web: WebExample) -> None:
    add(web, role="administrator")
    for words in (("disable", ANN, "--reason", "x"), ("change", ANN, "--role", "assessor")):
        with pytest.raises(UsageError, match="the only administrator"):
            give(web, "person", *words)
    add(web, email="other@example.org", role="administrator")
    give(web, "person", "disable", ANN, "--reason", "left")
    assert isinstance(web.log()[-1], PersonDisabled)


def _token(said: str) -> str:
    found = TOKEN.search(said)
    assert found is not None, said
    return found[0]


def test_a_token_is_shown_once_and_ends(web: WebExample) -> None:
    add(web)
    said = give(
        web, "token", "create", ANN, "--scope", "upload", "--scope", "read-results",
        "--label", "the build", "--days", "2",
    )  # fmt: skip
    viewer = web.accounts.sign_in.by_token(_token(said))
    assert viewer is not None
    assert frozenset({Permission.UPLOAD, Permission.READ_RESULTS}) == viewer.only
    assert not viewer.may(Permission.READ_ITEMS)
    listed = json.loads(give(web, "token", "list", "--json"))
    assert [(ANN, "the build", ["read-results", "upload"])] == [
        (each["person"], each["label"], each["scopes"]) for each in listed
    ]
    assert _token(said) not in give(web, "token", "list") + str(web.log())
    assert isinstance(web.log()[-1], TokenMade)
    web.hub.clock.at += timedelta(days=2)
    assert web.accounts.sign_in.by_token(_token(said)) is None
    assert [] == json.loads(give(web, "token", "list", "--json"))


def test_a_token_may_not_more_than_its_person(web: WebExample) -> None:
    add(web)
    for scope in ("decide", "administer"):
        with pytest.raises(UsageError, match=f"cannot have the scope '{scope}'"):
            give(web, "token", "create", ANN, "--scope", scope, "--label", "x")


def test_a_token_is_revoked(web: WebExample) -> None:
    add(web)
    said = give(web, "token", "create", ANN, "--scope", "upload", "--label", "x")
    name = json.loads(give(web, "token", "list", "--json", "--person", ANN))[0]["token"]
    give(web, "token", "revoke", name)
    assert web.accounts.sign_in.by_token(_token(said)) is None
    with pytest.raises(UsageError, match="no valid token"):
        give(web, "token", "revoke", name)


def test_sessions_are_listed_and_revoked(web: WebExample) -> None:
    add(web)
    first, second = web.browser(), web.browser("192.0.2.2")
    for browser in (first, second):
        browser.sign_in(ANN)
        web.hub.clock.at += timedelta(seconds=1)
    listed = json.loads(give(web, "session", "list", "--json"))
    assert ["192.0.2.2", "192.0.2.1"] == [each["address"] for each in listed]
    with pytest.raises(UsageError, match="has no session 'x'"):
        give(web, "session", "revoke", ANN, "--session", "x")
    give(web, "session", "revoke", ANN, "--session", listed[0]["session"])
    assert web.accounts.sign_in.by_session(second.secret) is None
    assert web.accounts.sign_in.by_session(first.secret) is not None
    assert "1 sessions" in give(web, "session", "revoke", ANN)
    assert web.accounts.sign_in.by_session(first.secret) is None


def test_the_registry_with_the_log_is_verified_exported_and_made_again(web: WebExample) -> None:
    add(web)
    web.browser().sign_in(ANN)
    registry = ("--out", str(web.hub.folder / "out"))
    file = web.hub.folder / "owner.jsonl"
    assert "3 events" in web.hub.accredit("registry", "verify", *registry)
    web.hub.accredit("registry", "rebuild", *registry)
    web.hub.accredit("registry", "export", "--owner", "--to", str(file), *registry)
    assert "3 events" in web.hub.accredit("registry", "verify", "--stream", str(file))
    with web.registry.reading(OWNER) as access:
        assert 2 == sum(isinstance(event, AccessEvent) for event in access.events())
