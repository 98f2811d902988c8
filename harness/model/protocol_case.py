"""Protocols beside the web: instant messages, file sharing, and the interfaces of apps (URL-16).

A case is named in the stratum of an item: ``CTRL/protocol:xmpp``. What a service does with a
protocol is declared for each profile of the campaign.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple, get_args

PROTOCOL = "protocol:"
"""What precedes the name of a protocol in a stratum."""

ProtocolName = Literal["xmpp", "irc", "bittorrent", "mqtt", "app"]
"""The protocols that are tried."""

ProtocolHandling = Literal["block", "allow", "out_of_scope"]
"""What a service declares of a protocol; of one out of scope it promises nothing."""


Handled = ProtocolHandling | Literal["never_blocked"] | None
"""What is declared of a protocol for a profile; None: nothing."""

NEVER_BLOCKED = "allowed for every profile, which does not show that it can be blocked"


class AppProtocol(NamedTuple):
    """A protocol over TCP: its usual port, and words for people."""

    port: int
    words: str


PROTOCOLS: dict[ProtocolName, AppProtocol] = {
    "xmpp": AppProtocol(5222, "instant messages by XMPP"),
    "irc": AppProtocol(6667, "chat by IRC"),
    "bittorrent": AppProtocol(6881, "file sharing by BitTorrent"),
    "mqtt": AppProtocol(1883, "messages to apps by MQTT"),
    "app": AppProtocol(443, "the interface of a mobile app"),
}
"""RFC 6120, RFC 2812, BEP 3, OASIS MQTT 3.1.1, and JSON over HTTPS with a pinned authority."""

NAMED_PROTOCOLS = {f"{PROTOCOL}{name}": one.words for name, one in PROTOCOLS.items()}
"""The cases that URL-16 needs, in words."""

OwnPort = Literal["xmpp", "irc", "bittorrent", "mqtt"]
"""The protocols for which an origin listens on a port of their own."""
OWN_PORTS: dict[OwnPort, int] = {name: PROTOCOLS[name].port for name in get_args(OwnPort)}
"""The usual TCP port of each."""


ControlName = Literal["dns-over-tls", "ntp", "turn"]
"""Control protocols by which techniques ask an origin for pages; each has a port of its own."""

CONTROL_PORTS: dict[ControlName, int] = {"dns-over-tls": 853, "ntp": 123, "turn": 3478}
"""The usual port of each (RFC 7858, RFC 5905, RFC 8656)."""

CONTROL_TRANSPORTS: dict[ControlName, tuple[Literal["tcp", "udp"], ...]] = {
    "dns-over-tls": ("tcp",),
    "ntp": ("udp",),
    "turn": ("tcp", "udp"),
}
"""What each is carried by."""


def protocol_of(variant: str) -> ProtocolName | None:
    """Return the protocol that the part of a stratum after the category names; else None."""
    return next((name for name in PROTOCOLS if variant == f"{PROTOCOL}{name}"), None)


def handled_in(
    declared: Mapping[str, Mapping[ProtocolName, ProtocolHandling]], profile: str
) -> dict[str, Handled]:
    """Return what is declared of each protocol for a profile, by its case.

    ``declared`` holds the declarations of all profiles by their names. A protocol that is allowed
    for ``profile``, and blocked for no profile, is *never blocked*.
    """
    own = declared.get(profile, {})
    blocked = {name for one in declared.values() for name, how in one.items() if how == "block"}
    return {
        f"{PROTOCOL}{name}": "never_blocked"
        if own.get(name) == "allow" and name not in blocked
        else own.get(name)
        for name in PROTOCOLS
    }
