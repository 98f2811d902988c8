r"""What the page of techniques says of each step, and the options that the step's reader knows.

``needs`` is what the line must carry for the example, a key of NEEDS; a test carries each example
out on a line without anything, and compares the obstacle.
"""

from __future__ import annotations

import sys
from typing import NamedTuple, NoReturn
from unittest import mock

from probes.techniques.steps import readers


class StepWords(NamedTuple):
    """A step in words: what it does, its text if it has no options, what it needs, an example."""

    words: str
    needs: str
    example: str
    text: str = ""


NEEDS: dict[str, tuple[str, str]] = {
    "streams": ("TCP to any host and port", "opens no byte streams"),
    "udp": ("UDP", "carries no UDP"),
    "names": ("a name server of its own", "has no name server of its own"),
    "pings": ("pings (ICMP)", "carries no pings"),
    "": ("nothing", ""),
}
"""What a line must carry: its words, and what the obstacle says on a line without it."""

ASK = r"http1 GET {target} HTTP/1.1\r\nHost: {host}\r\n{marks}\r\n"

STEPS: dict[str, StepWords] = {
    "to": StepWords(
        "where the next step connects to: a host, an address to use for it, a port of URLs",
        "",
        f"to address={{ip}} | {ASK}",
    ),
    "tunnel": StepWords(
        "opens a connection to the far end itself: a proxy of the line is asked by CONNECT",
        "streams",
        r"to host={relay} port=8080 | tunnel | "
        r"http1 GET http://{host}/ HTTP/1.1\r\nHost: {host}\r\n{marks}\r\n",
        "none",
    ),
    "url": StepWords(
        "requests a URL as it is written; the host is read as clients do for the connection alone",
        "streams",
        "url http://{allowed}@{host:percent}./",
        "a URL",
    ),
    "device": StepWords(
        "requests a URL as a device and its browser do: handshake, HTTP/2 settings and headers; "
        "verifies no certificate",
        "streams",
        "device windows-chrome https://{host}/",
        "the device, and a URL",
    ),
    "recorded-device": StepWords(
        "the same as a device that was recorded (`accredit device record`)",
        "streams",
        'recorded-device https://{host}/ {"name":"Tablet 7","recorded":"2026-11-29","hello":'
        '{"ciphers":[4865,4867,49195],"extensions":[0,10,13,16,43,51],"groups":[29,23],'
        '"shares":[29],"signatures":[1027,2052],"protocols":["h2","http/1.1"]},'
        '"headers":[["user-agent","Mozilla/5.0"]]}',
        "a URL, and the recording as JSON",
    ),
    "browser": StepWords(
        "visits a URL in Chromium with its scripts; the answer is what the page then shows. Without "
        "playwright or Chromium it is not carried",
        "streams",
        "browser https://{host}/script/kept/",
        "a URL",
    ),
    "follow": StepWords(
        "requests the address that the answer before redirects to, if it is one of the origin",
        "",
        "url http://{relay}/s/{host:base64} | follow",
        "none",
    ),
    "http1": StepWords(
        "sends the bytes of a request by HTTP/1 as they are written, and reads an answer",
        "streams",
        r"http1 GET {target} HTTP/1.1\r\nHo{cut}st: {host}\r\n{marks}\r\n",
        "the bytes, with marks",
    ),
    "repeat": StepWords(
        "sends a request so many times before the next step, and drops the answers",
        "streams",
        rf"repeat 99 GET {{allowed-target}} HTTP/1.1\r\nHost: {{allowed}}\r\n{{marks}}\r\n | {ASK}",
        "a number, and the bytes",
    ),
    "h2": StepWords(
        "a request by HTTP/2, whose fields are sent in the given order; `first` names the host of "
        "a request before it, `continuation` the bytes of a fragment of its header block",
        "streams",
        "to host={allowed} | tls sni={allowed} alpn=h2 | h2 first={allowed} :authority={host}",
        r"fields `name=value`, with `\x20` for a blank; `first=`, `continuation=`",
    ),
    "h2c": StepWords(
        "the same after an upgrade from HTTP/1.1 (RFC 7540 section 3.2)",
        "streams",
        "h2c",
        "as for `h2`",
    ),
    "ws": StepWords(
        "opens a WebSocket (RFC 6455) as a page of the host would; its first message is the answer",
        "streams",
        "tls sni={host} | ws",
    ),
    "ws-tunnel": StepWords(
        "opens a WebSocket whose messages carry what the next steps send and receive",
        "streams",
        f"to host={{allowed}} | ws-tunnel | {ASK}",
    ),
    "tls": StepWords(
        "a TLS handshake by OpenSSL, as browsers make it: names, protocols, versions, ciphers, "
        "a large ClientHello, and how it is cut and sent",
        "streams",
        rf"tls sni={{allowed}} cut=sni | {ASK}",
    ),
    "tls13": StepWords(
        "a TLS 1.3 handshake whose ClientHello is written byte for byte; verifies no certificate",
        "streams",
        f"tls13 sni=**{{host}}* | {ASK}",
    ),
    "ech": StepWords(
        "a TLS 1.3 handshake whose name is encrypted (RFC 9849), with keys from the HTTPS record "
        "or known before, or with a placeholder for it (`grease`)",
        "streams",
        f"ech config=grease | {ASK}",
    ),
    "h3": StepWords(
        "a request by HTTP/3 (RFC 9114): other names, versions of QUIC, early data, split packets",
        "udp",
        "h3 sni={allowed}",
    ),
    "webtransport": StepWords(
        "a WebTransport session, whose stream or datagrams carry the next step",
        "udp",
        f"to host={{allowed}} | webtransport | {ASK}",
    ),
    "masque": StepWords(
        "CONNECT-UDP (RFC 9298), whose datagrams or capsules carry the next step",
        "udp",
        "to host={allowed} | masque carry=capsules | h3",
    ),
    "dns": StepWords(
        "asks a name server for an address, to which the next step connects: the origin's over "
        "UDP, TCP, TLS, HTTPS, JSON or QUIC, the line's own (`own`), or the one that it "
        "designates (`ddr`, RFC 9462)",
        "udp",
        rf"dns over=udp | {ASK}",
    ),
    "dns-tunnel": StepWords(
        "the page in DNS records, by the line's own name server; `NULL` and `CNAME` as well",
        "names",
        "dns-tunnel type=TXT",
    ),
    "ntp-tunnel": StepWords(
        "the page in extension fields of NTP (RFC 7822)", "udp", "ntp-tunnel at={ip}"
    ),
    "icmp-tunnel": StepWords("the page in the data of echo replies", "pings", "icmp-tunnel"),
    "turn": StepWords(
        "the page over a TURN relay (RFC 8656), as WebRTC uses one; over UDP or TCP",
        "udp",
        "turn over=udp",
    ),
    "tunnel-by": StepWords(
        "a tunnel by a real client program in a private network, whose far end the origin has; the "
        "next step goes through it to the origin's pages. Over UDP the line must carry UDP",
        "streams",
        f"tunnel-by ssh | {ASK}",
        "the tunnel's name; options `at=` and `port=` of its far end",
    ),
}
"""The steps in the order of the page."""


OPTION_WORDS: dict[str, str] = {
    "host": "the host to connect to, or to name in the request",
    "address": "an IP address to use for the host",
    "port": "the port of a URL, or that of the server",
    "path": "the path of the request",
    "sni": "the name in the ClientHello; `none`, or nothing in QUIC: no name; `tls13` takes several, "
    "parted by commas",
    "alpn": "the protocols to offer, parted by commas; `none`",
    "min": "the lowest version: `1.0` to `1.3`",
    "max": "the highest version",
    "ciphers": "an OpenSSL cipher list; for `tls13` and `ech` numbers",
    "hello": "`large`: a key share of X25519MLKEM768, so that it needs two segments; `small`: X25519",
    "verify": "`no`: accept any certificate",
    "certificate": "a name: that of a certificate to show to servers that ask for one",
    "extensions": "the numbers of the extensions, in their order",
    "least": "the least bytes of the message (RFC 7685)",
    "records": "bytes of each TLS record, or where to cut into two: `sni`, `half`, `random`",
    "cut": "where a new write begins: `sni`, `half`, `random`, `every`, offsets",
    "late": "`yes`: wait after the first write",
    "order": "`disorder`: the first segment arrives last",
    "config": "`record`: keys from the HTTPS record; `known`: keys known before; `grease`: none",
    "version": "of QUIC: `1`, `2`, or `negotiated`",
    "split": "`yes`: part the ClientHello inside the host's name",
    "large": "`yes`: a ClientHello of two datagrams",
    "authority": "the host that is requested",
    "zero-rtt": "`yes`: a second connection sends the request with its ClientHello",
    "carry": "what carries the next step: `streams` or `datagrams`; of `masque` also `capsules`",
    "target": "the host behind the tunnel",
    "target-port": "its port",
    "over": "`udp`, `tcp`, `tls`, `https`, `json`, `quic`, `own`, `ddr`; of `turn` the first two",
    "at": "the address of the server",
    "server": "its name in TLS and HTTP, by which it is resolved without `at`",
    "method": "`POST` or `GET`",
    "name": "the name to ask for",
    "type": "the record type: `A`, `AAAA`, `HTTPS`; of `dns-tunnel` `TXT`, `NULL`, `CNAME`",
    "cd": "`yes`: set the flag CD (RFC 4035)",
    "case": "`mixed`: letters in random case",
    "by": "transport of a designated name server: `https` or `tls` (default: of the first)",
}
"""The options in words, by name."""


class _KnownError(Exception):
    """Ends a reader where it reads its options."""

    def __init__(self, options: dict[str, str]) -> None:
        super().__init__("options")
        self.options = options


def options_of_step(name: str) -> dict[str, str]:
    """Return the options that the reader of a step knows, with their values if not given."""
    reader = readers()[name]
    module = sys.modules[reader.__module__]
    if not hasattr(module, "options_of"):
        return {}
    with mock.patch.object(module, "options_of", _raise_known):
        try:
            reader("")
        except _KnownError as found:
            return found.options
        except ValueError:
            return {}
    return {}


def _raise_known(text: str, known_options: dict[str, str]) -> NoReturn:
    del text
    raise _KnownError(known_options)
