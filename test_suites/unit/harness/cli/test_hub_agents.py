"""A hub answers its own agents, and nobody else; a token enrols one device."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from harness.cli.hub_agents import MOST_BODY
from harness.cli.hub_reports import StoredReport
from harness.errors import UsageError
from harness.fleet.envelope import FORMAT, SUITE, Envelope, Header, read_envelope, seal
from harness.fleet.identity import Identity, PublicIdentity
from harness.fleet.messages import (
    Enrol,
    Enrolled,
    FetchPart,
    Introduction,
    Invitation,
    Message,
    NotAnswered,
    Polled,
    UploadPart,
    encode,
    read_token,
)
from harness.fleet.signed_time import TimeQuestion, reading_of
from harness.model.fleet_event import AgentEnrolled
from harness.model.stream import OWNER
from test_suites.kit.hubs.agent_double import INTRODUCTIONS, AgentDouble
from test_suites.kit.hubs.hub_example import HILL, NOW, POLL, HubExample, missed, refused


@pytest.fixture
def reports() -> list[StoredReport]:
    """The reports that were handed on."""
    return []


@pytest.fixture
def example(tmp_path: Path, reports: list[StoredReport]) -> Iterator[HubExample]:
    made = HubExample(tmp_path).make()
    with made.running(reports.append):
        yield made


@pytest.fixture
def agent(example: HubExample) -> AgentDouble:
    return example.agent()


# enrolment


def test_a_device_is_enrolled_once_by_a_token(example: HubExample) -> None:
    token = example.invite()
    agent = example.device(token)

    assert agent.enrol(token) == Enrolled(service="Safe Net", site=HILL)
    assert isinstance(agent.ask(POLL), Polled)
    assert "used already" in refused(example.device(token).enrol(token), "token")
    enrolled = [each for each in example.events(OWNER) if isinstance(each, AgentEnrolled)]
    assert [each.agent for each in enrolled] == [agent.id]


def test_a_lost_answer_to_an_enrolment_is_given_again(example: HubExample) -> None:
    token = example.invite()
    agent = example.device(token)
    agent.enrol(token)

    assert agent.enrol(token) == Enrolled(service="Safe Net", site=HILL)
    assert sum(isinstance(each, AgentEnrolled) for each in example.events(OWNER)) == 1


def test_an_expired_token_enrols_nobody(example: HubExample) -> None:
    token = example.invite(HILL, "--days", "1")
    example.clock.at += timedelta(days=1, seconds=1)

    assert "expired" in refused(example.device(token).enrol(token), "token")


def test_a_guessed_or_broken_token_enrols_nobody_and_is_not_quoted(example: HubExample) -> None:
    agent = example.device(example.invite())
    guessed = Invitation(hub=agent.hub, secret="g" * 43).token()
    elsewhere = Invitation(hub=Identity.new().public, secret="g" * 43).token()
    before = example.files_of_hub()

    for token in (guessed, elsewhere, "accredit-agent-x", "", "g" * 200):
        words = refused(agent.enrol(token), "token")
        assert "ggg" not in words
    assert not [each for each in example.events(OWNER) if isinstance(each, AgentEnrolled)]
    assert example.files_of_hub() == before


def test_the_registry_holds_no_secret_of_a_token(example: HubExample) -> None:
    token = example.invite()
    registry = (example.folder / "out/registry.sqlite").read_bytes()

    assert token.removeprefix("accredit-agent-").encode() not in registry
    secret = read_token(token).secret
    assert secret.encode() not in registry
    assert hashlib.sha256(secret.encode()).hexdigest().encode() in registry


def test_keys_that_everybody_could_read_with_are_not_enrolled(example: HubExample) -> None:
    """A point of low order makes the shared secret known to all (RFC 7748, 6.1)."""
    token = example.invite()
    agent = example.device(token)

    weak = PublicIdentity(signing=agent.keys.public.signing, sealing="00" * 32)
    header = Header(sender=weak.id, receiver=agent.hub.id, id="1" * 32, at=example.clock.at)
    message = encode(Enrol(token=token, version="1", platform="Linux"))
    padded = len(message).to_bytes(4, "big") + message
    sealed = SUITE.encrypt(padded, agent.hub.recipient, info=header.encoded())
    signature = agent.keys.signer.sign(header.encoded() + sealed)
    envelope = Envelope(format=FORMAT, header=header, sealed=sealed, signature=signature)
    body = msgspec.json.encode(
        Introduction(envelope=msgspec.Raw(envelope.encoded()), identity=weak)
    )
    with pytest.raises(NotAnswered, match="nothing can be encrypted"):
        example.send(body)
    assert not [each for each in example.events(OWNER) if isinstance(each, AgentEnrolled)]


# who is answered


def test_a_stranger_is_refused_without_a_sealed_answer(example: HubExample) -> None:
    stranger = example.device(example.invite())

    with pytest.raises(NotAnswered, match="not enrolled") as caught:
        stranger.ask(POLL)
    assert caught.value.refused.reason == "unknown"
    refused(stranger.ask(POLL, is_introduced=True), "unknown")


def test_nobody_speaks_in_the_name_of_an_agent(example: HubExample, agent: AgentDouble) -> None:
    thief = example.device(example.invite())
    envelope = seal(encode(POLL), thief.keys, thief.hub, example.clock.at)
    named = msgspec.structs.replace(envelope.header, sender=agent.id)
    for forged in (
        msgspec.structs.replace(envelope, header=named),
        Envelope(
            format=envelope.format, header=named, sealed=envelope.sealed,
            signature=thief.keys.signer.sign(named.encoded() + envelope.sealed),
        ),
    ):  # fmt: skip
        for is_introduced in (True, False):
            with pytest.raises(NotAnswered):
                example.send(thief.body_of(forged, is_introduced=is_introduced))


def test_a_message_counts_once(example: HubExample, agent: AgentDouble) -> None:
    body = agent.body(POLL)
    assert isinstance(agent.read(example.send(body)), Polled)

    for later in (timedelta(0), timedelta(minutes=9), timedelta(minutes=11), timedelta(days=2)):
        example.clock.at = NOW + later
        with pytest.raises(NotAnswered, match=r"came before|is dated"):
            example.send(body)


def test_an_enrolment_counts_once(example: HubExample) -> None:
    token = example.invite()
    agent = example.device(token)
    kept: list[bytes] = []

    def send(body: bytes) -> bytes:
        kept.append(body)
        return example.send(body)

    agent._send = send
    agent.enrol(token)

    with pytest.raises(NotAnswered, match="came before"):
        example.send(kept[0])


@pytest.mark.parametrize("minutes", [-11, 11])
def test_a_message_with_a_wrong_date_is_refused(
    example: HubExample, agent: AgentDouble, minutes: int
) -> None:
    body = agent.body(POLL, at=NOW + timedelta(minutes=minutes))

    with pytest.raises(NotAnswered, match="is dated"):
        example.send(body)


def test_a_message_to_another_hub_is_refused(example: HubExample, agent: AgentDouble) -> None:
    with pytest.raises(NotAnswered, match="to somebody else"):
        example.send(agent.body(POLL, hub=Identity.new().public))


def test_no_changed_byte_is_accepted_and_nothing_is_kept(
    example: HubExample, agent: AgentDouble
) -> None:
    envelope = read_envelope(bytes(INTRODUCTIONS.decode(agent.body(POLL)).envelope))
    before = example.accredit("hub", "agents", "--hub", str(example.hub), "--json")
    for at in range(0, len(envelope.sealed), 37):
        changed = bytearray(envelope.sealed)
        changed[at] ^= 1
        with pytest.raises(NotAnswered, match="was changed"):
            example.send(agent.body_of(msgspec.structs.replace(envelope, sealed=bytes(changed))))
    header = envelope.header
    for values in ({"id": "0" * 32}, {"at": header.at + timedelta(seconds=1)}):
        other = Header(**{**msgspec.structs.asdict(header), **values})
        with pytest.raises(NotAnswered, match="was changed"):
            example.send(agent.body_of(msgspec.structs.replace(envelope, header=other)))

    assert example.accredit("hub", "agents", "--hub", str(example.hub), "--json") == before
    assert isinstance(agent.read(example.send(agent.body_of(envelope))), Polled)


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"null", b"[" * 5000, b"\xff\xfe", b'{"envelope":{}}', b'{"envelope":1}']
)
def test_what_is_no_message_is_refused(example: HubExample, body: bytes) -> None:
    with pytest.raises(NotAnswered) as caught:
        example.send(body)
    assert caught.value.refused.reason == "faulty"


def test_too_large_a_body_is_refused_before_it_is_read(example: HubExample) -> None:
    with pytest.raises(NotAnswered) as caught:
        example.send(b"x" * (MOST_BODY + 1))
    assert caught.value.refused.reason == "too-large"


def test_a_message_that_is_none_is_told_to_its_sender(agent: AgentDouble) -> None:
    class Other(Message, frozen=True, kw_only=True, tag="other"):
        pass

    refused(agent.ask(Other()), "faulty")


def test_a_revoked_agent_is_told_so_and_nothing_of_it_is_taken(
    example: HubExample, agent: AgentDouble, reports: list[StoredReport]
) -> None:
    token = example.invite()
    with pytest.raises(UsageError, match="say why"):
        example.accredit(
            "hub", "agent", "revoke", agent.id, "--reason", " ", "--hub", str(example.hub)
        )
    example.accredit(
        "hub", "agent", "revoke", agent.id, "--reason", "stolen", "--hub", str(example.hub)
    )
    before = example.files_of_hub()

    part = UploadPart(sha256="a" * 64, size=3, offset=0, data=b"abc")
    for message in (POLL, part, missed(example), FetchPart(sha256="a" * 64, offset=0)):
        refused(agent.ask(message), "revoked")
    refused(agent.enrol(token), "revoked")
    assert reports == []
    assert example.files_of_hub() == before
    with pytest.raises(UsageError, match="was revoked on 2026-03-02"):
        example.accredit(
            "hub", "agent", "revoke", agent.id, "--reason", "x", "--hub", str(example.hub)
        )


def test_an_unknown_agent_cannot_be_revoked(example: HubExample) -> None:
    with pytest.raises(UsageError, match="no agent 'x' is enrolled"):
        example.accredit("hub", "agent", "revoke", "x", "--reason", "y", "--hub", str(example.hub))


def test_the_time_is_signed(example: HubExample, agent: AgentDouble) -> None:
    assert example.opened is not None
    question = TimeQuestion.new()
    answer = example.opened.answer_time(question)
    system = NOW - timedelta(days=400)

    reading = reading_of(answer, question, agent.hub, system=system, asked=1.0, answered=1.5)
    assert reading.offset == pytest.approx(400 * 86400 + 0.25)
