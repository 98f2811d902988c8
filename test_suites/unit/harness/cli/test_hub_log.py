"""Lines of a hub's log have one shape, and hold nothing that no log may hold."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cli.hub_log import LONGEST, HubLog, logging_to, without_secrets
from harness.cli.printing import warn
from reports.dashboard.agent_api import RequestLine
from test_suites.set_clock import SetClock
from test_suites.unit.harness.cli.hub_example import NOW

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
