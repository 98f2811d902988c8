"""A campaign of techniques over all products of the laboratory: its items, and its file.

As long as the shipped pack has no statements, the items are those of ``STATEMENTS``.
"""

from __future__ import annotations

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


PLAIN = r"\r\n{marks}\r\n"
STATEMENTS = (
    Statement("spelling", "case", r"http1 GET {base}/ HTTP/1.1\r\nHost: {host:mixed}" + PLAIN),
    Statement("spelling", "trailing-dot", r"http1 GET {base}/ HTTP/1.1\r\nHost: {host}." + PLAIN),
    Statement("spelling", "port", r"http1 GET {base}/ HTTP/1.1\r\nHost: {host}:80" + PLAIN),
    Statement(
        "spelling",
        "ip-dotted",
        r"to host={ip} address={ip} | http1 GET {at} HTTP/1.1\r\nHost: {ip}" + PLAIN,
    ),
    Statement(
        "spelling",
        "ip-v6",
        r"to address={ip6} | http1 GET {base}/ HTTP/1.1\r\nHost: {host}" + PLAIN,
    ),
    Statement(
        "name", "mismatch", r"to host={allowed} | http1 GET / HTTP/1.1\r\nHost: {host}" + PLAIN
    ),
    Statement(
        "framing", "segments", r"http1 GET {base}/ HTTP/1.1\r\nHost: {cut}{host}{wait}" + PLAIN
    ),
    Statement("framing", "header-case", r"http1 GET {base}/ HTTP/1.1\r\nhOsT:\t{host}" + PLAIN),
    Statement(
        "framing",
        "absolute-uri",
        r"to host={allowed} | http1 GET http://{host}/ HTTP/1.1\r\nHost: {allowed}" + PLAIN,
    ),
    Statement(
        "framing",
        "pipelining",
        r"to host={allowed} | http1 GET / HTTP/1.1\r\nHost: {allowed}\r\n\r\n{answer}"
        r"GET / HTTP/1.1\r\nHost: {host}" + PLAIN,
    ),
    Statement(
        "identity",
        "forwarded",
        r"http1 GET {base}/ HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-For: 127.0.0.1" + PLAIN,
    ),
    Statement(
        "identity",
        "user-agent",
        r"http1 GET {base}/ HTTP/1.1\r\nHost: {host}\r\nUser-Agent: Windows-Update-Agent" + PLAIN,
    ),
)
"""One or more for each class that steps of this version can carry out."""


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
    if item.kind != VECTOR or case_of_item(item) is None:
        return False
    try:
        read_statement(item.value)
    except ValueError:
        return False
    return True


def techniques_in(folder: Path, origin: Origin) -> list[Item]:
    """The techniques of the pack, on the origin's own hosts."""
    pack = pack_in(folder)
    opened = open_pack(pack if pack == "circumvention" else str(folder / PACK))
    return [on_own_host(item, origin) for item in opened.items() if is_carried_out(item)]


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


def write_campaign(folder: Path, name: str, lines: Iterable[dict[str, Any]]) -> Path:
    """Write the campaign file; ``folder`` has the origin and the pack."""
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
        "corpora": [{"pack": pack}],
        "limits": LIMITS,
        "plain_twins": {"number": 0},
        "concurrent_users": {"events": 0},
        "seed": "laboratory",
    }
    path = folder / f"{name}.yaml"
    YAML(typ="safe").dump(campaign, path)
    return path
