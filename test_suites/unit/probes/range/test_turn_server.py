"""The relay serves those who sign in, and leads to the origin's responder alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.model.marker import nonce_for, protocol_proof
from harness.model.observation import AttemptKey
from probes.net.stun_messages import (
    ALLOCATE,
    CREATE_PERMISSION,
    DATA,
    ERROR,
    INDICATION,
    NONCE,
    REALM,
    REQUEST,
    SEND,
    SUCCESS,
    USERNAME,
    XOR_PEER_ADDRESS,
    XOR_RELAYED_ADDRESS,
    Message,
    long_term_key,
    read_message,
    write_message,
    xor_address,
)
from probes.net.tunnel_pieces import Wanted, read_piece, write_wanted
from probes.range import turn_server
from probes.range.arrival_log import ArrivalLog
from probes.range.origin_pages import Pages
from probes.range.tunnel_pages import TunnelPages
from probes.range.turn_server import TurnServer

KEY, HOST, CLIENT, REALM_NAME = b"k" * 16, "x-1.ways.accredit.test", ("192.0.2.7", 4000), "a.test"
USER = nonce_for(
    KEY, AttemptKey(campaign="c", item="x", probe="techniques", line="l", profile="ks2")
)
OURS, OTHERS = "127.0.0.1", "198.51.100.1"
TRANSACTION = b"t" * 12
SIGNED = {USERNAME: USER.encode(), REALM: REALM_NAME.encode(), NONCE: b"n"}


@pytest.fixture
def server() -> TurnServer:
    tunnel = TunnelPages(pages=Pages(key=KEY), log=ArrivalLog())
    return TurnServer(tunnel=tunnel, addresses=(OURS,), realm=REALM_NAME)


def request(method: int, attributes: dict[int, bytes] | None = None) -> Message:
    return Message(
        method=method,
        kind=REQUEST,
        transaction=TRANSACTION,
        attributes=(attributes or {}) | SIGNED,
    )


def password(user: str = USER, secret: bytes = KEY) -> bytes:
    return long_term_key(user, REALM_NAME, protocol_proof(secret, "turn", user))


def peer(address: str) -> dict[int, bytes]:
    return {XOR_PEER_ADDRESS: xor_address(address, 3480, TRANSACTION)}


def answered(server: TurnServer, data: bytes, client: tuple[str, int] = CLIENT) -> Message:
    (answer,) = server.answer(data, client)
    message = read_message(answer)
    assert message is not None
    assert message.transaction == TRANSACTION
    return message


def sent(data: bytes, address: str = OURS) -> bytes:
    attributes = peer(address) | {DATA: data}
    return write_message(
        Message(method=SEND, kind=INDICATION, transaction=TRANSACTION, attributes=attributes)
    )


QUESTION = write_wanted(Wanted(HOST, USER, 0))


def test_a_client_that_signs_in_reaches_the_responder(server: TurnServer) -> None:
    allocated = answered(server, write_message(request(ALLOCATE), password()))
    permitted = answered(server, write_message(request(CREATE_PERMISSION, peer(OURS)), password()))
    came = answered(server, sent(QUESTION))

    assert (allocated.kind, permitted.kind) == (SUCCESS, SUCCESS)
    assert allocated.address(XOR_RELAYED_ADDRESS) == (OURS, 49152)
    assert came.address(XOR_PEER_ADDRESS) == (OURS, 3480)
    assert read_piece(came.attributes[DATA]) is not None


@pytest.mark.parametrize(
    "data",
    [
        write_message(request(ALLOCATE)),
        write_message(request(ALLOCATE), password(secret=b"o" * 16)),
        write_message(
            replace(request(ALLOCATE), attributes=SIGNED | {USERNAME: b"0" * 32}),
            password("0" * 32),
        ),
    ],
)
def test_others_are_asked_to_sign_in(server: TurnServer, data: bytes) -> None:
    answer = answered(server, data)

    assert (answer.kind, answer.error) == (ERROR, 401)
    assert answer.text(REALM) == REALM_NAME


def test_a_permission_needs_an_allocation_and_is_for_the_responder(server: TurnServer) -> None:
    early = answered(server, write_message(request(CREATE_PERMISSION, peer(OURS)), password()))
    answered(server, write_message(request(ALLOCATE), password()))
    other = answered(server, write_message(request(CREATE_PERMISSION, peer(OTHERS)), password()))
    none = answered(server, write_message(request(CREATE_PERMISSION), password()))

    assert [early.error, other.error, none.error] == [437, 403, 403]


def test_nothing_is_passed_on_without_a_permission(server: TurnServer) -> None:
    assert list(server.answer(sent(QUESTION), CLIENT)) == []
    answered(server, write_message(request(ALLOCATE), password()))
    assert list(server.answer(sent(QUESTION), CLIENT)) == []
    answered(server, write_message(request(CREATE_PERMISSION, peer(OURS)), password()))
    assert list(server.answer(sent(QUESTION, OTHERS), CLIENT)) == []
    assert list(server.answer(sent(b"hello"), CLIENT)) == []
    assert list(server.answer(sent(QUESTION), ("192.0.2.8", 4000))) == []
    assert len(list(server.answer(sent(QUESTION), CLIENT))) == 1


def test_what_is_no_message_gets_no_answer(server: TurnServer) -> None:
    assert list(server.answer(b"GET / HTTP/1.1\r\n\r\n", CLIENT)) == []
    assert list(server.answer(write_message(request(0x001)), CLIENT)) == []


def test_the_oldest_allocation_is_forgotten(
    server: TurnServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turn_server, "MOST_CLIENTS", 1)
    data = write_message(request(ALLOCATE), password())
    answered(server, data)
    answered(server, data, ("192.0.2.8", 4000))
    late = answered(server, write_message(request(CREATE_PERMISSION, peer(OURS)), password()))

    assert late.error == 437
