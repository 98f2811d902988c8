"""People look after their own accounts: password, second factor, sessions and API tokens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pyotp
import pytest

from harness.model.access_event import PasswordSet, SecondFactorReset, SecondFactorSet, TokenMade
from harness.model.hub_access import Permission, Role
from test_suites.kit.hubs.hub_example import HubExample
from test_suites.kit.hubs.web_example import PASSWORD, Browser, WebExample, web_example

NEW = "six green kettles sing"
SECRET = re.compile(r'<code class="secret" id="secret">([A-Z2-7]+)</code>')
TOKEN = re.compile(r"accredit-api-[\w-]+")


@pytest.fixture
def web(tmp_path: Path) -> Iterator[WebExample]:
    with web_example(HubExample(tmp_path).make()) as made:
        yield made


@pytest.fixture
def browser(web: WebExample) -> Browser:
    return web.signed_in()


def email(web: WebExample) -> str:
    return web.accounts.accounts.all()[0].email


def other_browser(web: WebExample) -> Browser:
    browser = web.browser("192.0.2.9")
    assert 303 == browser.sign_in(email(web)).status_code
    return browser


def is_signed_in(web: WebExample, browser: Browser) -> bool:
    return web.accounts.sign_in.by_session(browser.secret) is not None


def test_a_new_password_ends_other_sessions_and_gives_a_new_one(
    web: WebExample, browser: Browser
) -> None:
    other, before = other_browser(web), browser.secret
    answer = browser.send("/account/password", "/account", password=PASSWORD, new=NEW, again=NEW)
    assert "/account?done=password" == answer.headers["location"]
    assert "Your password was changed" in browser.get("/account?done=password").text
    assert browser.secret != before
    assert web.accounts.sign_in.by_session(before) is None
    assert not is_signed_in(web, other)
    assert isinstance(web.log()[-1], PasswordSet)
    assert 303 == web.browser().sign_in(email(web), NEW).status_code


@pytest.mark.parametrize(
    ("old", "new", "again", "told"),
    [
        ("wrong wrong wrong", NEW, NEW, "is not right"),
        (PASSWORD, NEW, NEW + "x", "are not the same"),
        (PASSWORD, "short", "short", "12 to 200 characters"),
    ],
)
def test_a_password_is_not_changed_by_mistake(
    web: WebExample, browser: Browser, old: str, new: str, again: str, told: str
) -> None:
    answer = browser.send("/account/password", "/account", password=old, new=new, again=again)
    assert 400 == answer.status_code
    assert told in answer.text
    assert 303 == web.browser().sign_in(email(web)).status_code


def test_the_present_password_cannot_be_guessed_in_a_session(
    web: WebExample, browser: Browser
) -> None:
    fields = {"new": NEW, "again": NEW}
    for _ in range(5):
        browser.send("/account/password", "/account", password="wrong", **fields)
    answer = browser.send("/account/password", "/account", password=PASSWORD, **fields)
    assert 400 == answer.status_code
    web.hub.clock.at += timedelta(minutes=15)
    answer = browser.send("/account/password", "/account", password=PASSWORD, **fields)
    assert 303 == answer.status_code


def set_up(web: WebExample, browser: Browser) -> pyotp.TOTP:
    page = browser.send("/account/second-factor", "/account", password=PASSWORD)
    found = SECRET.search(page.text)
    assert found is not None
    assert f"secret={found[1]}" in page.text
    return pyotp.TOTP(found[1])


def test_a_second_factor_counts_once_a_code_was_given(web: WebExample, browser: Browser) -> None:
    other = other_browser(web)
    totp = set_up(web, browser)
    answer = browser.send("/account/second-factor/confirm", "/account", code="000000")
    assert 400 == answer.status_code
    assert totp.secret in answer.text
    assert 303 == web.browser().sign_in(email(web)).status_code
    assert web.log()[-1].__class__.__name__ == "SignedIn"

    before = browser.secret
    code = totp.at(web.hub.clock.at)
    answer = browser.send("/account/second-factor/confirm", "/account", code=code)
    assert "/account?done=second-factor" == answer.headers["location"]
    assert browser.secret != before
    assert isinstance(web.log()[-1], SecondFactorSet)
    assert not is_signed_in(web, other)
    signing_in = web.browser()
    assert "/sign-in" == signing_in.sign_in(email(web)).headers["location"]
    used = signing_in.send("/sign-in/code", "/sign-in", code=code)
    assert 403 == used.status_code, "the code that confirmed it signs nobody in"

    web.hub.clock.at += timedelta(seconds=30)
    page = browser.get("/account").text
    assert totp.secret not in page
    code = totp.at(web.hub.clock.at)
    assert 400 == browser.send(
        "/account/second-factor/remove", "/account", code="000000"
    ).status_code  # fmt: skip
    browser.send("/account/second-factor/remove", "/account", code=code)
    assert isinstance(web.log()[-1], SecondFactorReset)


def test_a_second_factor_asks_for_the_password(web: WebExample, browser: Browser) -> None:
    answer = browser.send("/account/second-factor", "/account", password="wrong")
    assert 400 == answer.status_code
    assert SECRET.search(answer.text) is None


def test_sessions_are_ended_one_by_one_or_all_others(web: WebExample, browser: Browser) -> None:
    first, second, third = other_browser(web), other_browser(web), other_browser(web)
    held = web.accounts.sign_in.by_session(first.secret)
    assert held is not None
    browser.send("/account/sessions/revoke", "/account", session=held.digest)
    assert [False, True] == [is_signed_in(web, each) for each in (first, second)]
    browser.send("/account/sessions/revoke", "/account", session="others")
    assert [True, False, False] == [is_signed_in(web, each) for each in (browser, second, third)]


def test_nobody_ends_what_belongs_to_somebody_else(web: WebExample, browser: Browser) -> None:
    other = web.signed_in(Role.SCHEME_OWNER)
    person = web.accounts.accounts.person("scheme-owner@example.org")
    held = web.accounts.own.sessions(person.id)[0]
    made = web.accounts.own.make_token(person.id, "x", ["read-audit"], 1, actor="x")
    browser.send("/account/sessions/revoke", "/account", session=held.digest)
    answer = browser.send("/account/tokens/revoke", "/account", token=made.token.id)
    assert 400 == answer.status_code
    assert is_signed_in(web, other)
    assert web.accounts.sign_in.by_token(made.text) is not None
    assert held.digest not in browser.get("/account").text
    assert made.token.id not in browser.get("/account").text


def test_a_token_is_made_shown_once_and_revoked(web: WebExample, browser: Browser) -> None:
    fields = {"label": "my build", "scope": ["upload", "read-items"], "days": "30"}
    page = browser.send("/account/tokens", "/account", password=PASSWORD, **fields)
    found = TOKEN.search(page.text)
    assert found is not None
    viewer = web.accounts.sign_in.by_token(found[0])
    assert viewer is not None
    assert frozenset({Permission.UPLOAD, Permission.READ_ITEMS}) == viewer.only
    made = web.log()[-1]
    assert isinstance(made, TokenMade)
    account = browser.get("/account").text
    assert made.token in account
    assert found[0] not in account
    browser.send("/account/tokens/revoke", "/account", token=made.token)
    assert web.accounts.sign_in.by_token(found[0]) is None


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"password": "wrong"}, "is not right"),
        ({"scope": "decide"}, "cannot have the scope"),
        ({"scope": "x"}, "cannot have the scope"),
        ({"days": "366"}, "1 to 365 days"),
        ({"days": "-1"}, "1 to 365 days"),
        ({"label": ""}, "has 1 to 200 characters"),
    ],
)
def test_a_faulty_token_is_not_made(
    web: WebExample, browser: Browser, fields: dict[str, str], told: str
) -> None:
    usual = {"label": "x", "scope": "upload", "days": "7", "password": PASSWORD}
    answer = browser.send("/account/tokens", "/account", **(usual | fields))
    assert 400 == answer.status_code
    assert told in answer.text
    assert [] == web.accounts.own.tokens()
