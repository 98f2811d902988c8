"""The owner makes a hub, invites agents, and sees which of them measure."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from harness.cli.hub_agents import open_hub
from harness.cli.hub_file import read_hub, read_keys
from harness.errors import FaultyDocument, UsageError
from harness.fleet.messages import AgentStatus, ClockReport, Poll, SentinelBracket, UplinkReport
from harness.model.fleet_event import AgentInvited
from harness.model.stream import OWNER
from test_suites.kit.hubs.agent_double import hub_of
from test_suites.kit.hubs.hub_example import HILL, NOW, HubExample


@pytest.fixture
def example(tmp_path: Path) -> Iterator[HubExample]:
    made = HubExample(tmp_path).make()
    with made.running():
        yield made


def agents(example: HubExample) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = json.loads(
        example.accredit("hub", "agents", "--hub", str(example.hub), "--json")
    )
    return told


def test_a_hub_has_keys_that_only_its_owner_reads(example: HubExample) -> None:
    assert stat.S_IMODE((example.hub / "hub.keys").stat().st_mode) == 0o600
    assert stat.S_IMODE(example.hub.stat().st_mode) == 0o700
    assert hub_of(example.invite()) == read_keys(example.hub).public
    hub = read_hub(example.hub)
    assert (hub.url, hub.address) == ("https://hub.example.org", ("127.0.0.1", 8443))
    assert hub.registry == example.folder / "out/registry.sqlite"


def test_a_hub_is_made_once(example: HubExample) -> None:
    before = (example.hub / "hub.keys").read_bytes()

    with pytest.raises(UsageError, match="exists already"):
        example.make()
    assert (example.hub / "hub.keys").read_bytes() == before


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--url", "http://hub.example.org", "such as https://"),
        ("--url", "https://user@hub.example.org", "such as https://"),
        ("--url", "https://hub.example.org:x", "such as https://"),
        ("--listen", "0.0.0.0", "a host and a port"),
        ("--listen", "0.0.0.0:70000", "a host and a port"),
        ("--certificate", "absent.pem", "no certificate can be read: No such file"),
    ],
)
def test_a_faulty_hub_is_not_made(tmp_path: Path, option: str, value: str, told: str) -> None:
    example = HubExample(tmp_path)
    example.service.write()
    words = {"--monitoring": str(example.service.file), "--url": "https://hub.example.org"}
    words[option] = value
    given = [word for pair in words.items() for word in pair]

    with pytest.raises((UsageError, FaultyDocument), match=told):
        example.accredit("hub", "init", str(example.hub), *given)
    assert not (example.hub / "hub.yaml").exists()
    assert not (example.hub / "hub.keys").exists()


def test_a_folder_without_a_hub_or_keys_is_told(example: HubExample, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no hub here"):
        example.accredit("hub", "agents", "--hub", str(tmp_path / "absent"))
    (example.hub / "hub.keys").write_bytes(b"x" * 63)
    with (
        pytest.raises(UsageError, match="not a file of keys"),
        open_hub(example.hub, example.clock, print),
    ):
        pass
    (example.hub / "hub.keys").unlink()
    with pytest.raises(UsageError, match="the keys are missing"):
        example.invite()


def test_an_invitation_is_for_a_site_that_is_monitored(example: HubExample) -> None:
    for words, told in (
        (["--site", "Dale"], "no site 'Dale'"),
        (["--service", "Other"], "no service 'Other'"),
        (["--supplier", "Beta"], "is 'Acme', not 'Beta'"),
    ):
        given = ["--site", HILL, "--service", "Safe Net", *words]
        with pytest.raises(UsageError, match=told):
            example.accredit("hub", "agent", "invite", "--hub", str(example.hub), *given)
    assert agents(example) == []


def test_an_agent_without_an_order_is_not_invited(example: HubExample) -> None:
    (example.service.folder / "hill-school.yaml").unlink()

    with pytest.raises(UsageError, match=r"hill-school\.yaml: no such file"):
        example.invite()
    assert agents(example) == []


def test_invitations_are_numbered_and_keep_names_as_in_the_file(example: HubExample) -> None:
    example.invite("hill  SCHOOL", "--label", "the old laptop")
    example.invite("Vale School", "--by", "Ann")

    events = [each for each in example.events(OWNER) if isinstance(each, AgentInvited)]
    assert [(each.invitation, each.site, each.label) for each in events] == [
        ("I-0001", HILL, "the old laptop"), ("I-0002", "Vale School", "Vale School"),
    ]  # fmt: skip
    assert events[1].actor == "Ann"
    assert events[0].until == NOW + timedelta(days=7)


def bracket(minutes: int, *, held: bool = True, failed: str = "") -> SentinelBracket:
    at = NOW - timedelta(minutes=minutes)
    return SentinelBracket(schedule="daily", at=at, held=held, failed=failed)


@pytest.mark.parametrize(
    ("brackets", "state", "failed"),
    [
        ((), "silent", ""),
        ((bracket(121),), "silent", ""),
        ((bracket(120),), "alive", ""),
        ((bracket(5, held=False, failed="must-allow"),), "silent", "must-allow"),
        ((bracket(5, held=False, failed="must-allow"), bracket(60)), "alive", "must-allow"),
        ((bracket(5), bracket(60, held=False, failed="must-allow")), "alive", ""),
        ((bracket(-60),), "silent", ""),
    ],
)
def test_an_agent_lives_if_it_measured_not_if_it_polls(
    example: HubExample, brackets: tuple[SentinelBracket, ...], state: str, failed: str
) -> None:
    agent = example.agent()
    assert agents(example)[0]["state"] == "enrolled"
    agent.ask(Poll(status=AgentStatus(version="0.1.0", brackets=brackets)))

    view = agents(example)[0]
    assert (view["state"], view["failed"]) == (state, failed)


def test_the_list_shows_what_is_wrong(example: HubExample) -> None:
    agent, _ = example.agent(), example.invite()
    revoked = example.agent()
    example.accredit(
        "hub", "agent", "revoke", revoked.id, "--reason", "stolen", "--hub", str(example.hub)
    )
    uplink = UplinkReport(is_intercepted=True, seen="a" * 64, issuer="School Filter CA")
    status = AgentStatus(
        version="0.2.0", clock=ClockReport(offset=-31536000.0, bound=0.2, age=5.0), uplink=uplink,
        waiting=3, trouble="the disk is full",
    )  # fmt: skip
    agent.ask(Poll(status=status))

    assert [each["state"] for each in agents(example)] == ["silent", "invited", "revoked"]
    shown = example.accredit("hub", "agents", "--hub", str(example.hub))
    for told in ("School Filter CA", "-31536000.0 s", "the disk is full", "stolen", "I-0002"):
        assert told in " ".join(shown.split()), shown
    example.clock.at += timedelta(days=8)
    assert [each["state"] for each in agents(example)] == ["silent", "expired", "revoked"]


def test_the_list_says_since_when_an_agent_is_silent_and_how_it_reaches_the_hub(
    example: HubExample,
) -> None:
    agent = example.agent()
    uplink = UplinkReport(is_intercepted=False, seen="a" * 64, proxy="10.41.1.1:3128")
    agent.ask(Poll(status=AgentStatus(version="0.1.0")))

    assert "has not shown yet that it measures; said something last on" in words_of(example)
    assert agents(example)[0]["is_intercepted"] is None
    status = AgentStatus(version="0.1.0", brackets=(bracket(0),), uplink=uplink)
    agent.ask(Poll(status=status))
    assert "last on" not in words_of(example)
    example.clock.at += timedelta(hours=3)
    said = f"measured last on {NOW:%Y-%m-%d %H:%M} UTC; said something last on {NOW:%Y-%m-%d %H:%M} UTC"
    assert f"{said}; reaches the hub by the proxy 10.41.1.1:3128" in words_of(example)


def words_of(example: HubExample) -> str:
    """The notes of a table with one agent, whose lines may be broken anywhere."""
    shown = example.accredit("hub", "agents", "--hub", str(example.hub))
    return " ".join(shown.split())


def test_without_agents_the_list_says_how_to_invite_one(example: HubExample) -> None:
    assert "no agents; 'accredit hub agent invite'" in example.accredit(
        "hub", "agents", "--hub", str(example.hub)
    )


def test_a_revocation_is_for_good_and_the_device_may_come_with_new_keys(
    example: HubExample,
) -> None:
    agent = example.agent()
    example.accredit("hub", "agent", "revoke", agent.id, "--reason", "x", "--hub", str(example.hub))

    assert example.agent().id != agent.id
    assert [each["state"] for each in agents(example)] == ["revoked", "enrolled"]
