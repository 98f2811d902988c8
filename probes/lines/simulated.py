"""The simulated line: a deterministic service and internet without sockets.

For unit tests, and for campaigns too large for a network. Like the range, it derives the category
of a canary host from its name (``porn-nude-017.canary...`` is PORN.NUDE).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, Field

from harness.model.campaign import Limits
from harness.model.corpus import is_among
from harness.model.declared import Declared
from harness.model.facts import DnsFacts, DnsRecord
from harness.model.observation import Failure, Stage, Timings
from harness.plugins import LINES
from harness.ports.network import Answer, Exchange, Origin, Question, Request
from probes.range import zone
from probes.range.filter import MUST_BLOCK

Style = Literal["200", "403", "451", "reset", "eof", "silent"]
DnsStyle = Literal["nxdomain", "refused", "sinkhole", "nodata", "silent"]
ADDRESS = "192.0.2.1"
HTTPS_RECORD = '1 . alpn="http/1.1"'
SINKHOLE = "0.0.0.0"  # noqa: S104 - an answer, not an address to listen on
SENTINEL_BLOCK = "sentinel-block"
HTML = (("content-type", "text/html; charset=utf-8"), ("server", "simulated"))


class SimulatedOptions(Declared):
    """What the service blocks (categories or hosts), and its faults.

    ``works_for`` is the number of requests after which the filter stops blocking.
    """

    block: tuple[str, ...] = ()
    miss: tuple[str, ...] = ()
    overblock: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    dead: tuple[str, ...] = ()
    style: Style = "403"
    dns_style: DnsStyle = "nxdomain"
    latency_ms: Annotated[float, Field(ge=0)] = 10.0
    works_for: int | None = None
    captive: bool = False


@LINES.register("simulated")
class Simulated:
    """Simulates a service; without options it blocks nothing and so simulates a control."""

    Options: ClassVar[type[BaseModel]] = SimulatedOptions
    carries: ClassVar[frozenset[str]] = frozenset({"fetch", "ask"})
    service_options: ClassVar[frozenset[str]] = frozenset(SimulatedOptions.model_fields)
    """Say what the service does, not where it is: no part of the line's identity."""

    def __init__(
        self, name: str, options: SimulatedOptions, origin: Origin | None, limits: Limits
    ) -> None:
        self.name = name
        self.origin = origin
        self.limits = limits
        self._options = options
        self._codes = tuple(entry for entry in options.block if entry[:1].isupper())
        self._hosts = frozenset((*options.block, *options.overblock))
        self._missed, self._silent = frozenset(options.miss), frozenset(options.silent)
        self._dead = frozenset(options.dead)
        self._latency = options.latency_ms / 1000
        self._asked = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        pass

    def as_pupil(self, source: str) -> Self:
        """Return this line itself: the simulation treats all clients alike."""
        del source
        return self

    async def fetch(self, request: Request) -> Exchange:
        """Return the response of the service or the origin, immediately."""
        shown = (urlsplit(request.url).hostname or "").lower()
        host = zone.original_host(shown)
        self._asked += 1
        if host in self._silent:
            return self._fail("generic_timeout_error", "response", request.timeout)
        if self._options.captive:
            return self._answer(200, _PORTAL)
        if self._blocks(host):
            return self._block(shown, request.timeout)
        if host in self._dead:
            return self._fail("connection_refused", "connect", self._latency)
        return self._answer(200, self._page(shown, request))

    async def ask(self, question: Question) -> Answer:
        """Return the answer of the service's name server, immediately."""
        host = zone.original_host(question.name)
        self._asked += 1
        blocked = self._blocks(host)
        style = self._options.dns_style if blocked else ""
        if host in self._silent or style == "silent":
            failure = Failure(name="generic_timeout_error", stage="resolve")
            facts = DnsFacts(name=question.name, type=question.type, server="simulated")
            return Answer(facts=facts, timings=Timings(total=question.timeout), failure=failure)
        timings = Timings(total=self._latency)
        return Answer(facts=_dns_facts(question, style), timings=timings)

    def _blocks(self, host: str) -> bool:
        works_for = self._options.works_for
        if host in self._missed or (works_for is not None and self._asked > works_for):
            return False
        if host in self._hosts:
            return True
        if not self._options.block:
            return False
        code = code_of(host)
        return code == SENTINEL_BLOCK or is_among(code, self._codes)

    def _block(self, host: str, patience: float) -> Exchange:
        style = self._options.style
        if style == "silent":
            return self._fail("generic_timeout_error", "response", patience)
        if style == "reset":
            return self._fail("connection_reset", "response", self._latency)
        if style == "eof":
            return self._fail("eof_error", "response", self._latency)
        return self._answer(int(style), _BLOCK.replace(b"HOST", host.encode()))

    def _page(self, host: str, request: Request) -> bytes:
        """Return the origin's page: with the nonce's token, or without a nonce its words."""
        if self.origin is None:
            return _PAGE.replace(b"TOKEN", b"")
        nonce = self.origin.nonce_in(value for _, value in request.headers)
        words = (*self.origin.words(host, "", "host"), *self.origin.words(host, "", "piece"))
        marks = self.origin.token(host, nonce) if nonce else " ".join(words)
        return _PAGE.replace(b"TOKEN", marks.encode())

    def _answer(self, status: int, body: bytes) -> Exchange:
        timings = Timings(
            connect=self._latency / 4, first_byte=self._latency / 2, total=self._latency
        )
        return Exchange(timings=timings, status=status, headers=HTML, body=body, peer=ADDRESS)

    def _fail(self, name: str, stage: Stage, took: float) -> Exchange:
        failure = Failure(name=name, stage=stage, detail="simulated")
        return Exchange(timings=Timings(total=took), failure=failure)


@lru_cache(maxsize=65536)
def code_of(host: str) -> str:
    """Return the taxonomy code in a canary host's name, or the sentinel's name, or ''."""
    if host in MUST_BLOCK:
        return SENTINEL_BLOCK
    return zone.code_of(host)


def _dns_facts(question: Question, style: str) -> DnsFacts:
    rcode = {"nxdomain": "NXDOMAIN", "refused": "REFUSED"}.get(style, "NOERROR")
    address = {"": ADDRESS, "sinkhole": SINKHOLE}.get(style, "")
    records: tuple[DnsRecord, ...] = ()
    if question.type == "HTTPS":
        kind, data, address = "HTTPS", HTTPS_RECORD if not style else "", ""
    else:
        kind, data = "A", address
    if data:
        records = (DnsRecord(name=question.name, type=kind, ttl=60, data=data),)
    return DnsFacts(
        name=question.name,
        type=question.type,
        server="simulated",
        rcode=rcode,
        flags="QR RD RA",
        records=records,
        addresses=(address,) if address else (),
    )


_PAGE = (
    b"<!DOCTYPE html><html><head><title>Garden centre</title></head>"
    b"<body><h1>Garden centre</h1><p>The garden centre opens at nine.</p><p>TOKEN</p></body></html>"
)
_BLOCK = (
    b"<!DOCTYPE html><html><head><title>Access to this page is blocked</title></head>"
    b"<body><h1>Access to this page is blocked</h1><p>Access to HOST has been denied by the "
    b"internet filter.</p></body></html>"
)
_PORTAL = (
    b"<!DOCTYPE html><html><head><title>Sign in to the network</title></head>"
    b"<body><p>Welcome. Please sign in to use this network.</p></body></html>"
)
