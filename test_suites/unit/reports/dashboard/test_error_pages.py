"""Refusals and failures as pages of words: nothing of an error's own words leaves the process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi import APIRouter

from harness.errors import InstrumentError, UsageError
from harness.model.hub_access import Role
from harness.store.registry.opening import open_registry
from reports.dashboard.access import NotHere, Refusal, SignInNeeded
from reports.dashboard.agent_api import RequestLine
from test_suites.kit.hubs.hub_pages import example_viewers
from test_suites.kit.hubs.hub_serving import NOW, Asker, app_of

FAILURES: dict[str, tuple[Exception, int, str]] = {
    "missing": (NotHere(), 404, "There is no such page for you"),
    "refused": (Refusal(403, "You may not close this", "Ask Grace Lee."), 403, "Ask Grace Lee."),
    "wrong": (UsageError("PRIVATE stream of another"), 400, "This is not possible"),
    "busy": (InstrumentError("PRIVATE database at 10.0.0.1"), 503, "cannot be answered now"),
    "broken": (KeyError("PRIVATE key"), 500, "Something went wrong here"),
}


@pytest.fixture
def lines() -> list[RequestLine]:
    return []


@pytest.fixture
def asker(tmp_path: Path, lines: list[RequestLine]) -> Iterator[Asker]:
    router = APIRouter()

    def add(path: str, error: Exception) -> None:
        @router.get(path)
        def fail() -> None:
            raise error

    for name, (error, _, _) in FAILURES.items():
        add(f"/{name}", error)
        add(f"/api/v1/{name}", error)
    add("/own", SignInNeeded())
    with open_registry(tmp_path / "r.db", create=True) as registry:
        yield Asker(app_of(registry, (router,), example_viewers(), lines))


@pytest.mark.parametrize("role", ["", Role.ASSESSOR, Role.SCHOOL])
@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_is_a_page_of_words(
    asker: Asker, lines: list[RequestLine], name: str, role: str
) -> None:
    error, status, words = FAILURES[name]

    answer = asker.get(f"/{name}", role)

    assert (status, status) == (answer.status_code, lines[-1].status)
    assert words in answer.text
    assert "</footer>" in answer.text
    assert "PRIVATE" not in answer.text
    assert "Traceback" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    if not isinstance(error, Refusal):
        assert lines[-1].error


@pytest.mark.parametrize("role", ["", Role.ASSESSOR])
def test_a_page_says_of_what_time_it_is_and_when_it_is_late(tmp_path: Path, role: str) -> None:
    """It never says that figures are of now because the page is asked for now."""
    notice, asked = "These pages are not up to date", "/no-such-page"
    with open_registry(tmp_path / "r.db", create=True) as registry:
        answered = {
            minutes: Asker(app_of(registry, (), example_viewers(), rows_of=at)).get(asked, role).text
            for minutes, at in {
                3: NOW - timedelta(minutes=3), 40: NOW - timedelta(minutes=40), None: None,
            }.items()
        }  # fmt: skip

    assert "Figures as of 20\N{NO-BREAK SPACE}Nov 2026, 08:57 UTC" in answered[3]
    assert notice not in answered[3]
    assert "Figures as of 20\N{NO-BREAK SPACE}Nov 2026, 08:20 UTC" in answered[40]
    assert notice in answered[40]
    assert "recorded after 20\N{NO-BREAK SPACE}Nov 2026, 08:20 UTC" in answered[40]
    assert "Figures of an unknown time" in answered[None]
    assert notice in answered[None]


def test_the_log_says_what_went_wrong_and_where(asker: Asker, lines: list[RequestLine]) -> None:
    asker.get("/broken")
    asker.get("/wrong")

    assert lines[0].error.startswith("unexpected error: KeyError at test_error_pages.py:")
    assert "PRIVATE stream of another" == lines[1].error


@pytest.mark.parametrize("name", FAILURES)
def test_below_the_api_a_failure_is_json(asker: Asker, name: str) -> None:
    answer = asker.get(f"/api/v1/{name}")

    assert FAILURES[name][1] == answer.status_code
    assert {"title", "detail"} == set(json.loads(answer.content))
    assert "PRIVATE" not in answer.text


def test_other_addresses_and_methods_are_pages_too(asker: Asker) -> None:
    missing, method = asker.get("/nothing/here"), asker.send("PUT", "/static/hub.css")

    assert (404, True) == (missing.status_code, "There is no such page for you" in missing.text)
    assert method.status_code in (403, 405)
    assert "</footer>" in method.text


def test_who_has_not_signed_in_is_led_there_and_back(asker: Asker) -> None:
    page = asker.get("/own?a=1&b=%2F")
    part = asker.get("/own", headers={"HX-Request": "true"})

    assert (303, "/sign-in?to=/own%3Fa%3D1%26b%3D%252F") == (
        page.status_code, page.headers["location"],
    )  # fmt: skip
    assert (200, "/sign-in?to=/own", b"") == (
        part.status_code, part.headers["hx-redirect"], part.content,
    )  # fmt: skip
