"""Servers of an origin for protocols beside the web (``harness.model.protocol_case``).

Each reads the beginning of a conversation, finds the nonce in it, and answers as a server of that
protocol would, with a proof that only the origin's key can make. A beginning without a nonce gets
no answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple, Self

from harness.model.marker import find_nonce, protocol_proof
from harness.model.protocol_case import OWN_PORTS, OwnPort
from probes.range.arrival_log import ArrivalLog
from probes.range.connection import Connection
from probes.range.listener import Listener
from probes.range.visitor_limits import Admission, VisitorLimits
from probes.range.zone import ADDRESS, normalise

LONGEST = 4096
"""Bytes of a beginning; the longest one that a probe sends has about 300."""


class Beginning(NamedTuple):
    """A complete beginning of a conversation: text that may hold a nonce, and the named host."""

    text: str
    host: str = ""


_STREAM = re.compile(r"<stream:stream\s[^<>]*>")
_TO = re.compile(r"""\sto=['"]([^'"<>]{1,255})['"]""")
_PING = re.compile(r"(?m)^PING :?(\S{1,64})\r?\n")
HANDSHAKE = b"\x13BitTorrent protocol"
HANDSHAKE_BYTES = 68
CONNECT, CONTINUES = 0x10, 0x80


def _xmpp_beginning(data: bytes) -> Beginning | None:
    """The header of a stream (RFC 6120 section 4.7)."""
    found = _STREAM.search(data.decode("latin-1"))
    if found is None:
        return None
    named = _TO.search(found[0])
    return Beginning(found[0], normalise(named[1]) if named else "")


def _xmpp_answer(host: str, proof: str) -> bytes:
    return (
        f"<?xml version='1.0'?><stream:stream from='{host}' id='{proof}' version='1.0' "
        "xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
        "<stream:features/></stream:stream>"
    ).encode()


def _irc_beginning(data: bytes) -> Beginning | None:
    """A PING beside the registration of a user (RFC 2812 section 3.7.2)."""
    found = _PING.search(data.decode("latin-1"))
    return Beginning(found[1]) if found else None


def _irc_answer(host: str, proof: str) -> bytes:
    name = host or "irc"
    return f":{name} PONG {name} :{proof}\r\n".encode()


def _bittorrent_beginning(data: bytes) -> Beginning | None:
    """The handshake of a peer (BEP 3): its info_hash holds the nonce."""
    if not HANDSHAKE.startswith(data[: len(HANDSHAKE)]):
        return Beginning("")
    return Beginning(data[28:44].hex()) if len(data) >= HANDSHAKE_BYTES else None


def _bittorrent_answer(host: str, proof: str) -> bytes:
    del host
    return HANDSHAKE + bytes(28) + proof.encode()


def _mqtt_beginning(data: bytes) -> Beginning | None:
    """The packet CONNECT (MQTT 3.1.1, section 3.1): its client identifier is the nonce."""
    if data[:1] not in (b"", bytes((CONNECT,))):
        return Beginning("")
    length = 0
    for place, digit in enumerate(data[1:5]):
        length += (digit & ~CONTINUES) << 7 * place
        if not digit & CONTINUES:
            body = data[2 + place :]
            return Beginning(body.decode("latin-1")) if len(body) >= length else None
    return None if len(data) < 5 else Beginning("")  # noqa: PLR2004 - a type and four digits


def _mqtt_answer(host: str, proof: str) -> bytes:
    """CONNACK for a session that is kept, and the message that waited in it."""
    del host
    body = b"\0\5inbox" + proof.encode()
    return b"\x20\2\1\0" + bytes((0x30, len(body))) + body


class Speaker(NamedTuple):
    """How a server reads a beginning (None: it is not complete), and what it answers."""

    beginning: Callable[[bytes], Beginning | None]
    answer: Callable[[str, str], bytes]


SPEAKERS: dict[OwnPort, Speaker] = {
    "xmpp": Speaker(_xmpp_beginning, _xmpp_answer),
    "irc": Speaker(_irc_beginning, _irc_answer),
    "bittorrent": Speaker(_bittorrent_beginning, _bittorrent_answer),
    "mqtt": Speaker(_mqtt_beginning, _mqtt_answer),
}
"""The protocols by name; the interface of an app is a page of the web server."""


@dataclass(slots=True, kw_only=True)
class ProtocolServers:
    """A listener for each of ``protocols`` at each of ``addresses``; a context manager.

    ``protocols`` gives the port to listen on, which the system chooses if it is 0. ``ports`` maps
    the usual ports to those that are listened on.
    """

    key: bytes
    log: ArrivalLog
    addresses: tuple[str, ...] = (ADDRESS,)
    protocols: Mapping[OwnPort, int] = field(default_factory=lambda: dict.fromkeys(OWN_PORTS, 0))
    ports: dict[int, int] = field(default_factory=dict)
    limits: VisitorLimits | None = None
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            for name, declared in self.protocols.items():
                usual, connect = OWN_PORTS[name], partial(_ProtocolConnection, self, name)
                for address in self.addresses:
                    listener = Listener(connect, address, self.ports.get(usual, declared))
                    self.ports[usual] = (await stack.enter_async_context(listener)).port
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()


class _ProtocolConnection(Connection):
    """A client connection of one protocol."""

    def __init__(self, servers: ProtocolServers, name: OwnPort) -> None:
        super().__init__(None, servers.limits)
        self._servers, self._name = servers, name

    def on_bytes(self, data: bytes) -> None:
        """Answer a beginning as soon as it is complete, and close."""
        if self._has_request:
            return
        self._received += data
        speaker = SPEAKERS[self._name]
        beginning = speaker.beginning(bytes(self._received[:LONGEST]))
        if beginning is None and len(self._received) < LONGEST:
            return
        self._has_request = True
        text, host = beginning or Beginning("")
        nonce = find_nonce(self._servers.key, [text])
        self._servers.log.record("tcp", host, method=self._name, nonce=nonce)
        is_refused = self._visit is not None and self._visit.admission is Admission.REFUSED
        if nonce and not is_refused:
            self.send(speaker.answer(host, protocol_proof(self._servers.key, self._name, nonce)))
        self.close()
