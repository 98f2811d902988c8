"""People sign in by the provider of their organisation, and by nothing that is not its own word."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pyotp
import pytest
from joserfc.jwk import OctKey, RSAKey

from harness.cli.hub_file import read_hub
from harness.cli.hub_oidc import derived
from harness.errors import FaultyDocument, UsageError
from harness.model.access_event import SignedIn, SignInRefused
from harness.model.hub_access import Role
from test_suites.kit.clocks.set_clock import SetClock
from test_suites.kit.hubs.hub_example import NOW, HubExample
from test_suites.kit.hubs.oidc_provider import CLIENT, SECRET, OidcProviderDouble, oidc_provider
from test_suites.kit.hubs.web_example import HOLDS, Browser, WebExample, web_example

ANN = "ann@example.org"


@pytest.fixture
def clock() -> SetClock:
    return SetClock(NOW)


@pytest.fixture
def provider(clock: SetClock) -> Iterator[OidcProviderDouble]:
    with oidc_provider(clock.now) as running:
        yield running


def hub_with(folder: Path, clock: SetClock, **oidc: Any) -> HubExample:
    hub = HubExample(folder, clock=clock).make()
    (hub.hub / "client-secret").write_text(f"{SECRET}\n")
    usual = {"name": "Example Board", "client": CLIENT, "secret": "client-secret"}
    hub.change(hub.hub / "hub.yaml", lambda file: file.update(oidc=usual | oidc))
    return hub


@pytest.fixture
def web(
    tmp_path: Path, clock: SetClock, provider: OidcProviderDouble, request: pytest.FixtureRequest
) -> Iterator[WebExample]:
    more = getattr(request, "param", {})
    hub = hub_with(tmp_path, clock, issuer=provider.issuer, **more)
    with web_example(hub) as made:
        made.accounts.accounts.add(ANN, "Ann", HOLDS[Role.ASSESSOR], actor="x")
        yield made


def begin(browser: Browser, to: str = "") -> str:
    """The address at the provider to which a browser is sent."""
    page = browser.get("/sign-in", params={"to": to})
    assert "Sign in with Example Board" in page.text
    answer = browser.get("/sign-in/oidc", params={"to": to})
    assert 303 == answer.status_code
    assert "SameSite=lax" in answer.headers["set-cookie"]
    return answer.headers["location"]


def end(browser: Browser, brought: dict[str, str]) -> Any:
    return browser.get(f"/sign-in/oidc/back?{urlencode(brought)}")


def sign_in(web: WebExample, provider: OidcProviderDouble, to: str = "") -> Any:
    browser = web.browser()
    return end(browser, provider.sign_in(begin(browser, to)))


def require_refused(web: WebExample, answer: Any) -> None:
    assert 403 == answer.status_code
    assert "That did not work" in answer.text
    refused = web.log()[-1]
    assert isinstance(refused, SignInRefused)
    assert "oidc" == refused.by
    assert [] == web.accounts.own.sessions()


def test_a_person_signs_in_by_a_verified_address(
    web: WebExample, provider: OidcProviderDouble
) -> None:
    provider.person("subject-1", "ANN@example.org")
    browser = web.browser()
    answer = end(browser, provider.sign_in(begin(browser, "/plans?a=1")))
    assert (303, "/plans?a=1") == (answer.status_code, answer.headers["location"])
    assert web.accounts.sign_in.by_session(browser.secret) is not None
    signed_in = web.log()[-1]
    assert isinstance(signed_in, SignedIn)
    assert ("Ann", "oidc") == (signed_in.actor, signed_in.by)
    assert "subject-1" == web.accounts.accounts.person(ANN).subject


def test_later_the_id_counts_and_not_the_address(
    web: WebExample, provider: OidcProviderDouble
) -> None:
    provider.person("subject-1", ANN)
    assert 303 == sign_in(web, provider).status_code
    provider.person("subject-1", "married@example.org", is_verified=False)
    assert 303 == sign_in(web, provider).status_code
    web.accounts.own.revoke_sessions(web.accounts.accounts.person(ANN).id, actor="x")
    provider.person("subject-2", ANN)
    require_refused(web, sign_in(web, provider))


@pytest.mark.parametrize("web", [{"match": "subject"}], indirect=True)
def test_where_ids_count_an_address_opens_nothing(
    web: WebExample, provider: OidcProviderDouble
) -> None:
    provider.person("subject-1", ANN)
    require_refused(web, sign_in(web, provider))
    web.accounts.accounts.change(ANN, subject="subject-1", actor="x")
    assert 303 == sign_in(web, provider).status_code


def test_nobody_registers_by_signing_in(web: WebExample, provider: OidcProviderDouble) -> None:
    provider.person("subject-9", "stranger@example.org")
    require_refused(web, sign_in(web, provider))
    assert 1 == len(web.accounts.accounts.all())


def test_a_disabled_person_is_refused(web: WebExample, provider: OidcProviderDouble) -> None:
    web.accounts.accounts.disable(ANN, "left", actor="x")
    provider.person("subject-1", ANN)
    require_refused(web, sign_in(web, provider))


@pytest.mark.parametrize(
    "changes",
    [
        {"email_verified": False}, {"email_verified": "true"}, {"email_verified": None},
        {"email": None}, {"email": 7},
        {"nonce": "another"}, {"nonce": None},
        {"iss": "https://evil.example"}, {"iss": None},
        {"aud": "another client"}, {"aud": ["another", "client"]}, {"aud": None},
        {"aud": [CLIENT, "another"]}, {"azp": "another"},
        {"exp": int(NOW.timestamp()) - 61}, {"exp": None}, {"exp": "soon"},
        {"iat": int(NOW.timestamp()) - 601}, {"iat": int(NOW.timestamp()) + 3600}, {"iat": None},
        {"nbf": int(NOW.timestamp()) + 3600},
        {"sub": None}, {"sub": ""}, {"sub": "x" * 256}, {"sub": 7},
    ],
    ids=str,
)  # fmt: skip
def test_an_id_token_that_is_not_for_this_sign_in_is_refused(
    web: WebExample, provider: OidcProviderDouble, changes: dict[str, Any]
) -> None:
    provider.person("subject-1", ANN)
    provider.changes = changes
    require_refused(web, sign_in(web, provider))


def test_a_token_signed_by_another_key_is_refused(
    web: WebExample, provider: OidcProviderDouble
) -> None:
    provider.person("subject-1", ANN)
    provider.signing_key = RSAKey.generate_key(2048, {"kid": "first"}, private=True)
    require_refused(web, sign_in(web, provider))


def test_a_token_without_a_signature_or_by_a_shared_secret_is_refused(
    web: WebExample, provider: OidcProviderDouble
) -> None:
    provider.person("subject-1", ANN)
    provider.algorithm = "none"
    require_refused(web, sign_in(web, provider))
    provider.algorithm, provider.signing_key = "HS256", OctKey.import_key(SECRET * 2)
    require_refused(web, sign_in(web, provider))


def test_a_new_key_of_the_provider_is_fetched(
    web: WebExample, provider: OidcProviderDouble, clock: SetClock
) -> None:
    provider.person("subject-1", ANN)
    assert 303 == sign_in(web, provider).status_code
    provider.new_key()
    clock.at += timedelta(minutes=1)
    assert 303 == sign_in(web, provider).status_code
    assert 2 == provider.asked.count("/keys")
    assert 1 == provider.asked.count("/.well-known/openid-configuration")


def test_a_code_counts_once(web: WebExample, provider: OidcProviderDouble) -> None:
    provider.person("subject-1", ANN)
    browser = web.browser()
    brought = provider.sign_in(begin(browser))
    cookies = dict(browser.client.cookies)
    assert 303 == end(browser, brought).status_code
    web.accounts.own.revoke_sessions(web.accounts.accounts.person(ANN).id, actor="x")
    again = web.browser()
    again.client.cookies.update(cookies)
    require_refused(web, end(again, brought))


def test_another_browser_cannot_end_a_sign_in(
    web: WebExample, provider: OidcProviderDouble
) -> None:
    """Nobody is signed in as the attacker by a link (RFC 6749, section 10.12)."""
    provider.person("subject-1", ANN)
    brought = provider.sign_in(begin(web.browser()))
    require_refused(web, end(web.browser(), brought))
    victim = web.browser()
    begin(victim)
    require_refused(web, end(victim, brought))


def test_a_state_that_is_not_of_this_browser_ends_nothing(
    web: WebExample, provider: OidcProviderDouble
) -> None:
    """The code alone would do, but a provider is not asked before the state was looked at."""
    provider.person("subject-1", ANN)
    browser = web.browser()
    brought = provider.sign_in(begin(browser))
    require_refused(web, end(browser, brought | {"state": "x" * 43}))
    assert "/token" not in provider.asked


@pytest.mark.parametrize(
    "brought",
    [
        {}, {"state": ""}, {"code": "x"}, {"state": "\u00e9", "code": "x"},
        {"error": "access_denied", "state": "x"},
    ],
)  # fmt: skip
def test_a_faulty_answer_is_refused(web: WebExample, brought: dict[str, str]) -> None:
    browser = web.browser()
    begin(browser)
    require_refused(web, end(browser, brought))


def test_nobody_is_led_to_another_site(web: WebExample, provider: OidcProviderDouble) -> None:
    provider.person("subject-1", ANN)
    for to in ("//evil.example", "https://evil.example", "/\\evil.example"):
        assert "/overview" == sign_in(web, provider, to).headers["location"]


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://evil.example/token"},
        {"jwks_uri": None},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"padding": "x" * 300_000},
    ],
    ids=lambda each: next(iter(each)),
)
def test_a_provider_that_says_something_else_is_not_used(
    web: WebExample, provider: OidcProviderDouble, metadata: dict[str, Any]
) -> None:
    provider.metadata = metadata
    answer = web.browser().get("/sign-in/oidc")
    assert 503 == answer.status_code
    assert "does not answer" in answer.text
    assert 200 == web.browser().get("/sign-in").status_code


def test_a_provider_that_takes_the_secret_in_the_form(
    web: WebExample, provider: OidcProviderDouble
) -> None:
    provider.metadata = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    provider.person("subject-1", ANN)
    assert 303 == sign_in(web, provider).status_code


def test_who_has_a_second_factor_needs_it_here_too(
    web: WebExample, provider: OidcProviderDouble
) -> None:
    provider.person("subject-1", ANN)
    browser = web.browser()
    end(browser, provider.sign_in(begin(browser)))
    page = browser.send("/account/second-factor", "/account")
    secret = page.text.partition('id="secret">')[2].partition("<")[0]
    code = pyotp.TOTP(secret).at(web.hub.clock.at)
    browser.send("/account/second-factor/confirm", "/account", code=code)
    assert "/sign-in" == sign_in(web, provider).headers["location"]


def test_what_is_derived_from_a_secret_differs() -> None:
    made = {derived(secret, what) for secret in ("a", "b") for what in ("state", "nonce", "x")}
    assert 6 == len(made)
    assert {43} == {len(each) for each in made}


@pytest.mark.parametrize(
    ("oidc", "told"),
    [
        ({"issuer": "http://id.example.org"}, "write the issuer"),
        ({"issuer": "https://user:pw@id.example.org"}, "write the issuer"),
        ({"issuer": "https://id.example.org:x"}, "write the issuer"),
        ({"issuer": "https://id.example.org", "match": "name"}, "match"),
        ({"issuer": "https://id.example.org", "more": 1}, "more"),
    ],
)
def test_a_faulty_provider_in_the_file_is_told(
    tmp_path: Path, clock: SetClock, oidc: dict[str, Any], told: str
) -> None:
    hub = hub_with(tmp_path, clock, **oidc)
    with pytest.raises((UsageError, FaultyDocument), match=told):
        read_hub(hub.hub)


def test_a_missing_secret_is_told(tmp_path: Path, clock: SetClock) -> None:
    hub = hub_with(tmp_path, clock, issuer="https://id.example.org")
    secret = hub.hub / "client-secret"
    secret.write_text("\n")
    with pytest.raises(UsageError, match="the first line must hold"), web_example(hub):
        pass
    secret.unlink()
    with pytest.raises(UsageError, match="cannot be read: No such file"), web_example(hub):
        pass
