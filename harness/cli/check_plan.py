"""What a school's own check tries, and over which line; nothing is sent here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import getproxies

from msgspec.structs import replace

from corpora.check_targets import hidden_names, shipped_targets, vendor_targets
from harness.campaign.origin_file import read_origin
from harness.cli.printing import shown
from harness.errors import UsageError
from harness.model.corpus import is_among
from harness.model.school_check import CheckTarget
from harness.plugins import LINES
from harness.ports.network import Line, Origin
from probes.clients.school_check import LIMITS
from probes.net.dns_server import parse_dns_server
from probes.net.portable.name_resolver import system_server
from probes.net.route import client_tls_context, is_literal

ORIGIN_FILE = "origin.json"
ALLOWED = "amber-lantern"
"""The host of a test range that every filter must let through."""
NOT_PLAYED = ("ALW", "CTRL")
NOT_BY_PROXY = {
    "forced_name": "safe search by names: a proxy looks names up, not this laptop",
    "dns_over_tls": "DNS over TLS: through a proxy only web ports can be expected to open",
}
"""Methods that show nothing of a filter behind a proxy, and why they are not tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckLine:
    """A line of a check that is not open yet, and its description for people.

    ``authority`` is a CA file to trust besides the system's. ``has_proxy`` tells that connections
    go, or may go, through a proxy, which looks names up itself and opens few ports.
    """

    line: Line
    description: str
    authority: str = ""
    has_proxy: bool = False
    origin: Origin | None = None

    def __str__(self) -> str:
        return self.description


def find_line(
    proxy: str, resolver: str, pac: str, authority: str, range_folder: Path | None, *, direct: bool
) -> CheckLine:
    """Build the line of a check from the options, else from the laptop's own settings.

    Raises UsageError.
    """
    chosen = [
        name
        for name, given in (
            ("--proxy", proxy), ("--resolver", resolver), ("--pac", pac), ("--direct", direct),
        )
        if given
    ]  # fmt: skip
    if len(chosen) > 1 and chosen != ["--resolver", "--direct"]:
        raise UsageError(f"{' and '.join(chosen)} exclude each other; give one of them")
    origin = read_origin(range_folder / ORIGIN_FILE) if range_folder is not None else None
    client_tls_context(authority)  # a missing or wrong file is the user's mistake, found here
    if not chosen:
        proxy = _range_proxy(origin) if origin is not None else system_proxy()
    if pac:
        options: dict[str, Any] = {"file": pac, "authority": authority}
        return _check_line("pac", options, f"the PAC file {pac}", origin, authority)
    if proxy:
        return _check_line(
            "explicit_proxy",
            {"proxy": proxy, "authority": authority},
            f"the proxy {proxy}" + ("" if chosen else _source(origin)),
            origin,
            authority,
        )
    if resolver:
        server = parse_dns_server(resolver, "--resolver")
        if server.transport in ("udp", "tcp") and not is_literal(server.address.host):
            raise UsageError(f"--resolver: {server.address.host!r} is not an IP address")
        options = {"server": resolver, "authority": authority}
        return _check_line("resolver", options, f"the name server {resolver}", origin, authority)
    return _check_line("interface", {"authority": authority}, _own_settings(), origin, authority)


def _own_settings() -> str:
    """The description of a laptop without a proxy. Raises UsageError without a name server."""
    try:
        server = system_server()
    except UsageError:
        raise UsageError(
            "this laptop has no name server; connect it to the network, or give --resolver"
        ) from None
    return f"no proxy; the laptop's own name server {server}"


def _source(origin: Origin | None) -> str:
    return " of the test range" if origin is not None else " of the laptop's settings"


def _check_line(
    kind: str, options: dict[str, Any], description: str, origin: Origin | None, authority: str
) -> CheckLine:
    plugin = LINES.find(kind)
    line = plugin("laptop", plugin.Options(**options), origin, LIMITS)
    return CheckLine(
        line=line,
        description=shown(description),
        authority=authority or (origin.authority if origin is not None else ""),
        has_proxy=kind in ("explicit_proxy", "pac"),
        origin=origin,
    )


def system_proxy() -> str:
    """The proxy in the laptop's settings (environment, Windows, macOS); empty without one."""
    settings = getproxies()
    proxy = settings.get("https") or settings.get("http") or ""
    return proxy if not proxy or "://" in proxy else f"http://{proxy}"


def _range_proxy(origin: Origin) -> str:
    proxies = origin.services.get("reference", {}).get("proxy", {})
    if not proxies:
        raise UsageError("this test range has no proxy; give --proxy or --resolver")
    return str(next(iter(proxies.values())))


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckPlan:
    """The targets of a check in order, and what is left out, in sentences."""

    targets: tuple[CheckTarget, ...]
    not_tried: tuple[str, ...] = ()

    def of(self, part: str) -> list[CheckTarget]:
        """The targets of one part."""
        return [target for target in self.targets if target.part == part]


def plan_check(line: CheckLine, supplier: str, names: Path | None, key: bytes) -> CheckPlan:
    """What is tried over a line. Raises UsageError, FaultyDocument."""
    targets = [*shipped_targets(), *vendor_targets(supplier)]
    not_tried: list[str] = []
    if line.origin is not None:
        targets = _played(targets, line.origin.zone)
        not_tried.append("search engines, encrypted name servers, certificates: not on a range")
    if names is not None:
        hidden, left_out = hidden_names(names, key)
        targets += hidden
        if left_out:
            not_tried.append(f"entries of the hidden list that are never tried: {left_out}")
    for method, sentence in NOT_BY_PROXY.items() if line.has_proxy else ():
        kept = [target for target in targets if target.method != method]
        if len(kept) < len(targets):
            not_tried.append(sentence)
        targets = kept
    return CheckPlan(targets=tuple(targets), not_tried=tuple(not_tried))


def _played(targets: list[CheckTarget], zone: str) -> list[CheckTarget]:
    """The targets that a test range can play: a canary of its category for each test page."""
    played: list[CheckTarget] = []
    for target in targets:
        scheme = target.address.partition("://")[0]
        if target.part == "start":
            host = ALLOWED
        elif target.part in ("agency", "vendor") and not is_among(target.category, NOT_PLAYED):
            host = f"{target.category.lower().replace('.', '-')}-{len(played) + 1:03}.canary"
        else:
            continue
        address = f"{scheme}://{host}.{zone}/"
        what = f"a range's page in the place of {target.what}"
        played.append(replace(target, address=address, mark="", what=what))
    return played


def contacts(plan: CheckPlan, line: CheckLine) -> list[str]:
    """Every host that a check contacts and why, as lines; names of a hidden list are counted."""
    lines = [f"Connection to the internet: {line}", "Fetched or connected to:"]
    asked, hidden = [], 0
    for target in plan.targets:
        if target.part == "names":
            hidden += 1
        elif target.method == "forced_name":
            asked.append(f"  {target.address}, {target.mark.replace(' ', ', ')}  ({target.what})")
        else:
            lines.append(f"  {target.address}  ({target.what})")
    if asked:
        lines += ["Asked of the name server only:", *asked]
    if hidden:
        lines.append(f"Looked up, and connected to at port 443: {hidden} names of your list")
    if plan.not_tried:
        lines += ["Not tried:", *(f"  {sentence}" for sentence in plan.not_tried)]
    lines.append(
        "A page or your filter may send the laptop on to another host, such as a block page. That "
        f"is followed up to {LIMITS.redirects} times; to an address inside your network only where "
        "an agency's test page leads there."
    )
    return lines
