"""The products that campaigns of all areas run over, each as a supplier would set it up."""

from __future__ import annotations

import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.model.search_case import BY_NAME, SearchLock
from probes.range.testbed import RangeTestbed
from test_suites.kit.processes.product import which
from test_suites.products import gateway, site, unbound
from test_suites.products.all_areas.agreement import Refused, Visit, Withheld
from test_suites.products.all_areas.campaign import Service, accredit, write
from test_suites.products.all_areas.guardian_supplier import AreaGuardian, WithheldByGuardian
from test_suites.products.all_areas.pages import AreaPages
from test_suites.products.all_areas.squid_supplier import AreaSquid
from test_suites.products.bind import Bind
from test_suites.products.blocklist import BlockList
from test_suites.products.c_icap import CIcap
from test_suites.products.clamav import Clamd
from test_suites.products.measured import SENTINEL
from test_suites.products.policy_zone import Action
from test_suites.products.unbound import Unbound

WEB = ("web", "web_https", "web_markup")
PROXY_PROBES = (*WEB, "download", "upload")
GROUPS = ("pupils", "staff")


def nothing_withheld(_visit: Visit, _group: str) -> bool:
    """A product that passes on whatever it has fetched."""
    return False


def no_name_refused(_host: str, _group: str) -> bool:
    """A product that answers no names."""
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A product that runs: how a campaign reaches it, and what it did.

    ``withheld`` is what its log says when the campaign is over; ``refused`` are names. It
    ``may_end`` now and then, and is started again.
    """

    service: Service
    withheld: Callable[[], Withheld] = lambda: nothing_withheld
    refused: Refused = no_name_refused
    may_end: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a campaign is: its folder, the range, the pages, and the groups of users."""

    folder: Path
    world: RangeTestbed
    pages: AreaPages
    groups: tuple[str, ...] = GROUPS

    def exported(self, form: str) -> Path:
        """The list of illegal pages as its supplier gets it."""
        line = {
            "name": "line",
            "type": "explicit_proxy",
            "options": {"proxy": "http://127.0.0.1:9"},
        }
        draft = write(self.folder, self.pages, Service(line=line, probes=("web",)))
        out = self.folder / f"list-{form}"
        words = ("--format", form, "--campaign", draft, "--out", out)
        pack = self.folder / "packs/illegal"
        ended = accredit(self.folder, "corpus", "export", pack, *words)
        assert ended.returncode == 0, ended.stderr
        return out


@contextmanager
def squid(place: Place) -> Iterator[Running]:
    """Squid as an explicit proxy whose users sign in; TLS is not opened, files are scanned."""
    with _squid(place, intercepts=False) as running:
        yield running


@contextmanager
def squid_opening_tls(place: Place) -> Iterator[Running]:
    """The same, opening TLS."""
    with _squid(place, intercepts=True) as running:
        yield running


@contextmanager
def _squid(place: Place, *, intercepts: bool) -> Iterator[Running]:
    urls = place.exported("squid-urls").read_text(encoding="utf-8")
    with (
        Clamd() as clamd,
        CIcap(clamd.socket) as scanner,
        AreaSquid(
            place.world.origin, place.pages, urls=urls, groups=GROUPS, scanner=scanner,
            intercepts=intercepts,
        ) as running,
    ):  # fmt: skip
        options: dict[str, Any] = {"proxy": running.proxy("all")}
        if intercepts and running.authority is not None:
            options["authority"] = str(running.authority.certificate)
        users = {name: {"username": name, "password": "p"} for name in GROUPS}
        line = {"name": "line", "type": "explicit_proxy", "options": options, "by_profile": users}
        yield Running(
            service=Service(line=line, probes=PROXY_PROBES, users=150), withheld=running.withheld
        )


@contextmanager
def squid_intercepting(place: Place) -> Iterator[Running]:
    """Squid as a transparent proxy for a school, opening TLS; in namespaces of its own."""
    urls = place.exported("squid-urls").read_text(encoding="utf-8")
    everywhere = BlockList(
        name="everywhere", hosts=("accredit.test",), reply=unbound.Reply.SINKHOLE, address=site.FAR
    )
    site.join()
    origin = place.world.origin
    with (
        Clamd() as clamd,
        CIcap(clamd.socket) as scanner,
        Unbound(origin, [everywhere], {"all": ["everywhere"]}) as names,
        AreaSquid(
            origin, place.pages, urls=urls, groups=GROUPS[:1], scanner=scanner, intercepts=True,
            site=site.NETWORK,
        ) as running,
    ):  # fmt: skip
        plain, sealed = running.ports["all"], running.tls_ports["all"]
        doors = {80: plain, 443: sealed, 8080: plain, 8443: sealed}
        assert running.authority is not None
        options = {
            "netns": site.NAME,
            "resolver": f"{site.SUPPLIER}:53",
            "ports": {},
            "authority": str(running.authority.certificate),
        }
        line = {"name": "line", "type": "interface", "options": options}
        with site.leading(origin, doors, names.server("all")):
            service = Service(line=line, probes=PROXY_PROBES, groups=GROUPS[:1])
            yield Running(service=service, withheld=running.withheld)


@contextmanager
def e2guardian(place: Place) -> Iterator[Running]:
    """e2guardian as an explicit proxy for each group, opening TLS, with ClamAV."""
    lists = place.exported("e2guardian")
    with ExitStack() as running:
        scanner = running.enter_context(Clamd())
        guardians = {
            group: running.enter_context(
                AreaGuardian(
                    place.world.origin, place.pages, urls=lists, scanner=scanner, group=group
                )
            )
            for group in place.groups
        }
        options = {
            group: {"proxy": each.proxy, "authority": str(each.authority.certificate)}
            for group, each in guardians.items()
        }
        line = {
            "name": "line",
            "type": "explicit_proxy",
            "options": options[place.groups[0]],
            "by_profile": options,
        }
        # Of requests at the same time, some get a parameter or a block that is meant for another.
        yield Running(
            service=Service(
                line=line,
                probes=PROXY_PROBES,
                groups=place.groups,
                new_sites="scan",
                limits={"concurrency": 1},
            ),
            withheld=lambda: WithheldByGuardian(
                {group: each.log() for group, each in guardians.items()}
            ),
            may_end=True,
        )


def _policy_lists(pages: AreaPages) -> tuple[list[BlockList], dict[str, list[str]]]:
    """The lists of policy zones: denied names of each group, and engines with their locks."""
    locked: defaultdict[str, list[str]] = defaultdict(list)
    for host, text in pages.searches.engines.items():
        lock = SearchLock.parse(text)
        if lock.kind == BY_NAME:
            locked[lock.targets[0].removesuffix(host)].append(host)
    locks = [
        BlockList(
            name=f"lock-{prefix.rstrip('.')}",
            hosts=tuple(hosts),
            reply=Action.ALIAS,
            address=prefix,
        )
        for prefix, hosts in sorted(locked.items())
    ]
    denied = [
        BlockList(name=name, hosts=(SENTINEL, *pages.denied(name)), reply=Action.NXDOMAIN)
        for name in GROUPS
    ]
    names = [each.name for each in locks]
    return [*denied, *locks], {name: [name, *names] for name in GROUPS}


def _names(servers: Mapping[str, str], lists: Iterable[BlockList]) -> Running:
    hosts = {each.name: frozenset(each.hosts) for each in lists}
    locked = frozenset[str]().union(*(hosts[name] for name in hosts if name not in GROUPS))
    line = {
        "name": "line",
        "type": "resolver",
        "options": {"server": servers["pupils"]},
        "by_profile": {name: {"server": server} for name, server in servers.items()},
    }
    return Running(
        service=Service(line=line, probes=(*WEB, "dns")),
        refused=lambda host, group: host in hosts[group] or host in locked,
    )


@contextmanager
def unbound_names(place: Place) -> Iterator[Running]:
    """Unbound with policy zones (RPZ), a name server for each group."""
    lists, groups = _policy_lists(place.pages)
    with Unbound(place.world.origin, lists, groups, by_policy_zone=True) as running:
        yield _names({name: running.server(name) for name in GROUPS}, lists)


@contextmanager
def bind_names(place: Place) -> Iterator[Running]:
    """BIND with the same policy zones."""
    lists, groups = _policy_lists(place.pages)
    with Bind(place.world.origin, lists, groups) as running:
        yield _names({name: running.server(name) for name in GROUPS}, lists)


@contextmanager
def nftables(place: Place) -> Iterator[Running]:
    """A gateway that refuses the addresses of listed sites; in a network namespace of its own.

    Each pair of sites shares an address, so that its harmless site is refused as well.
    """
    subprocess.run([which("ip") or "ip", "link", "set", "lo", "up"], check=True)
    denied = list(place.pages.denied("pupils"))
    pairs = {row["pair_id"] for row in place.pages.pages.rows if row["registrable"] in denied}
    beside = [
        row["registrable"]
        for row in place.pages.pages.rows
        if row["pair_id"] in pairs - {""} and row["registrable"] not in denied
    ]
    refused = BlockList(
        name="refused", hosts=(SENTINEL, *denied, *beside), reply=gateway.Reply.RESET,
        address="127.0.1.1",
    )  # fmt: skip
    named = BlockList(
        name=refused.name, hosts=refused.hosts, reply=unbound.Reply.SINKHOLE, address="127.0.1.1"
    )
    origin = place.world.origin
    with Unbound(origin, [named], {"all": ["refused"]}) as resolver:
        rules = gateway.ruleset(origin, [refused])
        subprocess.run([which("nft") or "nft", "-f", "-"], input=rules, text=True, check=True)
        options = {"resolver": resolver.server("all")}
        ports = gateway.PORTS
        line = {"name": "line", "type": "control", "options": options | {"ports": ports}}
        yield Running(
            service=Service(line=line, probes=WEB, groups=GROUPS[:1], control={"options": options})
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A product: the programs that it needs, the areas that its line carries, how it is started.

    ``namespace`` are the options of unshare for one that needs networks of its own.
    """

    programs: tuple[str, ...]
    start: Callable[[Place], AbstractContextManager[Running]]
    areas: tuple[str, ...] = ("illegal", "urls", "search", "content", "files", "uploads")
    namespace: tuple[str, ...] = ()


SCANNED = ("clamd", "c-icap")
PRODUCTS: Mapping[str, Product] = {
    "squid": Product(programs=("squid", *SCANNED), start=squid),
    "squid-tls": Product(programs=("squid", "openssl", *SCANNED), start=squid_opening_tls),
    "squid-intercepting": Product(
        programs=("squid", "openssl", "unbound", "nft", "ip", "unshare", *SCANNED),
        start=squid_intercepting,
        namespace=("-nm",),
    ),
    "e2guardian": Product(programs=("e2guardian", "squid", "openssl", "clamd"), start=e2guardian),
    "unbound": Product(programs=("unbound",), start=unbound_names, areas=("illegal", "search")),
    "bind": Product(programs=("named",), start=bind_names, areas=("illegal", "search")),
    "nftables": Product(
        programs=("nft", "ip", "unbound", "unshare"),
        start=nftables,
        areas=("illegal",),
        namespace=("-n",),
    ),
}
