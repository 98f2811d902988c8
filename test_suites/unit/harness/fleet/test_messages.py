"""Messages and tokens come back as they were; what is none is refused in a sentence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.fleet.identity import Identity
from harness.fleet.messages import (
    AgentStatus,
    Enrol,
    Invitation,
    Message,
    PartReceived,
    Poll,
    Refused,
    RunReceived,
    RunReport,
    UploadPart,
    encode,
    read_from_agent,
    read_from_hub,
    read_token,
)

DIGEST = "ab" * 32
INVITATION = Invitation(hub=Identity.new().public, secret="s" * 22)


@pytest.mark.parametrize(
    "message",
    [
        Enrol(token=INVITATION.token(), version="1", platform="Linux"),
        Poll(status=AgentStatus(version="1"), serial=3),
        UploadPart(sha256=DIGEST, size=3, offset=0, data=b"abc"),
        RunReport(run="{}", bundle=DIGEST),
    ],
)
def test_messages_of_agents_come_back(message: Message) -> None:
    assert read_from_agent(encode(message)) == message
    with pytest.raises(UsageError, match="not a message of a hub"):
        read_from_hub(encode(message))


@pytest.mark.parametrize(
    "message",
    [
        PartReceived(sha256=DIGEST, held=3),
        RunReceived(run="run:a", is_new=True),
        Refused(reason="revoked", words="it was stolen"),
    ],
)
def test_messages_of_hubs_come_back(message: Message) -> None:
    assert read_from_hub(encode(message)) == message
    with pytest.raises(UsageError, match="not a message of an agent"):
        read_from_agent(encode(message))


@given(st.binary(max_size=200))
def test_what_is_no_message_is_refused(content: bytes) -> None:
    for read in (read_from_agent, read_from_hub):
        with pytest.raises(UsageError, match="not a message"):
            read(content)


def test_a_token_comes_back_also_with_line_breaks() -> None:
    token = INVITATION.token()

    assert read_token(token) == INVITATION
    assert read_token(f" {token[:40]}\n{token[40:]}\n") == INVITATION


@pytest.mark.parametrize("cut", [1, 10, 100])
def test_a_token_that_is_not_whole_is_refused_without_quoting_it(cut: int) -> None:
    token = INVITATION.token()

    for faulty in (token[:-cut], token[cut:], ""):
        with pytest.raises(UsageError, match="the token is not whole") as caught:
            read_token(faulty)
        assert INVITATION.secret not in str(caught.value)
        assert token[30:60] not in str(caught.value)


def test_the_hub_keeps_a_digest_that_does_not_show_the_secret() -> None:
    assert INVITATION.secret not in INVITATION.digest
    assert len(INVITATION.digest) == 64
