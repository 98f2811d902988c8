"""A hostile name server: UDP and TCP on one port, and what its supplier may answer."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from probes.range.resolver import ZoneServer, question_name
from probes.range.zone import ADDRESS
from test_suites.calibration.hostile.knowledge import Knowledge, Known
from test_suites.calibration.hostile.sizes import Scale
from test_suites.kit.networks.byte_stream import ByteStream
from test_suites.kit.networks.listening import Listening

PORT_TRIES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Messages to send in turn after ``delay`` seconds; none is silence."""

    wires: tuple[bytes, ...] = ()
    delay: float = 0.0


SILENCE = Said()


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question to a hostile name server, and the answers that it may give."""

    service: NameService
    query: dns.message.Message
    over: Literal["udp", "tcp"]
    asked_as: str

    @property
    def host(self) -> str:
        """The name that is asked for, in lower case."""
        return question_name(self.query)

    @property
    def type(self) -> str:
        """The type that is asked for."""
        return dns.rdatatype.to_text(self.query.question[0].rdtype)

    @property
    def known(self) -> Known | None:
        """What the supplier knows of the host."""
        return self.service.knowledge.find(self.host)

    @property
    def is_harmful(self) -> bool:
        """Whether the host is an item that must be blocked; no sentinel is one."""
        return self.service.knowledge.is_harmful(self.host)

    @property
    def is_sentinel(self) -> bool:
        """Whether the host is a sentinel of either sort."""
        return self.service.knowledge.is_sentinel(self.host)

    @property
    def way(self) -> str:
        """Host and type, for suppliers that treat each question apart."""
        return f"{self.host} {self.type}"

    def truth(self) -> Said:
        """What the zone says."""
        return self.message(self.service.names.answer(self.query))

    def rightly(self) -> Said:
        """What a good name server says: no such name, for what must be blocked."""
        knowledge = self.service.knowledge
        is_blocked = knowledge.is_harmful(self.host) or self.host in knowledge.must_block
        return self.failed("NXDOMAIN") if is_blocked else self.truth()

    def failed(self, rcode: str) -> Said:
        """An answer without records and with that code."""
        response = self.blank()
        response.set_rcode(dns.rcode.from_text(rcode))
        return self.message(response)

    def blank(self) -> dns.message.Message:
        """An answer without records, to be filled."""
        return dns.message.make_response(self.query, recursion_available=True)

    def records(self, *texts: str, type_: str = "", ttl: int = 0) -> Said:
        """An answer with records of the type asked for, or of another."""
        response = self.blank()
        name, kind = self.query.question[0].name, type_ or self.type
        response.answer.append(dns.rrset.from_text(name, ttl, "IN", kind, *texts))
        return self.message(response)

    def add(self, response: dns.message.Message, name: str, type_: str, text: str) -> None:
        """Put a record into an answer; of an alias the text is a name of the zone."""
        text = f"{text}." if type_ == "CNAME" else text
        response.answer.append(dns.rrset.from_text(f"{name}.", 0, "IN", type_, text))

    def truncated(self) -> Said:
        """An answer that says that there is more over TCP."""
        response = self.blank()
        response.flags |= dns.flags.TC
        return self.message(response)

    @property
    def wire_id(self) -> bytes:
        """The id of the question, as it stands in front of an answer."""
        return self.query.id.to_bytes(2, "big")

    def message(self, *messages: dns.message.Message) -> Said:
        """Messages as they are sent."""
        return Said(wires=tuple(each.to_wire(max_size=65535) for each in messages))


NameBehaviour = Callable[[Question], Said]


@dataclass(slots=True, kw_only=True)
class NameService:
    """One running name server; the numbers are kept for its supplier, as those of a WebService."""

    behave: NameBehaviour
    knowledge: Knowledge
    names: ZoneServer
    scale: Scale
    total: int = 0
    seen: Counter[str] = field(default_factory=Counter)
    arrivals: deque[float] = field(default_factory=lambda: deque(maxlen=1000))
    memory: dict[str, Any] = field(default_factory=dict)

    def rate(self, seconds: float = 1.0) -> float:
        """Questions a second of late."""
        now = asyncio.get_running_loop().time()
        return sum(now - each <= seconds for each in self.arrivals) / seconds

    async def start(self, listening: Listening) -> int:
        """Listen; gives the port."""
        loop = asyncio.get_running_loop()
        for left in reversed(range(PORT_TRIES)):
            port = await listening.listen(self._stream)
            try:
                await loop.create_datagram_endpoint(
                    lambda: _Datagrams(self, listening), local_addr=(ADDRESS, port)
                )
            except OSError:
                if not left:
                    raise
            else:
                return port
        raise AssertionError

    def answer(self, wire: bytes, over: Literal["udp", "tcp"]) -> Said:
        """What is said to one message; what is no question gets no answer."""
        try:
            query = dns.message.from_wire(wire)
        except dns.exception.DNSException:
            return SILENCE
        if not query.question:
            return SILENCE
        asked_as = query.question[0].name.to_text()
        question = Question(service=self, query=query, over=over, asked_as=asked_as)
        self.total += 1
        self.seen[question.way] += 1
        self.arrivals.append(asyncio.get_running_loop().time())
        return self.behave(question)

    async def _stream(self, stream: ByteStream) -> None:
        received = bytearray()
        while data := await stream.read():
            received += data
            while len(received) >= 2 and len(received) >= 2 + int.from_bytes(received[:2], "big"):
                end = 2 + int.from_bytes(received[:2], "big")
                said = self.answer(bytes(received[2:end]), "tcp")
                del received[:end]
                await asyncio.sleep(said.delay)
                for wire in said.wires:
                    await stream.send(len(wire).to_bytes(2, "big") + wire)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, service: NameService, listening: Listening) -> None:
        self._service = service
        self._listening = listening
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)
        self._listening.also_close(transport.close)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        try:
            said = self._service.answer(data, "udp")
        except Exception as error:  # noqa: BLE001 - a supplier's own mistake, which the runner reports
            self._listening.crashes.append(f"{type(error).__name__}: {error}")
            return
        if said.delay:
            loop = asyncio.get_running_loop()
            loop.call_later(said.delay, self._send, said.wires, addr)
        else:
            self._send(said.wires, addr)

    def _send(self, wires: Sequence[bytes], addr: tuple[str, int]) -> None:
        for wire in wires:
            if self._transport is not None and not self._transport.is_closing():
                self._transport.sendto(wire[:65000], addr)
