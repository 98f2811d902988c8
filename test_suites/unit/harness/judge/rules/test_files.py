"""A file that arrived was let through, whatever else its answer says."""

from __future__ import annotations

from typing import Any

import pytest

from harness.judge.judge import judge_trial
from harness.model.observation import Failure
from harness.model.verdict import State
from test_suites.kit.campaigns.trials import trial, web

NOTICE = "Access to this website has been blocked by your school. Ask your teacher if you need it."
SAYS: dict[str, Any] = {
    "canary": "absent",
    "headers": (("x-blocked", "malware found"),),
    "title": "Access denied",
    "text": NOTICE,
    "text_length": len(NOTICE),
}


@pytest.mark.parametrize(
    ("case", "control", "tried"),
    [
        ("none by WebSocket binary frame", {"status": 101}, True),
        ("none by WebSocket binary frame", {"status": 200}, False),
        ("none by keep-alive after clean file", {"kept": True}, True),
        ("none by keep-alive after clean file", {}, False),
        ("none by HTTP pipelined second response", {}, False),
        ("none by HTTPS GET", {}, True),
    ],
)
def test_a_connection_that_the_control_did_not_have_was_not_tried(
    case: str, control: dict[str, Any], tried: bool
) -> None:
    stratum = f"MALW.MAL/file:{case}"
    verdict = judge_trial(
        trial(web(**SAYS, status=403), web(file="test string", **control), stratum=stratum)
    )

    assert (verdict.rule != "control-without-connection") is tried
    assert verdict.state is (State.BLOCKED if tried else State.DOWN)


def test_a_websocket_that_ends_without_a_message_is_no_block() -> None:
    stratum = "MALW.MAL/file:none by WebSocket binary frame"
    ended = Failure(name="eof_error", stage="response")
    accepted = web(canary="absent", asked=True, status=101, body_length=0)
    verdict = judge_trial(
        trial(accepted, web(file="test string", status=101), stratum=stratum, failure=ended)
    )

    assert verdict.state not in (State.BLOCKED, State.ALLOWED)


@pytest.mark.parametrize("status", [200, 403, 451])
@pytest.mark.parametrize("file", ["test string", "agreed file"])
def test_a_file_that_arrives_is_let_through_whatever_the_answer_says(
    status: int, file: str
) -> None:
    control = web(file=file)
    arrived = judge_trial(trial(web(**SAYS, status=status, file=file), control))
    missing = judge_trial(trial(web(**SAYS, status=status), control))

    assert (arrived.state, arrived.rule) == (State.ALLOWED, "file-arrived")
    assert missing.state is State.BLOCKED
