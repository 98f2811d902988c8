r"""Techniques: ways to a blocked page that a pupil may try, as items of kind ``vector``.

The value of an item is a *statement*: steps from the first to the last, parted by `` | ``, such as
``tls sni={allowed} | http1 GET {target} HTTP/1.1\r\nHost: {host}\r\n{marks}\r\n``. Each begins
with its name; the rest is for the step alone (``probes.techniques``). ``registrable`` is the host
whose page is wanted. What follows the category in the stratum is the technique's *case*: ``way:``,
its group, its class, and the scheme by which the page is compared with the plain form.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from harness.model.corpus import TWIN, Item

WAY = "way:"
"""What the case of a technique begins with."""

PARTED = " | "
"""What parts the steps of a statement."""

Scheme = Literal["http", "https"]

PLAIN_PROBES: dict[Scheme, str] = {"http": "web", "https": "web_https"}
"""The probe that fetches the page of a technique in the plain form, by scheme."""

PROBE = "techniques"
"""The probe that tries techniques."""


class TechniqueCase(NamedTuple):
    """The case of a technique: its group, its class, and the scheme of the plain form."""

    group: str
    name: str
    scheme: Scheme

    def __str__(self) -> str:
        return f"{WAY}{self.group}:{self.name}:{self.scheme}"


class TechniqueGroup(NamedTuple):
    """A group of techniques: words for people, and those of each class that must be tried."""

    words: str
    classes: dict[str, str]


GROUPS: dict[str, TechniqueGroup] = {
    "resolver": TechniqueGroup(
        "other name servers on port 53",
        {"udp": "over UDP", "tcp": "over TCP"},
    ),
    "encrypted-dns": TechniqueGroup(
        "encrypted DNS",
        {
            "dot": "DNS over TLS",
            "doq": "DNS over QUIC",
            "doh-known": "DNS over HTTPS at a known path",
            "doh-unknown": "DNS over HTTPS at an unknown host",
            "doh-path": "DNS over HTTPS below a path of an ordinary site",
        },
    ),
    "ech": TechniqueGroup(
        "encrypted names of sites (ECH)",
        {
            "grease": "a ClientHello with a placeholder for ECH",
            "ech": "a ClientHello whose name is encrypted",
            "https-record": "keys for ECH from the HTTPS record",
        },
    ),
    "quic": TechniqueGroup("QUIC and HTTP/3", {"h3": "HTTP/3"}),
    "spelling": TechniqueGroup(
        "spellings of an address",
        {
            "ip-dotted": "the IPv4 address",
            "ip-decimal": "the IPv4 address as one number",
            "ip-hex": "the IPv4 address in hexadecimal",
            "ip-octal": "the IPv4 address in octal",
            "ip-v6": "the IPv6 address",
            "idn": "letters that stand for others in an internationalised name",
            "percent": "percent-encoded letters",
            "case": "capital letters",
            "trailing-dot": "a dot after the name",
            "userinfo": "a user name before the name",
            "slashes": "more slashes",
            "port": "a port",
            "fragment": "a query or fragment at the end",
        },
    ),
    "name": TechniqueGroup(
        "disguised names of sites",
        {
            "absent": "no name in the TLS handshake",
            "mismatch": "a name in the TLS handshake that differs from the requested one",
            "fronting": "the name of an allowed site in the TLS handshake",
            "authority": "another :authority than the Host header in HTTP/2",
            "coalescing": "a connection that was opened for an allowed site",
        },
    ),
    "framing": TechniqueGroup(
        "split and rearranged requests",
        {
            "segments": "cut into TCP segments",
            "records": "cut into TLS records",
            "out-of-order": "segments out of order",
            "header-case": "letter case and spaces in the request head",
            "absolute-uri": "an address in the request line that differs from the Host header",
            "duplicate-host": "two Host headers",
            "chunking": "bodies with two lengths, or in chunks",
            "pipelining": "a request behind another one",
            "websocket": "a WebSocket",
        },
    ),
    "identity": TechniqueGroup(
        "false identities",
        {
            "forwarded": "headers that name another client or address",
            "user-header": "headers that name another user",
            "user-agent": "the name of another program",
        },
    ),
    "hello": TechniqueGroup(
        "large ClientHello messages",
        {
            "whole": "sent at once",
            "split": "cut at every boundary",
            "late": "with a late second half",
        },
    ),
    "control-protocol": TechniqueGroup(
        "tunnels in control protocols",
        {
            "dns": "in DNS",
            "icmp": "in ICMP",
            "ntp": "in NTP",
            "turn": "over a TURN relay",
            "webtransport": "in WebTransport",
        },
    ),
    "tunnel": TechniqueGroup(
        "VPNs and other tunnels",
        {
            "ssh": "SSH",
            "socks": "a SOCKS server",
            "tls": "a tunnel in TLS (stunnel)",
            "openvpn-tcp": "OpenVPN over TCP",
            "openvpn-udp": "OpenVPN over UDP",
            "wireguard": "WireGuard",
            "ikev2": "IKEv2",
            "sstp": "SSTP",
            "tor": "Tor",
            "obfs": "obfs4, as bridges of Tor have it",
            "shadowsocks": "Shadowsocks",
            "iodine": "IP in DNS (iodine)",
            "masque": "MASQUE (CONNECT-UDP)",
        },
    ),
    "relay": TechniqueGroup(
        "relays on allowed sites",
        {
            "path-proxy": "a web proxy below a path of a shared host",
            "worker": "a program on a platform for small programs",
            "viewer": "a translator, cache or reader",
        },
    ),
    "signal": TechniqueGroup(
        "signals against unfiltered DNS",
        {"ddr": "discovery of a designated resolver"},
    ),
    "device": TechniqueGroup(
        "kinds of devices and browsers",
        {
            "windows-chrome": "Chrome on Windows",
            "windows-edge": "Edge on Windows",
            "windows-firefox": "Firefox on Windows",
            "chromeos-chrome": "Chrome on ChromeOS",
            "macos-safari": "Safari on macOS",
            "ipados-safari": "Safari on iPadOS",
            "ios-safari": "Safari on iOS",
            "android-chrome": "Chrome on Android",
        },
    ),
    "other": TechniqueGroup("other techniques", {}),
}
"""The groups by name, in the order of reports. Each class of a group must be tried."""

DEVICE = "device"
"""The group of ordinary requests by several devices. They bypass nothing; DEV-01 counts them."""


FURTHER_CLASSES = {
    "bypass-link": "a guessed link of the block page",
    "ciphers": "rare ciphers",
    "client-certificate": "a client certificate for another site",
    "dns-alias": "a name that is an alias of the blocked one",
    "dns-case": "capital letters in a question",
    "dns-cd-bit": "a question with checking disabled",
    "dns-svcb-target": "an HTTPS record that leads to the blocked name",
    "doh-ip": "DNS over HTTPS by an IP address",
    "doh-json": "DNS over HTTPS as JSON",
    "expect-continue": "a request that waits for 100 Continue",
    "external-proxy": "a proxy elsewhere",
    "h2-continuation": "HTTP/2 headers in pieces",
    "h2-prior-knowledge": "HTTP/2 without TLS",
    "h2c-upgrade": "HTTP/2 after an upgrade",
    "hosts-file": "an address that the client knows",
    "image-preview": "a picture of the page",
    "long-url": "a very long address",
    "old-tls": "TLS 1.0 and 1.1",
    "ranges": "parts of a page",
    "referer": "the name of an allowed page before",
    "script-blob": "a page that a script puts together (blob)",
    "script-decrypt": "a page that a script decrypts",
    "script-fetch": "a page whose text a script fetches",
    "service-worker": "a page that a service worker shows",
    "subdomain": "a name below the blocked one",
}
"""Words for classes that no requirement names; they are counted in CIR-01 alone."""

SIGNALS_ASKED = {
    "mozilla": "the name by which Firefox asks",
    "apple": "the name mask.icloud.com of iCloud Private Relay",
    "apple-h2": "the name mask-h2.icloud.com of iCloud Private Relay",
    "ddr": "discovery of a designated resolver",
}
"""The signals of CIR-06; the last is tried as a technique."""

CRITICAL = frozenset(GROUPS) - {"framing", "signal", "other", DEVICE}
"""The groups of techniques of which none may be open (requirements of critical severity)."""


def technique_case(variant: str) -> TechniqueCase | None:
    """Return the case that the part of a stratum after the category names; None for others."""
    if not variant.startswith(WAY):
        return None
    group, _, rest = variant.removeprefix(WAY).partition(":")
    name, _, scheme = rest.rpartition(":")
    if group not in GROUPS or not name or scheme not in PLAIN_PROBES:
        return None
    return TechniqueCase(group, name, scheme)


def case_of_item(item: Item) -> TechniqueCase | None:
    """Return the case of an item; None if it is no technique."""
    return technique_case(item.stratum.removeprefix(TWIN).partition("/")[2])


def is_technique(stratum: str) -> bool:
    """Whether a stratum is of techniques."""
    return f"/{WAY}" in stratum


def words_of(case: TechniqueCase) -> str:
    """Return a technique's class in words."""
    words = GROUPS[case.group].classes | FURTHER_CLASSES | SIGNALS_ASKED
    return words.get(case.name, case.name.replace("-", " "))


class Step(NamedTuple):
    """One step of a statement: its name, and what it is told."""

    name: str
    text: str


def steps_of(statement: str) -> tuple[Step, ...]:
    """Return the steps of a statement. Raises ValueError for an empty one."""
    steps = []
    for place, part in enumerate(statement.split(PARTED), 1):
        name, _, text = part.strip(" ").partition(" ")
        if not name:
            msg = f"step {place} of the statement is empty"
            raise ValueError(msg)
        steps.append(Step(name, text))
    return tuple(steps)
