"""What ``accredit serve`` writes to standard error is what the page about logs says."""

from __future__ import annotations

import json
import re

import pytest

from harness.fleet.messages import AgentStatus, Poll
from test_suites.kit.hubs.hub_example import HubExample
from test_suites.kit.rooms import ROOT
from test_suites.processes.test_serve import JSON, MESSAGES, example, serving

__all__ = ["example"]

PAGE = (ROOT / "docs/reference/hub-logs.md").read_text(encoding="utf-8")


def described() -> dict[str, set[str]]:
    """The fields of each event by the page."""
    found: dict[str, set[str]] = {}
    event = ""
    for first, fields in re.findall(r"^\| (`[a-z]+`)? ?\| (`[^|]+`) \|", PAGE, re.MULTILINE):
        event = first.strip("`") or event
        found.setdefault(event, set()).update(re.findall(r"`([a-z]+)`", fields))
    return found


def test_each_line_is_json_of_the_documented_shape(example: HubExample) -> None:
    token = example.invite()
    with serving(example) as server:
        agent = example.device(token, server.send)
        agent.enrol(token)
        example.service.file.unlink()
        agent.ask(Poll(status=AgentStatus(version="1")))
        server.client.get("/x", params={"token": "of-the-query"})
        server.client.get("/health/ready?token=of-the-query")
        server.client.post(MESSAGES, content=b"in-the-body", headers=JSON)
        code, log = server.stop()

    assert 0 == code
    lines = [json.loads(line) for line in log.splitlines()]
    fields, optional = described(), {"error"}
    for line in lines:
        assert {"at", "level", "event"} <= line.keys()
        assert line["level"] in {"info", "warning", "error"}
        own = line.keys() - {"at", "level", "event"}
        assert own | optional == fields[line["event"]] | optional, line
    requests = [line for line in lines if line["event"] == "request"]
    assert [MESSAGES, MESSAGES, "other", "/health/ready", MESSAGES] == [
        line["path"] for line in requests
    ]
    assert len(requests) == len({line["id"] for line in requests})
    proxies, order = [line["words"] for line in lines if line["event"] == "warning"]
    assert proxies.startswith("hub.yaml names no proxies")
    assert order.startswith("no order for agent")
    for secret in (token[20:60], "of-the-query", "in-the-body"):
        assert secret not in log


def test_the_examples_have_the_documented_fields() -> None:
    (block,) = re.findall(r"^```json\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    for line in map(json.loads, block.splitlines()):
        own = line.keys() - {"at", "level", "event"}
        assert described()[line["event"]] - {"error"} == own


@pytest.mark.parametrize("event", ["request", "warning", "library"])
def test_each_event_is_described(event: str) -> None:
    assert described()[event]
