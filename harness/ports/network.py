"""Protocols for the network: lines, probes, clients, corpora, and the canary origin."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, runtime_checkable

import msgspec
from pydantic import BaseModel

from harness.model.campaign import Limits
from harness.model.corpus import Item
from harness.model.facts import Certificate, DnsFacts, Facts
from harness.model.marker import (
    Marker,
    WordGroup,
    find_nonce,
    path_words_for,
    receipt_for,
    token_for,
    words_for,
)
from harness.model.observation import AttemptKey, Evidence, Failure, Timings
from harness.model.origin_zone import OriginZone, home_of, is_in, with_host
from harness.model.plain_twin import twin_of
from harness.model.probe import ProbeDeclaration
from harness.model.query_case import QueryForm
from harness.model.transition_address import LOCAL_PREFIX, literals_of
from harness.ports.streams import ByteStream, Dialled, DialRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The canary origin as the campaign file names it (see ``probes.range``).

    ``resolver`` is ``address:port`` of its unfiltered name server; ``ports`` maps the ports
    of URLs to the ports it really listens on; ``key`` makes markers (never printed).
    ``services`` are the range's filter, and the key that mails are signed with (never printed).
    ``twin_zone`` is a zone for plain twins alone (``harness.model.plain_twin``). ``zone`` and
    ``address`` are the first of its zones; ``address_6`` is the IPv6 address of the range, if it
    has one. ``zones`` are all of them, ``twins`` that of the plain twins, as published, if known
    (not of the range). ``nat64_prefix`` is that of the networks.
    """

    zone: str
    resolver: str
    ports: dict[int, int]
    authority: str
    key: bytes = field(repr=False)
    address: str = "127.0.0.1"
    address_6: str = ""
    log: str = ""
    services: dict[str, Any] = field(default_factory=dict, repr=False)
    twin_zone: str = ""
    zones: tuple[OriginZone, ...] = ()
    twins: OriginZone | None = None
    nat64_prefix: str = LOCAL_PREFIX

    @property
    def zone_names(self) -> tuple[str, ...]:
        """The names of its zones, without that of the plain twins."""
        return tuple(one.zone for one in self.zones) if self.zones else (self.zone,)

    @property
    def all_zones(self) -> tuple[OriginZone, ...]:
        """Its ``zones``, and last that of the plain twins."""
        return (*self.zones, self.twins) if self.twins else self.zones

    @property
    def addresses(self) -> tuple[str, ...]:
        """All of its addresses that are known, those of the plain twins last."""
        named = [address for part in self.all_zones for address in part.addresses]
        own = [self.address, self.address_6] if self.address_6 else [self.address]
        return tuple(dict.fromkeys([*own, *named]))

    @property
    def twin_resolver(self) -> str:
        """``address:port`` of the name server for the plain twins; empty if ``resolver`` is it."""
        twins = self.twins.addresses if self.twins else ()
        if not twins or set(twins) & {one for zone in self.zones for one in zone.addresses}:
            return ""
        host = f"[{twins[0]}]" if ":" in twins[0] else twins[0]
        return f"{host}:{self.resolver.rpartition(':')[2]}"

    def covers(self, host: str) -> bool:
        """Whether a host belongs to the canary zones or the zone of the plain twins."""
        name = host.lower().rstrip(".")
        is_twin = bool(self.twin_zone) and name.endswith("." + self.twin_zone)
        return is_twin or any(is_in(name, zone) for zone in self.zone_names)

    def is_by_literal(self, host: str) -> bool:
        """Whether a host is an address by which a transition mechanism leads to the origin."""
        return ":" in host and host in literals_of(self.addresses, self.nat64_prefix)

    def home_of(self, host: str) -> str:
        """Return the host of this origin for one of the range's zone; any other as it is."""
        return host if self.covers(host) else home_of(host, self.zone_names, self.key)

    def addresses_of(self, host: str) -> tuple[str, ...]:
        """The published IP addresses of a host of its zones; none if they are not known."""
        name = host.lower().rstrip(".")
        return next((one.addresses for one in self.zones if is_in(name, one.zone)), ())

    def twin_of(self, item: Item) -> Item | None:
        """The plain twin of an item on the origin; None if it has none, or is not on the origin."""
        host = item.host
        if not self.twin_zone or not host or not self.covers(host):
            return None
        places = enumerate(self.zone_names)
        names = (twin_of(host, zone, self.twin_zone, place) for place, zone in places)
        name = next(filter(None, names), "")
        return (
            msgspec.structs.replace(item, value=with_host(item.value, host, name)) if name else None
        )

    def nonce_in(self, values: Iterable[str]) -> str:
        """Return our nonce if it is in some header values; else empty."""
        return find_nonce(self.key, values)

    def token(self, host: str, nonce: str) -> str:
        """The token that this origin shows for ``nonce`` at ``host``, also after a redirect."""
        return token_for(self.key, host, nonce)

    def receipt(self, host: str, nonce: str) -> str:
        """Return what this origin sends in the header ``ETag`` for a request with ``nonce``."""
        return receipt_for(self.key, host, nonce)

    def words(self, host: str, nonce: str, group: WordGroup) -> tuple[str, ...]:
        """Return the delivery words of one group that the page at ``host`` shows."""
        return words_for(self.key, host, nonce, group)

    def path_words(self, host: str, path: str) -> tuple[str, ...]:
        """Return the words that identify this origin's page at one path of ``host``."""
        return path_words_for(self.key, host, path)


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try of one item by one probe over one line.

    ``sketch_key`` keys the sketches of its pages. ``browser`` is a number that chooses the browser
    to imitate; it is the same on every line. ``address`` is the address to use for the item's host;
    empty: as the line resolves it. ``may_lead``: see ``Request``; set for must-block sentinels on
    the service's lines.
    """

    key: AttemptKey
    item: Item
    limits: Limits
    timeout: float
    marker: Marker | None = None
    sketch_key: bytes = b""
    browser: int = 0
    address: str = ""
    may_lead: bool = False


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP request, without following redirects; ``body`` is sent, ``body_bytes`` is read.

    Headers are sent in the given order and letter case, after Host. ``proxied_headers``, if any,
    replace them where the request goes to a proxy; ``tunnel_headers``, if any, are sent with
    CONNECT, where ``("Host", "")`` is the place of Host. A line that connects by itself uses
    ``address`` if given, and resolves nothing. With ``may_lead``, a private address that the
    request leads to belongs to the service, and may be visited on that line from then on.
    """

    url: str
    headers: tuple[tuple[str, str], ...] = ()
    timeout: float = 5.0
    body_bytes: int = 4 * 1024 * 1024
    method: str = "GET"
    body: bytes = b""
    proxied_headers: tuple[tuple[str, str], ...] = ()
    tunnel_headers: tuple[tuple[str, str], ...] = ()
    address: str = ""
    may_lead: bool = False


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one request: an answer or a failure, with the phases that happened.

    ``body`` is decoded: ``codings`` are the content codings that were removed, outermost first,
    ``undecoded`` the one that could not be. ``as_sent`` is the body as it came, where a coding was
    removed that the answer did not declare, as of a gzip file. ``truncated``: there was more than
    the limit. ``choices`` are those of a PAC file that were tried, in order. ``kept``: it was the
    second answer on its connection.
    """

    timings: Timings
    status: int | None = None
    tunnel_status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    truncated: bool = False
    peer: str = ""
    certificate: Certificate | None = None
    failure: Failure | None = None
    choices: tuple[str, ...] = ()
    codings: tuple[str, ...] = ()
    undecoded: str = ""
    as_sent: bytes = b""
    kept: bool = False


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One DNS question. With a ``form`` exactly that query is sent, of the type that it names."""

    name: str
    type: str = "A"
    timeout: float = 5.0
    form: QueryForm | None = None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one DNS question."""

    facts: DnsFacts
    timings: Timings
    failure: Failure | None = None


class ProbeResult(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one attempt of a probe, from which an observation is made."""

    timings: Timings
    facts: Facts | None = None
    failure: Failure | None = None
    evidence: tuple[Evidence, ...] = ()


class Fetches(Protocol):
    """Whatever fetches: a line, or one way to use it."""

    async def fetch(self, request: Request) -> Exchange: ...


class Line(Protocol):
    """A way to the internet; probes use the network only through a line.

    Built as ``Plugin(name, options, origin, limits)``, with an instance of its class ``Options``;
    used as an asynchronous context manager. ``fetch`` and ``ask`` never raise for network trouble:
    it is in the Exchange or Answer. ``origin`` tells probes the token of any of its hosts.
    ``carries`` names the methods that it has, of which a probe needs one.
    """

    Options: ClassVar[type[BaseModel]]
    carries: ClassVar[frozenset[str]]
    name: str
    origin: Origin | None

    async def __aenter__(self) -> Line: ...
    async def __aexit__(self, *exc: object) -> None: ...
    async def fetch(self, request: Request) -> Exchange: ...
    async def ask(self, question: Question) -> Answer: ...


class LineType(Protocol):
    """Makes a line; ``options`` is an instance of its class ``Options``."""

    @property
    def Options(self) -> type[BaseModel]: ...  # noqa: N802 - a class inside the class of a line

    # The type of the options differs from line to line.
    def __call__(self, name: str, options: Any, origin: Origin | None, limits: Limits) -> Line: ...


@runtime_checkable
class Guarded(Protocol):
    """A line that refuses private addresses except declared ones.

    ``block_page`` is the host of the supplier's block page; ``control`` resolves names for a proxy.
    """

    def declare(self, block_page: str, control: Line) -> None: ...


@runtime_checkable
class HostsBrowser(Line, Protocol):
    """A line over which a browser can be driven: it opens streams, and ends what serves it.

    ``authorities`` are the files of authorities that it trusts beside the system's. What
    ``at_close`` is given is called when the line is closed.
    """

    @property
    def authorities(self) -> tuple[str, ...]: ...
    async def dial(self, request: DialRequest) -> Dialled[ByteStream]: ...
    def at_close(self, end: Callable[[], Awaitable[None]]) -> None: ...


def left_by(line: Line) -> str:
    """Return the line's attribute ``left_by``, the connection of its packets; empty without one."""
    return str(getattr(line, "left_by", ""))


def authorities_of(line: Line) -> tuple[str, ...]:
    """Return the files of authorities that a line's client trusts beside the system's.

    A line that does not say (``HostsBrowser``) trusts that of the origin.
    """
    site = line.origin.authority if line.origin is not None else ""
    return tuple(getattr(line, "authorities", filter(None, (site,))))


def trusts_supplier(line: Line) -> bool:
    """Whether the line's client trusts an authority of the supplier, as a managed device does."""
    return bool(getattr(line, "trusts_supplier", False))


class Probe(Protocol):
    """A way to try an item over a line. The harness knows only what it ``declares``.

    One that can try only some of the items that it declares has a method ``fits`` (see ``fits``).
    """

    declares: ClassVar[ProbeDeclaration]

    async def try_item(self, attempt: Attempt, line: Line) -> ProbeResult: ...


@runtime_checkable
class NeedsPrograms(Protocol):
    """A probe that needs programs or libraries, which may not be installed.

    ``missing`` says what is not, and how to install it; None if all are there.
    """

    def missing(self) -> tuple[str, str] | None: ...


@runtime_checkable
class PreparesLines(Protocol):
    """A probe that starts something for each line before anything is measured; raises UsageError.

    What it starts ends with the line.
    """

    async def prepare(self, line: Line) -> None: ...


@runtime_checkable
class TakesTurns(Protocol):
    """A probe of which only a few attempts may run at once; ``turn`` waits until one more may."""

    def turn(self) -> AbstractAsyncContextManager[object]: ...


def fits(probe: Probe, item: Item) -> bool:
    """Whether a probe tries an item; items that it does not try are left out."""
    asked = getattr(probe, "fits", None)
    return probe.declares.can_try(item) and (asked is None or bool(asked(item)))


def can_measure(probe: Probe, item: Item) -> bool:
    """Whether a probe tries an item and sees the layer that the item is about."""
    return fits(probe, item) and probe.declares.can_see(item)


class SecondClient(Protocol):
    """An independent client that tries again what a probe found blocked.

    Its facts are those of a web probe. If it cannot use a line, that is an instrument failure.
    """

    def can_use(self, line: Line) -> bool: ...
    async def visit(self, attempt: Attempt, url: str, line: Line) -> ProbeResult: ...


class PupilClient(Protocol):
    """A client that tries items as a pupil's browser does; see ``harness.measure.plain_twins``."""

    def line_for(self, line: Line, source: str) -> Line | None: ...
    async def visit(self, attempt: Attempt, probe: Probe, line: Line) -> ProbeResult: ...


def address_of(probe: Probe, item: Item) -> str:
    """Return the URL that a probe uses for an item (its method ``address``); empty without one."""
    asked = getattr(probe, "address", None)
    return str(asked(item)) if asked is not None else ""
