"""The probe ``protocols``: begin a conversation by a protocol beside the web, such as XMPP.

It connects to the usual port of the protocol in the item's stratum, sends the beginning of a
conversation with the attempt's nonce in it, and reads what comes. The far end was reached if and
only if the proof came that the origin's key alone can make (``harness.model.protocol_case``). An
HTTP answer instead of it may be a block page, and is recorded as a page.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from time import perf_counter
from typing import ClassVar

from msgspec.structs import replace

from harness.model.content_form import variant_of
from harness.model.corpus import Item
from harness.model.marker import protocol_proof
from harness.model.observation import Failure, Timings
from harness.model.probe import ProbeDeclaration
from harness.model.protocol_case import PROTOCOLS, ProtocolName, protocol_of
from harness.plugins import PROBES
from harness.ports.network import Attempt, Exchange, Line, ProbeResult
from harness.ports.streams import ByteStream, DialRequest, DialsStreams
from probes.kinds.web import Visit, WebProbe
from probes.net.delivery import ExpectedMarks
from probes.net.dialled_exchange import exchange_over
from probes.net.exchange_recorder import END_OF_HEAD, ExchangeRecorder, read_head
from probes.net.page_result import page_result, timings_of
from probes.net.redirects import RedirectChain

LONGEST = 65536
"""Bytes that are read of an answer."""


@PROBES.register("protocols")
class Protocols(WebProbe):
    """Conversations by protocols beside the web; other items are fetched as by ``web``."""

    declares: ClassVar[ProbeDeclaration] = ProbeDeclaration(needs="dial", facts="web")
    scheme: ClassVar[str] = "http"

    def fits(self, item: Item) -> bool:
        """Whether the item is a case of a protocol."""
        return protocol_of(variant_of(item.stratum)) is not None

    def address(self, item: Item) -> str:
        """Return the URL of an item that is fetched; a case of a protocol has none."""
        return "" if self.fits(item) else super().address(item)

    async def try_item(self, attempt: Attempt, line: Line) -> ProbeResult:
        """Begin one conversation over the line."""
        name = protocol_of(variant_of(attempt.item.stratum))
        if name is None:
            return await super().try_item(attempt, line)
        if attempt.marker is None or line.origin is None or not isinstance(line, DialsStreams):
            detail = "a protocol needs a host of the origin, and a line that opens connections"
            failure = Failure(name="instrument_error", stage="instrument", detail=detail)
            return ProbeResult(timings=Timings(), failure=failure)
        started = perf_counter()
        nonce, host = attempt.marker.nonce, attempt.item.host
        conversation = Conversation(
            host=host,
            name=name,
            opening=OPENINGS[name](host, nonce),
            proof=protocol_proof(line.origin.key, name, nonce).encode(),
            authority=line.origin.authority,
        )
        chain = RedirectChain(url=f"{name}://{host}:{PROTOCOLS[name].port}")
        chain.add(host, await conversation.over(line, attempt))
        expected = ExpectedMarks(attempt, line, host)
        deadline = started + attempt.timeout
        facts = Visit(attempt, line, expected, self._pages, deadline).facts(chain)
        if conversation.is_proven:
            facts = replace(facts, canary="seen")
        timings = timings_of(chain.exchanges, perf_counter() - started)
        return page_result(attempt, chain, facts, timings)


@dataclass(slots=True, kw_only=True)
class Conversation:
    """One conversation: what is sent first, and the proof that must come."""

    host: str
    name: ProtocolName
    opening: bytes
    proof: bytes
    authority: str
    _received: bytearray = field(default_factory=bytearray)

    @property
    def is_proven(self) -> bool:
        """Whether the proof came."""
        return self.proof in self._received

    async def over(self, line: DialsStreams, attempt: Attempt) -> Exchange:
        """Connect over a line and hold the conversation; return what came, as an exchange."""
        asked = DialRequest(
            host=self.host,
            port=PROTOCOLS[self.name].port,
            timeout=attempt.timeout,
            address=attempt.address,
            may_lead=attempt.may_lead,
        )
        return await exchange_over(line, asked, self._talk, LONGEST)

    async def _talk(self, stream: ByteStream, recorder: ExchangeRecorder) -> None:
        """Send the beginning and read until the proof or the end; raises as a stream does."""
        try:
            if self.name == "app":
                recorder.stage = "tls"
                await stream.start_tls(_pinned(self.authority), self.host)
            recorder.stage = "request"
            await stream.write(self.opening)
            recorder.stage = "response"
            while not self.is_proven and len(self._received) < LONGEST:
                data = await stream.read()
                if not data:
                    break
                self._received += data
        finally:
            self._record_page(recorder)
        if not self._received:
            raise EOFError("the connection was closed without an answer")

    def _record_page(self, recorder: ExchangeRecorder) -> None:
        """Record what came if it is an HTTP answer; other bytes are not recorded."""
        head, end, body = bytes(self._received).partition(END_OF_HEAD)
        if end and head.startswith(b"HTTP/"):
            with suppress(ValueError):
                recorder.head = read_head(head)
                recorder.body += body


@lru_cache(maxsize=64)
def _pinned(authority: str) -> ssl.SSLContext:
    """Return the trust of an app that accepts its own authority alone; empty: that of a client."""
    return ssl.create_default_context(cafile=authority or None)


def _xmpp(host: str, nonce: str) -> bytes:
    """The header of a stream (RFC 6120 section 4.7)."""
    return (
        f"<?xml version='1.0'?><stream:stream from='{nonce}@{host}' to='{host}' version='1.0' "
        "xml:lang='en' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
    ).encode()


def _irc(host: str, nonce: str) -> bytes:
    """The registration of a user, and a PING (RFC 2812 section 3.1)."""
    del host
    return f"NICK pupil{nonce[:6]}\r\nUSER pupil 0 * :pupil\r\nPING :{nonce}\r\n".encode()


def _bittorrent(host: str, nonce: str) -> bytes:
    """The handshake of a peer (BEP 3): info_hash begins with the nonce."""
    del host
    info_hash = bytes.fromhex(nonce) + nonce[:4].encode()
    peer_id = b"-AC0001-" + nonce[:12].encode()
    return b"\x13BitTorrent protocol" + bytes(8) + info_hash + peer_id


def _mqtt(host: str, nonce: str) -> bytes:
    """The packet CONNECT (MQTT 3.1.1, section 3.1): a kept session, the nonce as its client."""
    del host
    body = b"\0\4MQTT\4\0\0\x3c" + len(nonce).to_bytes(2, "big") + nonce.encode()
    return bytes((0x10, len(body))) + body


def _app(host: str, nonce: str) -> bytes:
    """A request of a mobile app for its messages."""
    return (
        f"GET /api/v1/messages?since=0 HTTP/1.1\r\nHost: {host}\r\nAccept: application/json\r\n"
        "User-Agent: Messages/4.2 (iPhone; iOS 18.2) CFNetwork/1568.300.101 Darwin/24.2.0\r\n"
        f"X-Request-ID: {nonce}\r\nConnection: close\r\n\r\n"
    ).encode()


OPENINGS: dict[ProtocolName, Callable[[str, str], bytes]] = {
    "xmpp": _xmpp,
    "irc": _irc,
    "bittorrent": _bittorrent,
    "mqtt": _mqtt,
    "app": _app,
}
"""What a client sends first, from the host and the nonce."""
