"""A small TURN relay (RFC 8656), behind which only the origin's own responder can be reached.

Users sign in with the nonce of their attempt and a password that only the origin's key makes
(long-term credentials, RFC 8489 section 9.2). What a client sends to the responder by the relay is
a question of a tunnel (``probes.range.tunnel_pages``). No packet is sent to anybody else.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field

from harness.model.marker import find_nonce, protocol_proof
from probes.net.stun_messages import (
    ALLOCATE,
    CREATE_PERMISSION,
    DATA,
    DATA_METHOD,
    ERROR,
    ERROR_CODE,
    FORBIDDEN,
    HEADER_BYTES,
    INDICATION,
    LIFETIME,
    NONCE,
    REALM,
    REQUEST,
    SEND,
    STALE_OR_WRONG,
    SUCCESS,
    UNAUTHORIZED,
    USERNAME,
    XOR_MAPPED_ADDRESS,
    XOR_PEER_ADDRESS,
    XOR_RELAYED_ADDRESS,
    Message,
    error_value,
    has_integrity,
    long_term_key,
    read_message,
    size_of,
    write_message,
    xor_address,
)
from probes.range.arrival_log import Over
from probes.range.connection import Connection
from probes.range.datagram_server import Peer
from probes.range.tunnel_pages import TunnelPages
from probes.range.visitor_limits import Admission, VisitorLimits

PROTOCOL = "turn"
MOST_CLIENTS = 1024
"""Clients whose allocations are kept; the oldest is forgotten."""

LIFETIME_SECONDS = 600
RELAYED_PORT = 49_152
ANSWER_BYTES = 1000
"""Bytes of the data in an indication, so that its datagram is not fragmented on its way."""

LONGEST = 4096
"""Bytes of a message over TCP; the longest that a probe sends has about 300."""


@dataclass(slots=True, kw_only=True)
class TurnServer:
    """Answers messages of clients; ``addresses`` are the responder's, and the relay's own."""

    tunnel: TunnelPages
    addresses: tuple[str, ...]
    realm: str
    _allocated: OrderedDict[Peer, set[str]] = field(default_factory=OrderedDict)

    def answer(self, data: bytes, client: Peer, over: Over = "udp") -> Iterator[bytes]:
        """Yield the messages that answer one of a client."""
        message = read_message(data)
        if message is None:
            return
        if message.kind == INDICATION and message.method == SEND:
            yield from self._relayed(message, client, over)
        elif message.kind == REQUEST and message.method in (ALLOCATE, CREATE_PERMISSION):
            yield self._response(message, data, client)

    def _response(self, message: Message, data: bytes, client: Peer) -> bytes:
        user = find_nonce(self.tunnel.pages.key, [message.text(USERNAME)])
        key = self._key(user) if user else b""
        if not key or not has_integrity(data, key):
            challenge = {REALM: self.realm.encode(), NONCE: self._nonce(client)}
            return _error(message, UNAUTHORIZED, "Unauthorized", challenge)
        if message.method == ALLOCATE:
            return self._allocation(message, client, key)
        peer = message.address(XOR_PEER_ADDRESS)
        if client not in self._allocated:
            return _error(message, STALE_OR_WRONG, "Allocation Mismatch")
        if peer is None or peer[0] not in self.addresses:
            return _error(message, FORBIDDEN, "Forbidden")
        self._allocated[client].add(peer[0])
        return _success(message, {}, key)

    def _allocation(self, message: Message, client: Peer, key: bytes) -> bytes:
        self._allocated.setdefault(client, set())
        if len(self._allocated) > MOST_CLIENTS:
            self._allocated.popitem(last=False)
        own = next((each for each in self.addresses if ":" not in each), self.addresses[0])
        attributes = {
            XOR_RELAYED_ADDRESS: xor_address(own, RELAYED_PORT, message.transaction),
            XOR_MAPPED_ADDRESS: xor_address(*client, message.transaction),
            LIFETIME: LIFETIME_SECONDS.to_bytes(4),
        }
        return _success(message, attributes, key)

    def _relayed(self, message: Message, client: Peer, over: Over) -> Iterator[bytes]:
        """Yield what comes back from the responder; nothing without a permission."""
        peer = message.address(XOR_PEER_ADDRESS)
        if peer is None or peer[0] not in self._allocated.get(client, ()):
            return
        question = message.attributes.get(DATA, b"")
        answer = self.tunnel.answer(question, over, PROTOCOL, ANSWER_BYTES)
        if answer:
            attributes = {
                XOR_PEER_ADDRESS: message.attributes[XOR_PEER_ADDRESS],
                DATA: answer,
            }
            # The address is hidden by the transaction, so both messages have the same one.
            yield write_message(
                Message(
                    method=DATA_METHOD,
                    kind=INDICATION,
                    transaction=message.transaction,
                    attributes=attributes,
                )
            )

    def _key(self, user: str) -> bytes:
        password = protocol_proof(self.tunnel.pages.key, PROTOCOL, user)
        return long_term_key(user, self.realm, password)

    def _nonce(self, client: Peer) -> bytes:
        text = f"turn nonce {client[0]} {client[1]}".encode()
        return hmac.new(self.tunnel.pages.key, text, hashlib.sha256).hexdigest()[:32].encode()

    def forget(self, client: Peer) -> None:
        """End the allocation of a client."""
        self._allocated.pop(client, None)


def _success(message: Message, attributes: dict[int, bytes], key: bytes) -> bytes:
    response = Message(
        method=message.method,
        kind=SUCCESS,
        transaction=message.transaction,
        attributes=attributes,
    )
    return write_message(response, key)


def _error(
    message: Message, code: int, reason: str, attributes: dict[int, bytes] | None = None
) -> bytes:
    response = Message(
        method=message.method,
        kind=ERROR,
        transaction=message.transaction,
        attributes={ERROR_CODE: error_value(code, reason)} | (attributes or {}),
    )
    return write_message(response)


class TurnConnection(Connection):
    """A client connection over TCP."""

    def __init__(self, server: TurnServer, limits: VisitorLimits | None = None) -> None:
        super().__init__(None, limits)
        self._server = server

    def on_bytes(self, data: bytes) -> None:
        """Answer each complete message; close for what is none."""
        self._received += data
        while len(self._received) >= HEADER_BYTES:
            size = size_of(bytes(self._received[:HEADER_BYTES]))
            if not size or size > LONGEST:
                self.abort()
                return
            if len(self._received) < size:
                return
            message = bytes(self._received[:size])
            del self._received[:size]
            if self._visit is not None and self._visit.next_admission() is not Admission.SERVED:
                self.abort()
                return
            for answer in self._server.answer(message, self._peer, "tcp"):
                self.send(answer)

    @property
    def _peer(self) -> Peer:
        named = self._transport.get_extra_info("peername") if self._transport else None
        return (str(named[0]), int(named[1])) if named else (self.client, 0)
