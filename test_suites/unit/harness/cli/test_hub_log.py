"""Lines of a hub's log have one shape, and hold nothing that no log may hold."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from fastapi import APIRouter
from hypothesis import given
from hypothesis import strategies as st

from harness.cli.hub_log import LONGEST, HubLog, logging_to, without_secrets
from harness.cli.printing import warn
from harness.store.registry.opening import open_registry
from reports.dashboard.agent_api import RequestLine
from test_suites.kit.clocks.set_clock import SetClock
from test_suites.kit.hubs.hub_example import NOW
from test_suites.kit.hubs.hub_serving import app_of

Lines = Callable[[], list[dict[str, object]]]


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Lines:
    return lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("the mail to ann.o'neil@example.org failed", "the mail to (an address) failed"),
        ("<ann@example.org>: refused", "<(an address)>: refused"),
        ("GET https://h.example/a?token=abc went wrong", "GET https://h.example/a?... went wrong"),
        ("token accredit-agent-" + "a" * 40, "token (a token)"),
        ("is it so? yes", "is it so? yes"),
        ("two\nlines\x1b", "two lines\\x1b"),
        ("x" * 2000, "x" * LONGEST),
    ],
)
def test_what_no_log_may_hold_is_replaced(said: str, written: str) -> None:
    assert written == without_secrets(said)


def test_passwords_of_databases_are_not_written() -> None:
    assert "geheim" not in without_secrets("postgresql://ann:geheim@db/accredit: refused")


@given(st.text())
def test_any_text_becomes_one_line(said: str) -> None:
    written = without_secrets(said)
    assert len(written) <= LONGEST
    assert [written] == (written.splitlines() or [""])


def line(**changes: object) -> RequestLine:
    values: dict[str, object] = {
        "at": NOW, "id": "1", "client": "192.0.2.7", "method": "GET", "path": "/x", "status": 200,
        "received": 0, "sent": 5, "seconds": 0.1,
    }  # fmt: skip
    return RequestLine(**(values | changes))  # type: ignore[arg-type]  # by name


@pytest.mark.parametrize(
    ("changes", "level"),
    [({}, "info"), ({"status": 404}, "info"), ({"status": 503, "error": "x@y.z"}, "error")],
)
def test_a_request_has_a_level(lines: Lines, changes: dict[str, object], level: str) -> None:
    HubLog(SetClock(NOW)).request(line(**changes))

    (written,) = lines()
    assert ("2026-03-02T06:00:00Z", level, "request") == (
        written["at"], written["level"], written["event"],
    )  # fmt: skip
    assert written.get("error", "(an address)") == "(an address)"


def test_warnings_of_all_threads_and_libraries_go_to_the_log_meanwhile(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with logging_to(HubLog(SetClock(NOW))):
        warn("the disk is full")
        logging.getLogger("uvicorn.error").warning("slow\nTraceback")
        logging.getLogger("asyncio").error("a task failed", exc_info=ValueError("secret"))
        logging.getLogger("asyncio").info("not worth a line")
    warn("as ever")

    *written, last = capsys.readouterr().err.splitlines()
    found = [json.loads(each) for each in written]
    assert "accredit: warning: as ever" == last
    assert [
        ("warning", "warning", "the disk is full"),
        ("warning", "library", "slow"),
        ("error", "library", "a task failed (ValueError)"),
    ] == [(each["level"], each["event"], each["words"]) for each in found]


@pytest.mark.parametrize(("path", "error"), [("/broken", ValueError), ("/api/v1/broken", OSError)])
def test_the_page_of_an_error_shows_the_number_that_the_log_has(
    tmp_path: Path, path: str, error: type[Exception]
) -> None:
    routes, lines = APIRouter(), list[RequestLine]()

    @routes.get(path)
    def broken() -> None:
        raise error("a secret of another supplier")

    with open_registry(tmp_path / "r.sqlite", create=True) as registry:
        app = app_of(registry, (routes,), {}, lines)

        async def ask() -> tuple[httpx.Response, httpx.Response]:
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://hub") as client:
                return await client.get(path, params={"t": "1"}), await client.get("/nothing")

        answer, missing = asyncio.run(ask())
    assert 404 == missing.status_code

    failed, other = lines
    assert 500 == answer.status_code
    assert failed.id in answer.text
    assert "secret" not in answer.text
    assert f"unexpected error: {error.__name__} at test_hub_log.py:" in failed.error
    assert (path, "other") == (failed.path, other.path)
    assert failed.id != other.id
