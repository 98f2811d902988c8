"""Flaws of services by which a technique gets through: for each requirement some, and what it opens.

Most are leaks: a gateway that passes connections on unread that begin in some way. What it does with
all others is right, so that only the techniques of one requirement open a page.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from harness.model.technique_host import ALLOWED, PART
from probes.net.client_hello import hello_body, read_hello
from probes.range.faults import Fault, FaultKind
from probes.range.gateway import read_server_name
from probes.range.lenient_http1 import needs_leniency
from probes.range.zone import ZONE
from test_suites.calibration.pupils_network import NOWHERE, Leak
from test_suites.calibration.technique_campaigns import RELAYS, TO_ORIGIN, Service

ALLOWED_HOST = f"{ALLOWED}.{PART}.{ZONE}"
"""The allowed host beside those of techniques."""

_ECH = b"\xfe\x0d"
"""The type of the extension encrypted_client_hello (RFC 9849)."""

RECORD_HEADER = 5
"""Bytes of the header of a record of TLS."""

ONE_PACKET = 1400
"""Bytes of a ClientHello that one packet carries."""


@dataclass(frozen=True, kw_only=True)
class Flaw:
    """A flaw of a service, the requirement that it breaks, and the classes that it opens.

    ``group`` is that of the requirement's techniques, of which the items of ``tried`` classes are
    tried (default: of all). On a slow machine it may open the classes ``perhaps`` as well.
    """

    name: str
    breaks: str
    group: str
    opens: frozenset[str]
    service: Service
    probes: tuple[str, ...] = ("web", "web_https", "techniques")
    tried: tuple[str, ...] = ()
    perhaps: frozenset[str] = frozenset()


def _head(pattern: bytes) -> Callable[[bytes], bool]:
    """Whether a request's head has a line that a pattern matches, in any case."""
    compiled = re.compile(rb"(?im)^" + pattern)
    return lambda first: compiled.search(first.partition(b"\r\n\r\n")[0]) is not None


def _name_in(hello: bytes) -> str | None:
    """The name in a ClientHello, however it is cut; None if it has none or is none."""
    try:
        return read_server_name(hello)
    except ValueError:
        return None


def _web(leak: Callable[[bytes], bool], port: int = 80, to: int = TO_ORIGIN) -> Service:
    return Service(leaks={port: (Leak(leak, to),)})


def _names(*, tcp: tuple[int, ...] = (), udp: tuple[int, ...] = ()) -> Service:
    """A service that filters by names alone; the web without TLS is open, and some ports."""
    return Service(filters="names", web=(80,), open_tcp=tcp, open_udp=udp)


WITHOUT_TLS = ("web", "techniques")


def _is_upper(first: bytes) -> bool:
    """Whether the Host header names a host, no address, with capital letters."""
    found = re.search(rb"(?im)^host:[ \t]*([a-z][^\r\n]+)", first)
    return found is not None and found[1] != found[1].lower()


def _is_cut(first: bytes) -> bool:
    """Whether a first segment, which is short, holds no whole head by any reading."""
    is_whole = re.search(rb"\r?\n\r?\n|\r\r", first) is not None
    return len(first) < ONE_PACKET and not is_whole and not needs_leniency(first)


def _is_part_of_large(first: bytes) -> bool:
    """Whether a part of a ClientHello has come that needs two packets."""
    declared = 5 + int.from_bytes(first[3:5]) if first[:1] == b"\x16" else 0
    return declared > ONE_PACKET and len(first) < declared


def _in_pieces(to: int) -> Service:
    """A gateway that does otherwise with large ClientHellos that come in pieces."""
    return Service(
        leaks={443: (Leak(_is_part_of_large, to),)},
        waits=lambda first: len(first) < RECORD_HEADER,
    )


def _is_cut_hello(first: bytes) -> bool:
    """Whether the first record holds less than the whole ClientHello."""
    declared = int.from_bytes(first[6:9]) if first[:1] == b"\x16" else 0
    return declared > int.from_bytes(first[3:5])


SESSION_TICKET, APPLICATION_SETTINGS = 35, 17613
"""Extensions of a ClientHello: Safari offers neither, Chrome and Edge on computers both."""


def _offers(first: bytes, kind: int) -> bool:
    """Whether a whole ClientHello has an extension."""
    try:
        return read_hello(hello_body(first)).extension(kind) is not None
    except ValueError:
        return False


def _is_safari(first: bytes) -> bool:
    return first[:1] == b"\x16" and not _offers(first, SESSION_TICKET)


FLAWS = (
    Flaw(
        name="does not open the TLS of Safari", breaks="DEV-01", group="device",
        opens=frozenset({"macos-safari", "ipados-safari", "ios-safari"}),
        service=_web(_is_safari, 443),
    ),
    Flaw(
        name="does not open the TLS of current Chrome", breaks="DEV-01", group="device",
        opens=frozenset({"windows-chrome", "windows-edge", "chromeos-chrome"}),
        service=_web(lambda first: _offers(first, APPLICATION_SETTINGS), 443),
    ),
    Flaw(
        name="filters computers alone, known by their headers", breaks="DEV-01", group="device",
        opens=frozenset({"ios-safari", "android-chrome"}),
        service=_web(_head(rb"user-agent:[^\r\n]* mobile")),
    ),
    Flaw(
        name="port 53 open over UDP", breaks="CIR-04", group="resolver",
        opens=frozenset({"udp"}), service=_names(udp=(53,)), probes=WITHOUT_TLS,
    ),
    Flaw(
        name="port 53 open over TCP", breaks="CIR-04", group="resolver",
        opens=frozenset({"tcp"}), service=_names(tcp=(53,)), probes=WITHOUT_TLS,
    ),
    Flaw(
        name="port 853 open over TCP", breaks="CIR-05", group="encrypted-dns",
        opens=frozenset({"dot"}), service=_names(tcp=(853,)), probes=WITHOUT_TLS,
    ),
    Flaw(
        name="port 853 open over UDP", breaks="CIR-05", group="encrypted-dns",
        opens=frozenset({"doq"}), service=_names(udp=(853,)), probes=WITHOUT_TLS,
    ),
    Flaw(
        name="DNS over HTTPS at any host", breaks="CIR-05", group="encrypted-dns",
        opens=frozenset({"doh-known", "doh-unknown", "doh-path", "doh-ip", "doh-json"}),
        service=Service(filters="names"),
    ),
    Flaw(
        name="passes ClientHellos with ECH", breaks="CIR-07", group="ech",
        opens=frozenset({"grease", "ech", "https-record"}),
        service=_web(lambda first: _ECH in first, 443),
    ),
    Flaw(
        name="passes UDP port 443", breaks="CIR-08", group="quic",
        opens=frozenset({"h3"}), service=Service(open_udp=(443,)),
    ),
    Flaw(
        name="compares names as they are written", breaks="CIR-09", group="spelling",
        opens=frozenset({"case", "userinfo"}), service=_web(_is_upper),
    ),
    Flaw(
        name="passes requests by IPv4 addresses", breaks="CIR-09", group="spelling",
        opens=frozenset({"ip-dotted", "ip-decimal", "ip-hex", "ip-octal"}),
        service=_web(_head(rb"host:[ \t]*[0-9][0-9a-fx.]*[ \t]*\r")),
    ),
    Flaw(
        name="passes requests by IPv6 addresses", breaks="CIR-09", group="spelling",
        opens=frozenset({"ip-v6"}), service=_web(_head(rb"host:[ \t]*\[")),
    ),
    Flaw(
        name="passes TLS without a name", breaks="CIR-10", group="name",
        opens=frozenset({"absent"}), service=_web(lambda first: _name_in(first) == "", 443),
    ),
    Flaw(
        name="does not open TLS to an allowed site", breaks="CIR-10", group="name",
        opens=frozenset({"mismatch", "fronting", "coalescing"}),
        service=_web(lambda first: _name_in(first) == ALLOWED_HOST, 443),
    ),
    Flaw(
        name="passes WebSockets", breaks="CIR-11", group="framing",
        opens=frozenset({"websocket"}), service=_web(_head(rb"upgrade:[ \t]*websocket")),
    ),
    Flaw(
        name="reads the first request of a connection alone", breaks="CIR-11", group="framing",
        opens=frozenset(
            {"pipelining", "chunking", "absolute-uri", "duplicate-host", "websocket"}
        ),
        service=_web(_head(rb"host:[ \t]*" + re.escape(ALLOWED_HOST.encode()))),
    ),
    Flaw(
        name="reads the first segment of a request alone", breaks="CIR-11", group="framing",
        opens=frozenset({"segments"}), service=_web(_is_cut),
    ),
    Flaw(
        name="reads the first record of a ClientHello alone", breaks="CIR-11", group="framing",
        opens=frozenset({"records"}), service=_web(_is_cut_hello, 443),
    ),
    Flaw(
        name="trusts headers about the client", breaks="CIR-12", group="identity",
        opens=frozenset({"forwarded"}), service=_web(_head(rb"x-forwarded-for:")),
    ),
    Flaw(
        name="trusts headers about the user", breaks="CIR-12", group="identity",
        opens=frozenset({"user-header"}), service=_web(_head(rb"x-authenticated-user:")),
    ),
    Flaw(
        name="trusts the names of programs", breaks="CIR-12", group="identity",
        opens=frozenset({"user-agent"}), service=_web(_head(rb"user-agent: microsoft-cryptoapi")),
    ),
    Flaw(
        name="passes tunnels in DNS", breaks="CIR-14", group="control-protocol",
        opens=frozenset({"dns"}),
        service=Service(faults=(Fault(kind=FaultKind.MISS, service="resolver"),)),
        tried=("dns",),
    ),
    Flaw(
        name="passes pings", breaks="CIR-14", group="control-protocol",
        opens=frozenset({"icmp"}), service=Service(pings=True),
        tried=("icmp", "dns"),
    ),
    Flaw(
        name="passes NTP to any clock", breaks="CIR-14", group="control-protocol",
        opens=frozenset({"ntp"}), service=Service(open_udp=(123,)),
        tried=("ntp", "dns"),
    ),
    Flaw(
        name="passes TURN over UDP", breaks="CIR-14", group="control-protocol",
        opens=frozenset({"turn"}), service=Service(open_udp=(3478,)),
        tried=("turn", "dns"),
    ),
    Flaw(
        name="passes WebTransport",
        breaks="CIR-14",
        group="control-protocol",
        opens=frozenset({"webtransport"}),
        service=Service(open_udp=(443,)),
        tried=("webtransport", "dns"),
    ),
    Flaw(
        name="passes relays on allowed sites", breaks="CIR-15", group="relay",
        opens=frozenset({"path-proxy", "worker", "viewer"}),
        service=_web(_head(rb"host:[ \t]*[^\r\n]*" + re.escape(RELAYS.encode()))),
    ),
    Flaw(
        name="passes ClientHellos that come in pieces", breaks="TLS-09", group="hello",
        opens=frozenset({"late"}), perhaps=frozenset({"split"}),
        service=_in_pieces(TO_ORIGIN),
    ),
)  # fmt: skip

DROPS_HELLOS_IN_PIECES = _in_pieces(NOWHERE)
"""A gateway that ends connections that begin with a part of a ClientHello of two packets."""
