"""A campaign of techniques over all products of the laboratory: its items, and its file.

As long as the shipped pack has no statements, the items are those of ``STATEMENTS``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml import YAML

from corpora.pack_reader import open_pack
from corpora.pack_writer import PackDetails, write_pack
from harness.campaign.origin_file import read_origin
from harness.campaign.own_hosts import on_own_host
from harness.model.campaign import Sentinels
from harness.model.corpus import VECTOR, Item
from harness.model.technique import Scheme, TechniqueCase, case_of_item
from harness.ports.network import Origin
from probes.techniques.steps import read_statement
from test_suites.products.technique_gateways import GATEWAYS, PROXY_PORT
from test_suites.products.technique_layout import CONTROL, Site

PACK = "ways"
SCHEME = Path(__file__).with_name("techniques.yaml")

LIMITS = {
    "timeout": 4,
    "confirmation_timeout": 6,
    "silence_timeout": 8,
    "concurrency": 16,
    # What is silent stays undecided while it is measured, and would be tried again each time.
    "retries": 1,
    # One large batch: silence then costs its timeouts once, not once a batch.
    "batch": 2000,
}
"""Patience for a network on one machine, where answers come within milliseconds or not at all."""


class Statement(NamedTuple):
    """A technique that the laboratory tries."""

    group: str
    name: str
    text: str
    scheme: Scheme = "http"


ASK = r"http1 GET {target} HTTP/1.1\r\nHost: {host}\r\n{marks}\r\n"
"""The request of the page in its plain form."""

END = r"\r\n{marks}\r\n"
FIRST = r"GET {base}/ HTTP/1.1\r\n"

STATEMENTS = (
    Statement("resolver", "udp", f"dns over=udp at={{ip}} | {ASK}"),
    Statement("resolver", "tcp", f"dns over=tcp at={{ip}} | {ASK}"),
    Statement("encrypted-dns", "dot", f"dns over=tls at={{ip}} | {ASK}"),
    Statement("encrypted-dns", "doq", f"dns over=quic at={{ip}} | {ASK}"),
    Statement("encrypted-dns", "doh-known", f"dns over=https server={{resolver}} | {ASK}"),
    Statement("encrypted-dns", "doh-unknown", f"dns over=https at={{ip}} | {ASK}"),
    Statement("encrypted-dns", "doh-path", f"dns over=https server={{allowed}} | {ASK}"),
    Statement("ech", "grease", f"ech config=grease | {ASK}", "https"),
    Statement("ech", "ech", f"ech config=record | {ASK}", "https"),
    Statement("ech", "https-record", f"to address={{ip}} | ech config=record | {ASK}", "https"),
    Statement("quic", "h3", "h3", "https"),
    Statement("quic", "h3", "to address={ip} | h3", "https"),
    Statement("spelling", "case", rf"http1 {FIRST}Host: {{host:mixed}}{END}"),
    Statement("spelling", "trailing-dot", rf"http1 {FIRST}Host: {{host}}.{END}"),
    Statement("spelling", "port", rf"http1 {FIRST}Host: {{host}}:80{END}"),
    Statement("spelling", "ip-dotted", f"to address={{ip}} | {ASK}"),
    Statement("spelling", "ip-dotted", "url http://{ip}{at}"),
    Statement("spelling", "ip-decimal", "url http://{ip:decimal}{at}"),
    Statement("spelling", "ip-hex", "url http://{ip:hex}{at}"),
    Statement("spelling", "ip-octal", "url http://{ip:octal}{at}"),
    Statement("spelling", "ip-v6", "url http://[{ip6}]{at}"),
    Statement("spelling", "ip-v6", f"to address={{ip6}} | {ASK}"),
    Statement("spelling", "idn", "url http://{host:fullwidth-first}/"),
    Statement("spelling", "percent", "url http://{host:percent}/"),
    Statement("spelling", "userinfo", "url http://{allowed}@{host}/"),
    Statement("spelling", "slashes", "url http:////{host}/"),
    Statement("spelling", "fragment", "url http://{host}/?#{allowed}"),
    Statement("name", "absent", f"to address={{ip}} | tls sni=none | {ASK}", "https"),
    Statement(
        "name", "mismatch", f"to address={{ip}} | tls sni={{random}}.{{zone}} | {ASK}", "https"
    ),
    Statement("name", "fronting", f"to host={{allowed}} | tls sni={{allowed}} | {ASK}", "https"),
    Statement("name", "fronting", f"to host={{allowed}} | {ASK}"),
    Statement(
        "name",
        "authority",
        "to host={allowed} | tls sni={allowed} alpn=h2 | h2 :authority={allowed} host={host}",
        "https",
    ),
    Statement(
        "name",
        "coalescing",
        "to host={allowed} | tls sni={allowed} alpn=h2 | h2 first={allowed}",
        "https",
    ),
    Statement(
        "framing", "segments", rf"http1 {FIRST}Host: {{cut}}{{label}}{{wait}}.{{parent}}{END}"
    ),
    Statement("framing", "records", f"to address={{ip}} | tls records=1 | {ASK}", "https"),
    Statement("framing", "header-case", rf"http1 {FIRST}hOsT:\t{{host}}{END}"),
    Statement(
        "framing",
        "absolute-uri",
        rf"to host={{allowed}} | http1 GET http://{{host}}/ HTTP/1.1\r\nHost: {{allowed}}{END}",
    ),
    Statement(
        "framing",
        "duplicate-host",
        rf"to host={{allowed}} | http1 {FIRST}Host: {{allowed}}\r\nHost: {{host}}{END}",
    ),
    Statement(
        "framing",
        "pipelining",
        rf"to host={{allowed}} | http1 {FIRST}Host: {{allowed}}\r\n\r\n{{answer}}{ASK[6:]}",
    ),
    Statement("framing", "websocket", "to address={ip} | ws host={host}"),
    Statement(
        "framing",
        "chunking",
        rf"http1 POST {{base}}/ HTTP/1.1\r\nHost: {{host}}\r\nTransfer-Encoding: chunked\r\n"
        rf"Content-Length: 5{END}0\r\n\r\n",
    ),
    Statement(
        "identity", "forwarded", rf"http1 {FIRST}Host: {{host}}\r\nX-Forwarded-For: 127.0.0.1{END}"
    ),
    Statement(
        "identity",
        "user-header",
        rf"http1 {FIRST}Host: {{host}}\r\nX-Authenticated-User: head{END}",
    ),
    Statement(
        "identity",
        "user-agent",
        rf"http1 {FIRST}Host: {{host}}\r\nUser-Agent: Windows-Update-Agent{END}",
    ),
    Statement("hello", "whole", f"to address={{ip}} | tls13 hello=large | {ASK}", "https"),
    Statement("hello", "split", f"to address={{ip}} | tls13 hello=large cut=sni | {ASK}", "https"),
    Statement("control-protocol", "dns", "dns-tunnel type=TXT"),
    Statement("control-protocol", "icmp", "icmp-tunnel"),
    Statement("control-protocol", "ntp", "ntp-tunnel"),
    Statement("control-protocol", "turn", "turn over=udp"),
    Statement("control-protocol", "webtransport", f"to host={{allowed}} | webtransport | {ASK}"),
    Statement("control-protocol", "webtransport", "to host={allowed} | masque | h3", "https"),
    Statement(
        "relay",
        "path-proxy",
        rf"to host={{relay}} | http1 GET {{base}}/{{host}}/ HTTP/1.1\r\nHost: {{relay}}{END}",
    ),
    Statement("signal", "ddr", f"dns over=ddr | {ASK}"),
)
"""About one of each class; those with steps that this version does not know are left out."""


def write_statements(folder: Path) -> None:
    """Write the pack of STATEMENTS."""
    rows = (
        {
            "id": f"CV-{number:03d}",
            "value": each.text,
            "kind": VECTOR,
            "registrable": f"cv-{number:03d}.ways.accredit.test",
            "labels": "MALW.BYPASS",
            "label_source": "curated",
            "stratum": f"MALW.BYPASS/{TechniqueCase(each.group, each.name, each.scheme)}",
            "sensitivity": "S0",
        }
        for number, each in enumerate(STATEMENTS, 1)
        if is_statement(each.text)
    )
    details = PackDetails(
        name=PACK, version="1.0.0", title="Techniques of the laboratory",
        created="2026-11-29T00:00:00Z", kind="agreed",
    )  # fmt: skip
    write_pack(folder / PACK, rows, details)


def pack_in(folder: Path) -> str:
    """The pack to measure: the shipped one, once its items are statements; else our own."""
    if any(map(is_carried_out, open_pack("circumvention").items())):
        return "circumvention"
    if not (folder / PACK).exists():
        write_statements(folder)
    return f"./{PACK}"


def is_carried_out(item: Item) -> bool:
    """Whether an item is a technique whose statement the steps of this version understand."""
    return item.kind == VECTOR and case_of_item(item) is not None and is_statement(item.value)


def is_statement(text: str) -> bool:
    """Whether a text is a statement whose steps this version knows."""
    try:
        read_statement(text)
    except ValueError:
        return False
    return True


def techniques_in(folder: Path, origin: Origin) -> list[Item]:
    """The techniques of the pack, on the origin's own hosts."""
    pack = pack_in(folder)
    opened = open_pack(pack if pack == "circumvention" else str(folder / PACK))
    return [on_own_host(item, origin) for item in opened.items() if is_carried_out(item)]


WHOLE = 8
"""A group of so many techniques is tried whole by a few of them, so that it can conform."""


def few_of(items: Iterable[Item]) -> list[Item]:
    """All techniques of small groups, and the first of each other group."""
    groups: defaultdict[str, list[Item]] = defaultdict(list)
    for item in items:
        case = case_of_item(item)
        assert case is not None
        groups[case.group].append(item)
    return [
        item for group in groups.values() for item in (group if len(group) <= WHOLE else group[:1])
    ]


def hosts_to_block(items: Iterable[Item], origin: Origin) -> list[str]:
    """The hosts that every product is told to block: of techniques one by one, and the sentinels."""
    sentinels = [origin.home_of(host) for host in Sentinels().hosts("must_block")]
    return [*dict.fromkeys([*sentinels, *(item.host for item in items)])]


def line_of(site: Site, folder: Path) -> dict[str, Any]:
    """The tester's line to a product."""
    kind = GATEWAYS[site.name].line
    authority = folder / f"{site.name}.pem"
    trusted = {"authority": str(authority)} if authority.exists() else {}
    options: Mapping[str, Any] = {
        "explicit_proxy": {"proxy": f"http://{site.gateway}:{PROXY_PORT}"},
        "resolver": {"server": f"{site.gateway}:53"},
        "interface": {
            "device": site.name, "resolver": f"{site.gateway}:53", "gateway": site.gateway
        },
    }[kind]  # fmt: skip
    return {"name": site.name, "type": kind, "options": {**options, **trusted}}


def write_campaign(
    folder: Path, name: str, lines: Iterable[dict[str, Any]], items: Iterable[Item]
) -> Path:
    """Write the campaign file; ``folder`` has the origin and the pack of the items."""
    origin_file = folder / "origin/origin.json"
    pack = pack_in(folder)
    campaign = {
        "campaign": name,
        "service": {"name": "products of Debian"},
        "scheme": str(SCHEME),
        "scope": "web",
        "origin": str(origin_file),
        "control": {
            "type": "interface",
            "options": {"device": CONTROL, "resolver": read_origin(origin_file).resolver},
        },
        "probes": ["web", "web_https", "techniques"],
        "lines": list(lines),
        "profiles": {"pupils": {"phase": "ks2"}},
        "corpora": [{"pack": pack, "items": [item.id for item in items]}],
        "limits": LIMITS,
        "plain_twins": {"number": 0},
        "concurrent_users": {"events": 0},
        "seed": "laboratory",
    }
    path = folder / f"{name}.yaml"
    YAML(typ="safe").dump(campaign, path)
    return path
