"""Facts: what an attempt saw, one class for each kind of probe, known by its tag.

To add a kind, write a subclass of ``FactsBase`` here, or in a module that is imported here, with a
tag of its own, a group of rules in ``harness.judge.rules`` and a calibration case. Observations of
the new kind are then read and written; a campaign whose probe records facts without rules is
refused.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Literal, Union

import msgspec

from harness.model import (  # noqa: F401 - register kinds
    machine_facts,
    mail_facts,
    people_facts,
    transfer_facts,
)
from harness.model.facts_base import FactsBase
from harness.model.log_entry import LogEntry
from harness.model.tls_view import TlsOffer, TlsView


class Hop(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One answer on the way to the last page (RFC 9110 section 15.4)."""

    url: str
    status: int
    location: str = ""


class Certificate(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The chain that the line showed: SHA-256 of each certificate (leaf first), names."""

    chain: tuple[str, ...]
    issuer: str = ""
    subject: str = ""
    trusted: bool | None = None


class Caching(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one response on the way to a page says of its reuse by caches (RFC 9111)."""

    url: str
    status: int
    control: str = ""
    expires: str = ""
    date: str = ""


class BrowserCheck(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What axe found on a page in a browser: the ids of its rules that the page violates.

    ``problem`` says why nothing was checked: the extra ``browser`` or Chromium is not installed, or
    the browser failed (``detail``). ``engine`` names both programs with their versions.
    """

    engine: str = ""
    violations: tuple[str, ...] = ()
    problem: Literal["", "no_extra", "no_browser", "failed"] = ""
    detail: str = ""


class PageDetails(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a page other than the origin's shows and loads.

    ``text`` is the visible text, one element a line. ``links`` are the addresses that a reader can
    follow or send a form to, ``loads`` the other hosts that it makes a browser contact.
    ``language`` is the one that it declares. ``markup`` says what became of the markup in the
    request: empty if none was sent. ``managed``: the client trusted an authority of the supplier.
    ``browser`` is what a browser found, if one loaded the page.
    """

    text: str = ""
    links: tuple[str, ...] = ()
    loads: tuple[str, ...] = ()
    language: str = ""
    caching: tuple[Caching, ...] = ()
    markup: Literal["", "absent", "escaped", "raw"] = ""
    managed: bool = False
    browser: BrowserCheck | None = None


class WebFacts(FactsBase, frozen=True, kw_only=True, omit_defaults=True, tag="web"):
    """What an HTTP attempt saw. ``tunnel_status`` is the proxy's reply to CONNECT.

    ``peer`` is the address that was tried, of the family that was taken, reached or not.
    ``headers`` are the chosen ones (see ``probes.kinds.web``), names in lower case.
    ``text`` is the start of the visible text, white space folded. Of S3 and S4 items, title and
    text are empty, ``frames`` and ``url`` hosts only; ``title_mark`` and ``sketch`` stand for them.
    ``frames`` are the addresses that the page frames or forwards to (frame, meta refresh,
    script). ``choices`` are those of a PAC file that were tried for the item's own URL (``PROXY
    cache.school.example:3128``, ``DIRECT``), the one that carried it last.

    ``words`` are the delivery words (``harness.model.marker``) that came where the token did
    not; of an item that is judged by its content, those of the piece that carries the marker,
    and ``page_words`` is the number of words that came from the rest of that page. ``locked``: the
    page says that the request reached a search engine locked (safe search), so that the piece was
    left out. ``asked``: a header shows that the origin was asked. ``codings`` are the content
    codings that were undone, outermost first; ``undecoded`` could not be. ``embedded`` counts what
    may show content without text (``probes.net.html_text``), ``text_length`` the characters of the
    visible text.
    ``parts`` are keyed hashes of those pictures and style sheets among them that are the same
    wherever the page stands, of a page of our own zone that came in the place of the origin's.
    ``inner`` are the pages that ``frames`` lead to, one level; without a status, not reached.
    ``browser`` is the profile whose requests were sent (``probes.net.browser_profiles``).
    ``sketch`` is that of all visible text, on the control line and where the page did not come.
    ``file`` says what came of a file that was downloaded (``harness.model.file_case``): the
    anti-malware test string, the harmless content of that host, or the agreed file.
    ``kept``: the file was the second answer on its connection.
    ``details`` are those of a page on a service line that may be a block page.
    ``net_error`` is the error of which a browser showed its page (``ERR_NAME_NOT_RESOLVED``).
    """

    url: str
    status: int | None = None
    tunnel_status: int | None = None
    hops: tuple[Hop, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    peer: str = ""
    certificate: Certificate | None = None
    title: str = ""
    text: str = ""
    frames: tuple[str, ...] = ()
    body_length: int | None = None
    body_sha256: str = ""
    truncated: bool = False
    canary: CanarySighting = "not_applicable"
    choices: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    page_words: int = 0
    locked: bool = False
    asked: bool = False
    codings: tuple[str, ...] = ()
    undecoded: str = ""
    embedded: int = 0
    text_length: int = 0
    title_mark: str = ""
    sketch: tuple[int, ...] = ()
    browser: str = ""
    file: FileSighting = ""
    kept: bool = False
    inner: tuple[WebFacts, ...] = ()
    details: PageDetails | None = None
    net_error: str = ""
    parts: tuple[int, ...] = ()


class SentStep(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one step of a technique sent: to which ``host:port``, and the beginning of the bytes.

    ``data`` is escaped text (``harness.untrusted.visible_text``), ``size`` the number of bytes.
    """

    step: str
    to: str = ""
    data: str = ""
    size: int = 0


class TechniqueFacts(WebFacts, frozen=True, kw_only=True, omit_defaults=True, tag="technique"):
    """What an attempt by a technique saw: facts as of a page, and what each step sent.

    ``obstacle`` says why the line, or the origin, cannot carry the technique: nothing was tried.
    With ``beside`` the page of the allowed host beside the wanted one came.
    """

    sent: tuple[SentStep, ...] = ()
    obstacle: str = ""
    beside: bool = False


class TlsFacts(WebFacts, frozen=True, kw_only=True, omit_defaults=True, tag="tls_check"):
    """What an attempt at a host of ``harness.model.tls_check`` saw: each connection, in order.

    The facts of a page are those of the last connection that a page was requested on.
    """

    views: tuple[TlsView, ...] = ()


class ArrivalFacts(FactsBase, frozen=True, kw_only=True, omit_defaults=True, tag="arrivals"):
    """What reached the origin by one attempt, in words; ``more`` counts what is not listed.

    ``offers`` are those of the ClientHellos on whose connections it came, each once.
    """

    arrivals: tuple[str, ...] = ()
    more: int = 0
    offers: tuple[TlsOffer, ...] = ()


FileSighting = Literal["", "test string", "content", "agreed file", "received"]
"""What was found in a file when its containers were opened; *received*: an upload arrived whole."""

CanarySighting = Literal["seen", "elsewhere", "absent", "not_applicable"]
"""Whether the origin's token or a delivery word came. ``elsewhere``: that of the last page's own
host came, but an answer on the way to it did not come from the origin."""


ADDRESS_TYPES = frozenset({"A", "AAAA"})

SignatureSighting = Literal["", "valid", "absent", "invalid", "without keys"]
"""What a client found of the signatures of an answer; empty: it did not look for them.

*without keys*: the zone's keys did not come, or are not signed by themselves.
"""


class DnsFacts(FactsBase, frozen=True, kw_only=True, omit_defaults=True, tag="dns"):
    """What a DNS question brought back. ``addresses`` are the A and AAAA data, in order.

    ``case_lost``: the server did not repeat the mixed case of the question, so it was asked
    once more as the name is written (draft-vixie-dnsext-dns0x20). ``target_addresses`` are those
    of the names that lock a search engine (safe search), as the control knows them. ``landing`` is
    the page that stands at an address which is not the origin's, for a name of the canary zone.
    ``kept_for`` is for how many seconds the answer may be kept (RFC 2308), where that is recorded.
    ``signatures`` says what the client found of them (RFC 4035 section 5), with the zone's keys
    from the same server; ``keys`` are the SHA-256 digests of the keys that it used.
    """

    name: str
    type: str
    server: str
    transport: Literal["udp", "tcp", "tls", "https"] = "udp"
    rcode: str = ""
    flags: str = ""
    records: tuple[DnsRecord, ...] = ()
    addresses: tuple[str, ...] = ()
    has_soa: bool = False
    extended_errors: tuple[ExtendedError, ...] = ()
    case_lost: bool = False
    target_addresses: tuple[str, ...] = ()
    landing: WebFacts | None = None
    kept_for: int | None = None
    signatures: SignatureSighting = ""
    keys: tuple[str, ...] = ()

    @property
    def answers(self) -> frozenset[str]:
        """What was asked for: the addresses, or of another type the data of its records."""
        if self.type in ADDRESS_TYPES:
            return frozenset(self.addresses)
        return frozenset(each.data.lower() for each in self.records if each.type == self.type)

    @property
    def chain(self) -> tuple[str, ...]:
        """The names that the question's name is an alias of, one after the other (CNAME)."""
        aliases = {each.name: each.data for each in self.records if each.type == "CNAME"}
        names: list[str] = []
        name = self.name
        while target := aliases.pop(name.rstrip(".").lower(), ""):
            name = target.rstrip(".").lower()
            names.append(name)
        return tuple(names)

    def leads_to(self, names: Collection[str], addresses: Collection[str]) -> bool:
        """Whether an alias is one of the names, or all its addresses are among the others."""
        only = bool(self.addresses) and set(addresses).issuperset(self.addresses)
        return only or not set(names).isdisjoint(self.chain)

    @property
    def has_alias_loop(self) -> bool:
        """Whether the aliases form a loop, so that they cannot be followed to an address."""
        chain = self.chain
        return len({self.name.rstrip(".").lower(), *chain}) <= len(chain)


class DnsRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One resource record of an answer (RFC 1035 section 3.2)."""

    name: str
    type: str
    ttl: int
    data: str


class ExtendedError(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An extended DNS error (RFC 8914)."""

    code: int
    text: str = ""


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """A named number with its unit, as a probe of another kind reports it."""

    name: str
    value: float
    unit: str


class ReachFacts(FactsBase, frozen=True, kw_only=True, omit_defaults=True, tag="reach"):
    """For probes of other protocols: was the far end reached, and what stood in the way."""

    target: str
    reached: bool | None = None
    refusal: str = ""
    readings: tuple[Reading, ...] = ()


class SealedFacts(FactsBase, frozen=True, kw_only=True, omit_defaults=True, tag="sealed"):
    """What the sealed list program saw of one entry (``harness.ports.list_program``).

    ``arrived``: the first byte of the content, a notice instead of it, or nothing; then the
    observation has the failure. ``mechanism`` is how the notice came. ``notice`` is the keyed
    digest of the notice, by which two notices are compared. Nothing here names the entry.
    """

    arrived: Literal["content", "notice", "nothing"]
    status: int | None = None
    mechanism: str = ""
    notice: str = ""


class LogEntryFacts(FactsBase, frozen=True, kw_only=True, omit_defaults=True, tag="log_entries"):
    """What a log of the service holds about one request, or about one change by a person.

    ``entries`` are the first ``MOST_ENTRIES`` of it in the order of the log, and ``more`` counts
    the others. Without any, what an earlier look at the same log showed is no longer in it.
    """

    entries: tuple[LogEntry, ...] = ()
    more: int = 0


MOST_ENTRIES = 40
"""The most entries that are kept of one request: one is usual, several where TLS is opened, or
where the request was repeated as a heartbeat."""


class FoundSecret(msgspec.Struct, frozen=True, kw_only=True):
    """A secret that a log holds: its kind, the id of its request, and the first line with it."""

    kind: str
    item: str
    line: int


class LogFileFacts(FactsBase, frozen=True, kw_only=True, omit_defaults=True, tag="log_file"):
    """What was read of a log of the service. Times are aware UTC, ``bytes`` its size.

    ``format`` is the reader that read it, ``covers`` the lines of the campaign whose service keeps
    it (empty: all). ``changes`` counts the entries about administration. ``looked_before`` is when
    the file was last looked at before, without anything new in it; such a reading holds only what
    is new. ``searched`` is how many secrets were looked for, and ``secrets`` are those that were
    found. ``part`` names the log where a service keeps several for the same requests.
    """

    format: str
    sha256: str
    bytes: int
    lines: int
    entries: int
    covers: tuple[str, ...] = ()
    part: str = ""
    first: datetime | None = None
    last: datetime | None = None
    changes: int = 0
    looked_before: datetime | None = None
    searched: int = 0
    secrets: tuple[FoundSecret, ...] = ()


class AlertReportFacts(
    FactsBase, frozen=True, kw_only=True, omit_defaults=True, tag="alert_report"
):
    """A supplier's regular report of a period: how many events of each kind it names."""

    begins: datetime
    ends: datetime
    counts: dict[str, int]


def _kinds(base: type[FactsBase]) -> Iterator[type[FactsBase]]:
    """Yield every kind of facts below one, also those that extend another kind."""
    for kind in base.__subclasses__():
        yield kind
        yield from _kinds(kind)


KINDS: dict[str, type[FactsBase]] = dict(
    sorted((str(kind.__struct_config__.tag), kind) for kind in _kinds(FactsBase))
)
"""Every kind of facts by its tag."""

if TYPE_CHECKING:
    Facts = FactsBase
else:
    Facts = Union[tuple(KINDS.values())]  # noqa: UP007 - the kinds are found at run time
"""Facts of any kind."""


def tag_of(facts: Facts | None) -> str:
    """Return the tag of the kind of some facts; empty if there are none."""
    return "" if facts is None else str(facts.__struct_config__.tag)
