"""People sign in at a hub: nobody learns who has an account, and no session is forced on anyone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pyotp
import pytest

from harness.model.access_event import AccessEvent, SignedIn, SignedOut, SignInRefused
from harness.model.hub_access import Role
from harness.store.hub.password_hashes import is_password
from harness.store.hub.people import Person
from harness.store.hub.sign_in import Origin
from reports.dashboard.account_parts import local_path
from test_suites.kit.hubs.hub_example import HubExample
from test_suites.kit.hubs.web_example import (
    HOLDS,
    PASSWORD,
    SESSION_COOKIE,
    Browser,
    WebExample,
    web_example,
)

WRONG = "not the right password"
KNOWN = "__Host-accredit_known"


@pytest.fixture
def web(tmp_path: Path) -> Iterator[WebExample]:
    with web_example(HubExample(tmp_path).make()) as made:
        yield made


def with_second_factor(web: WebExample, person: Person) -> pyotp.TOTP:
    """Give a person a second factor, of a code that was used a step before now."""
    own, browser = web.accounts.own, web.browser()
    browser.sign_in(person.email)
    session = web.accounts.sign_in.by_session(browser.secret)
    assert session is not None
    totp = pyotp.TOTP(own.offer_second_factor(person.id, PASSWORD))
    own.confirm_second_factor(session, totp.at(web.hub.clock.at))
    web.hub.clock.at += timedelta(seconds=30)
    return totp


def test_a_person_signs_in_and_out(web: WebExample) -> None:
    ann = web.add(Role.ASSESSOR, "ann@example.org", "Ann")
    browser = web.browser()
    answer = browser.sign_in(" Ann@Example.org ", to="/plans?state=open")

    assert (303, "/plans?state=open") == (answer.status_code, answer.headers["location"])
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{SESSION_COOKIE}=")
    for part in ("HttpOnly", "SameSite=lax", "Secure", "Path=/"):
        assert part in cookie
    assert "Domain" not in cookie
    secret = browser.secret
    assert 303 == browser.send("/sign-out", "/states").status_code
    assert web.accounts.sign_in.by_session(secret) is None
    kinds = [(type(each), each.actor, each.person) for each in web.log()][-2:]
    assert [(SignedIn, "Ann", ann.id), (SignedOut, "Ann", ann.id)] == kinds


def test_without_tls_the_cookie_has_its_plain_name(tmp_path: Path) -> None:
    with web_example(HubExample(tmp_path).make(), is_secure=False) as web:
        person, browser = web.add(), web.browser()
        cookie = browser.sign_in(person.email).headers["set-cookie"]
    assert cookie.startswith("accredit_session=")
    assert "Secure" not in cookie


def refusal(answer_of: Browser, email: str, password: str) -> tuple[int, str]:
    """What is told, without what was typed and the token of the form."""
    answer = answer_of.sign_in(email, password)
    text = answer.text.replace(email, "")
    return answer.status_code, text.replace(answer_of.csrf(), "")


def test_all_refusals_look_the_same(web: WebExample) -> None:
    web.add(Role.ASSESSOR, "known@example.org")
    web.add(Role.ASSESSOR, "gone@example.org")
    web.accounts.accounts.disable("gone@example.org", "left", actor="x")
    web.accounts.accounts.add("oidc@example.org", "O", HOLDS[Role.ASSESSOR], actor="x")
    browser = web.browser()
    told = {
        refusal(browser, "known@example.org", WRONG),
        refusal(browser, "absent@example.org", WRONG),
        refusal(browser, "gone@example.org", PASSWORD),
        refusal(browser, "oidc@example.org", ""),
        refusal(browser, "no address", WRONG),
    }
    assert 1 == len(told)
    assert 403 == next(iter(told))[0]


def test_a_password_that_was_changed_meanwhile_begins_no_session(
    web: WebExample, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = web.add()

    def looked_at(hashed: str, password: str) -> bool:
        found = is_password(hashed, password)
        web.accounts.accounts.set_password(person.email, "eleven blue trams at noon", actor="x")
        return found

    monkeypatch.setattr("harness.store.hub.sign_in.is_password", looked_at)
    assert web.browser().sign_in(person.email).status_code == 403
    assert [] == web.accounts.own.sessions()


def test_a_refusal_takes_a_hash_whether_or_not_there_is_an_account(
    web: WebExample, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = web.add()
    looked_at: list[str] = []
    real = is_password

    def counted(hashed: str, password: str) -> bool:
        looked_at.append(hashed)
        return real(hashed, password)

    monkeypatch.setattr("harness.store.hub.sign_in.is_password", counted)
    for email in (person.email, "absent@example.org"):
        web.browser().sign_in(email, WRONG)
    assert [person.password, ""] == looked_at


def test_what_was_refused_is_in_the_log_without_what_was_typed(web: WebExample) -> None:
    person = web.add()
    web.browser("192.0.2.7").sign_in(person.email, WRONG)
    web.browser("192.0.2.8").sign_in("my secret password", WRONG)

    known, unknown = web.log()[-2:]
    web.accounts.accounts.disable(person.email, "left", actor="x")
    web.browser("192.0.2.9").sign_in(person.email)
    assert isinstance(web.log()[-1], SignInRefused), "with the right password, too"
    assert isinstance(known, SignInRefused)
    assert isinstance(unknown, SignInRefused)
    assert (person.id, "192.0.2.7") == (known.person, known.address)
    assert ("", "192.0.2.8", "somebody unknown") == (unknown.person, unknown.address, unknown.actor)
    assert not any(word in str(web.log()) for word in (WRONG, "my secret password"))


def tries(web: WebExample, email: str, number: int, address: str = "192.0.2.1") -> None:
    browser = web.browser(address)
    for _ in range(number):
        browser.sign_in(email, WRONG)


def test_guessing_an_account_is_slowed_down_from_every_address(web: WebExample) -> None:
    person = web.add()
    for number in range(5):
        tries(web, person.email, 1, f"192.0.2.{number}")
    events = len(web.log())
    assert 403 == web.browser("192.0.2.77").sign_in(person.email).status_code
    assert events == len(web.log()), "a try that has to wait is looked at no further"
    web.hub.clock.at += timedelta(seconds=1)
    tries(web, person.email, 1)
    web.hub.clock.at += timedelta(seconds=1)
    assert 403 == web.browser().sign_in(person.email).status_code, "the wait doubles"
    web.hub.clock.at += timedelta(seconds=1)
    assert 303 == web.browser().sign_in(person.email).status_code
    assert 303 == web.browser().sign_in(person.email).status_code, "a success ends the wait"


def test_guessing_many_accounts_from_one_address_is_slowed_down(web: WebExample) -> None:
    person = web.add()
    for number in range(20):
        tries(web, f"a{number}@example.org", 1, "2001:db8:0:1::1")
    assert 403 == web.browser("2001:db8:0:1::2").sign_in(person.email).status_code
    assert 303 == web.browser("2001:db8:0:2::2").sign_in(person.email).status_code


def test_who_names_an_address_is_not_believed(web: WebExample) -> None:
    """Only the server's own setting of proxies puts another address in place of the client's."""
    person, browser = web.add(), web.browser("127.0.0.1")
    headers = {"X-Forwarded-For": "198.51.100.1, 203.0.113.9"}
    fields = {"csrf": browser.csrf(), "email": person.email, "password": WRONG}
    browser.post("/sign-in", fields, headers=headers)
    refused = web.log()[-1]
    assert isinstance(refused, SignInRefused)
    assert refused.address == "127.0.0.1"


def test_a_known_browser_signs_in_while_others_guess(web: WebExample) -> None:
    person, known = web.add(), web.browser("192.0.2.50")
    answer = known.sign_in(person.email)
    cookie = next(
        each for each in answer.headers.get_list("set-cookie") if "accredit_known" in each
    )
    for part in ("__Host-", "HttpOnly", "SameSite=lax", "Secure", "Max-Age=15552000"):
        assert part in cookie
    first = known.client.cookies[KNOWN]
    for number in range(30):  # also from the address of the known browser
        tries(web, person.email, 1, "192.0.2.50" if number % 2 else f"192.0.2.{number}")
    known.send("/sign-out", "/states")
    assert web.browser("192.0.2.99").sign_in(person.email).status_code == 403
    assert known.sign_in(person.email).status_code == 303
    assert known.client.cookies[KNOWN] != first, "each sign-in gives another mark"
    assert web.browser("192.0.2.99").sign_in(person.email).status_code == 403, "waits go on"


def test_a_known_browser_has_as_many_guesses_as_an_account(web: WebExample) -> None:
    person, known = web.add(), web.browser()
    known.sign_in(person.email)
    known.send("/sign-out", "/states")
    for _ in range(5):
        assert known.sign_in(person.email, WRONG).status_code == 403
    assert known.sign_in(person.email).status_code == 403, "a stolen mark guesses no faster"
    assert web.browser().sign_in(person.email).status_code == 303, "and keeps nobody else out"


@pytest.mark.parametrize("ending", ["password", "closed", "age", "other person", "changed"])
def test_a_mark_ends(web: WebExample, ending: str) -> None:
    person, known = web.add(), web.browser()
    other = web.add(Role.SCHEME_OWNER)
    known.sign_in(person.email)
    mark, password, email = known.client.cookies[KNOWN], PASSWORD, person.email
    match ending:
        case "password":
            password = "eleven blue trams at noon"
            web.accounts.accounts.set_password(email, password, actor="x")
        case "closed":
            web.accounts.accounts.disable(email, "left", actor="x")
        case "age":
            web.hub.clock.at += timedelta(days=181)
        case "other person":
            email = other.email
        case _:
            mark = mark[:-1] + ("0" if mark[-1] != "0" else "1")
    for number in range(6):
        tries(web, email, 1, f"192.0.2.{number}")
    sign_in = web.accounts.sign_in
    assert sign_in.with_password(email, password, Origin("192.0.2.9", "x", mark)) is None


def test_no_session_is_taken_from_the_browser(web: WebExample) -> None:
    """An attacker's session in the browser becomes nobody else's (fixation)."""
    person, browser = web.add(), web.browser()
    browser.client.cookies.set(SESSION_COOKIE, "planted-by-an-attacker", domain="hub.example.org")
    browser.sign_in(person.email)
    assert browser.secret not in ("", "planted-by-an-attacker")
    assert web.accounts.sign_in.by_session("planted-by-an-attacker") is None


def test_the_second_factor_gives_a_new_session(web: WebExample) -> None:
    person = web.add()
    totp = with_second_factor(web, person)
    browser = web.browser()
    answer = browser.sign_in(person.email, to="/plans")
    assert "/sign-in?to=%2Fplans" == answer.headers["location"]
    half = browser.secret
    page = browser.get("/sign-in?to=/plans").text
    assert "Give your code" in page
    assert "/account" not in page, "nobody is signed in yet"
    code = totp.at(web.hub.clock.at)
    answer = browser.send("/sign-in/code", "/sign-in", code=f"{code[:3]} {code[3:]}", to="/plans")
    assert "/plans" == answer.headers["location"]
    assert browser.secret not in ("", half)
    assert web.accounts.sign_in.by_session(half) is None


def test_a_code_counts_once(web: WebExample) -> None:
    person = web.add()
    totp = with_second_factor(web, person)
    code = totp.at(web.hub.clock.at)
    for status in (303, 403):
        browser = web.browser()
        browser.sign_in(person.email)
        assert status == browser.send("/sign-in/code", "/sign-in", code=code).status_code


@pytest.mark.parametrize(
    ("seconds", "status"), [(-60, 403), (-30, 403), (0, 303), (30, 303), (60, 403)]
)
def test_a_code_is_one_step_around_now_and_never_before_the_last(
    web: WebExample, seconds: int, status: int
) -> None:
    person = web.add()
    totp = with_second_factor(web, person)
    browser = web.browser()
    browser.sign_in(person.email)
    code = totp.at(web.hub.clock.at + timedelta(seconds=seconds))
    assert status == browser.send("/sign-in/code", "/sign-in", code=code).status_code


def test_codes_cannot_be_guessed_fast(web: WebExample) -> None:
    person = web.add()
    totp = with_second_factor(web, person)
    browser = web.browser()
    browser.sign_in(person.email)
    for _ in range(5):
        browser.send("/sign-in/code", "/sign-in", code="000000")
    right = totp.at(web.hub.clock.at)
    assert 403 == browser.send("/sign-in/code", "/sign-in", code=right).status_code


def test_a_half_session_ends_soon_and_shows_nothing(web: WebExample) -> None:
    person = web.add(Role.ADMINISTRATOR)
    totp = with_second_factor(web, person)
    browser = web.browser()
    browser.sign_in(person.email)
    held = web.accounts.sign_in.by_session(browser.secret)
    assert held is not None
    assert not held.is_complete
    web.hub.clock.at += timedelta(minutes=10)
    code = totp.at(web.hub.clock.at)
    assert web.accounts.sign_in.with_code(browser.secret, code, _origin()) is None


def _origin() -> Origin:
    return Origin("192.0.2.1", "a browser")


@pytest.mark.parametrize(
    "to",
    [
        "//evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example",
        "/\t/evil.example", "/\n/evil.example", "javascript:alert(1)", "evil.example", "",
        "/\x7f", "/a\\b", "/é", "/" + "a" * 3000, "/sign-in?to=/a", "/api/v1/people",
    ],
)  # fmt: skip
def test_nobody_is_led_to_another_site(web: WebExample, to: str) -> None:
    person = web.add()
    answer = web.browser().sign_in(person.email, to=to)
    assert (303, "/overview") == (answer.status_code, answer.headers["location"])


def test_paths_of_the_hub_stay_as_they_are() -> None:
    for path in ("/", "/plans", "/items?state=bad&page=2", "/services/a%20b"):
        assert path == local_path(path)


def test_the_sign_in_page_asks_no_database(
    web: WebExample, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        type(web.registry), "transaction", lambda *_, **__: pytest.fail("the database was asked")
    )
    assert 200 == web.browser().get("/sign-in").status_code
    browser = web.browser()
    browser.get("/sign-in")
    assert 200 == browser.get("/sign-in").status_code


def test_who_is_not_signed_in_is_led_to_the_sign_in_page_and_back(web: WebExample) -> None:
    person, browser = web.add(), web.browser()
    page = browser.get("/sign-in", params={"to": "/plans?a=1&b=%2F"})
    assert 'name="to" value="/plans?a=1&amp;b=%2F"' in page.text
    assert "/plans" == browser.sign_in(person.email, to="/plans").headers["location"]
    assert "/overview" == browser.get("/sign-in").headers["location"]


def test_signing_in_again_ends_the_session_in_use(web: WebExample) -> None:
    browser = web.signed_in()
    first = browser.secret
    fields = {"csrf": browser.csrf("/states"), "email": web.add(Role.SCHEME_OWNER).email}
    browser.post("/sign-in", fields | {"password": PASSWORD})
    assert web.accounts.sign_in.by_session(first) is None
    assert isinstance(web.log()[-1], AccessEvent)


@pytest.mark.parametrize(
    ("idle", "steps", "is_open"),
    [(29, 1, True), (30, 1, False), (29, 24, True), (29, 25, False)],
)
def test_sessions_end_when_idle_and_after_half_a_day(
    web: WebExample, idle: int, steps: int, is_open: bool
) -> None:
    browser = web.signed_in()
    found = None
    for _ in range(steps):
        web.hub.clock.at += timedelta(minutes=idle)
        found = web.accounts.sign_in.by_session(browser.secret)
    assert is_open == (found is not None)
