"""Squid as a school's explicit proxy: a list and a reply per category, a port per profile.

Its upstream is a canary origin: ``cache_peer … originserver`` for plain requests, and a tunnel
for CONNECT (see ``uplink``). Measured with Squid 6.13 of Debian 13.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path

from harness.ports.network import Origin
from test_suites.kit.processes.product import LOOPBACK, free_port
from test_suites.products.blocklist import BlockList
from test_suites.products.product import Product
from test_suites.products.school_authority import SchoolAuthority
from test_suites.products.uplink import Uplink

USER = "proxy"
"""Whom Debian's Squid becomes when root starts it."""

CERTGEN = "/usr/lib/squid/security_file_certgen"
"""Makes the certificates of an intercepting Squid (package squid-openssl)."""

MUTE_HELPER = (
    "external_acl_type mute ttl=0 children-max=1 children-startup=1 concurrency=1000 "
    "%DST /usr/bin/sleep 3600"
)
"""A helper that is asked and never answers, so neither does Squid."""

TITLE = "Access to this website has been blocked"
LEGAL_TITLE = "Unavailable for legal reasons"


class Reply(StrEnum):
    """How Squid can answer a denied request (``deny_info``)."""

    PAGE = "403"
    PAGE_200 = "200"
    PAGE_404 = "404"
    PAGE_503 = "503"
    LEGAL = "451"
    REDIRECT = "302"
    REDIRECT_307 = "307"
    RESET = "reset"
    DEFAULT = "default"
    """Squid's own page, ERR_ACCESS_DENIED, as it is without ``deny_info``."""
    HANG = "hang"
    """Ask a helper that never answers, as a content scanner in trouble would."""


def house_lines(here: Path) -> list[str]:
    """What every Squid of a test is told: its files are in ``here``, and it keeps no cache."""
    return [
        "visible_hostname filter.school.example",
        f"pid_filename {here}/squid.pid",
        f"coredump_dir {here}",
        f"access_log stdio:{here}/access.log",
        f"cache_log {here}/cache.log",
        "cache_mem 8 MB",
        "cache deny all",
        "pinger_enable off",
        "max_filedescriptors 1024",
        "shutdown_lifetime 0 seconds",
    ]


class Squid(Product):
    """A running Squid: ``proxy("ks2")`` is the URL that the profile's clients are given.

    ``profiles`` says which lists are denied to whom. ``block_page`` is the URL that the
    redirecting lists lead to. With ``intercepts`` Squid opens TLS under an authority of the
    school's (``authority``); without it, CONNECT is denied or carried unseen. ``site`` is a
    network whose packets are led here unasked, to ``ports`` and ``tls_ports`` by profile; there
    TLS to a listed host is cut off by its SNI, if it is not opened. ``bytes_per_second`` is what
    all pages share (one delay pool); 0 is no limit. ``outgoing`` are further options of TLS to
    websites, ``further`` further lines of the configuration; ``unopened`` are hosts whose TLS is
    carried unseen.
    """

    def __init__(
        self,
        origin: Origin,
        lists: Iterable[BlockList],
        profiles: Mapping[str, Iterable[str]],
        *,
        block_page: str = "",
        intercepts: bool = False,
        site: str = "",
        bytes_per_second: int = 0,
        outgoing: str = "",
        further: Iterable[str] = (),
        unopened: Iterable[str] = (),
    ) -> None:
        super().__init__("squid")
        self.bytes_per_second = bytes_per_second
        self.site = site
        self._outgoing, self._further = outgoing, tuple(further)
        self._unopened = tuple(unopened)
        self._opens_tls = intercepts
        self.origin = origin
        self.lists = tuple(lists)
        self.profiles = {name: tuple(denied) for name, denied in profiles.items()}
        self.block_page = block_page
        # Squid asks for a certificate where TLS comes unasked, even if it only looks at the SNI.
        has_key = intercepts or bool(site)
        self.authority = SchoolAuthority(self.folder.path / "tls") if has_key else None
        self.ports = {profile: free_port() for profile in self.profiles}
        self.tls_ports = {profile: free_port() for profile in self.profiles if site}
        # The name of its shared memory segments: letters and digits only.
        self.name = "accredit" + self.folder.path.name.rsplit("-", 1)[-1].replace("_", "x")
        self._uplink: Uplink | None = None

    def proxy(self, profile: str) -> str:
        """The proxy's URL for one profile."""
        return f"http://{LOOPBACK}:{self.ports[profile]}"

    def configuration(self) -> str:
        """The whole ``squid.conf``."""
        return "\n".join([*self._house(), *self._doors(), *self._rules(), *self._upstream(), ""])

    def start(self) -> None:
        """Squid in the foreground, with its way out for tunnels."""
        self.closing.callback(self._remove_segments)
        self._uplink = self.closing.enter_context(Uplink(self.origin))
        conf = self._prepare()
        places = [(LOOPBACK, port) for port in self.ports.values()]
        self.run("squid", "-N", "-n", self.name, "-f", str(conf), answers_at=places)

    def _remove_segments(self) -> None:
        for segment in Path("/dev/shm").glob(f"{self.name}*"):
            segment.unlink(missing_ok=True)

    def _prepare(self) -> Path:
        # deny_info finds templates only in error_directory, so the stock ones go there too.
        shutil.copytree("/usr/share/squid/errors/English", self.folder.path / "errors")
        for denied in self.lists:
            page = denied.page or _page(denied)
            self.folder.write(f"errors/ERR_{denied.name.upper()}", page)
            self.folder.write(f"lists/{denied.name}.txt", "\n".join(denied.hosts) + "\n")
        if self.authority is not None:
            certificates = str(self.folder.path / "certificates")
            making = [CERTGEN, "-c", "-s", certificates, "-M", "4MB"]
            subprocess.run(making, check=True, capture_output=True)
            trusted = Path(self.origin.authority).read_text(encoding="ascii")
            self.folder.write("origin-ca.pem", trusted)
        conf = self.folder.write("squid.conf", self.configuration())
        self.folder.give_to(USER)
        return conf

    def _house(self) -> list[str]:
        return [
            *house_lines(self.folder.path),
            f"error_directory {self.folder.path}/errors",
            "forwarded_for delete",
            f"dns_nameservers {LOOPBACK}",
            *self._delay_pool(),
        ]

    def _delay_pool(self) -> list[str]:
        rate = self.bytes_per_second
        pool = ["delay_pools 1", "delay_class 1 1", "delay_access 1 allow all"]
        return [*pool, f"delay_parameters 1 {rate}/{rate}"] if rate else []

    def _doors(self) -> list[str]:
        unasked = " intercept" if self.site else ""
        doors = [
            f"http_port {LOOPBACK}:{port}{unasked} name={name}" for name, port in self.ports.items()
        ]
        if self.site:
            # Squid wants a door of its own for the pictures of its pages.
            doors.append(f"http_port {LOOPBACK}:{free_port()}")
        if self.authority is None:
            return doors
        tls = f"ssl-bump tls-cert={self.authority.both} generate-host-certificates=on"
        tls += " dynamic_cert_mem_cache_size=4MB"
        sealed = [
            f"https_port {LOOPBACK}:{port} intercept name={name}_tls {tls}"
            for name, port in self.tls_ports.items()
        ]
        return [
            *(doors if self.site else [f"{door} {tls}" for door in doors]),
            *sealed,
            f"sslcrtd_program {CERTGEN} -s {self.folder.path}/certificates -M 4MB",
            "sslcrtd_children 2 startup=1",
            *self._opening(),
            f"tls_outgoing_options cafile={self.folder.path}/origin-ca.pem {self._outgoing}",
            *self._further,
        ]

    def _opening(self) -> list[str]:
        """What becomes of TLS once its SNI is known."""
        look = ["acl first at_step SslBump1", "ssl_bump peek first"]
        if self._opens_tls:
            spared = [
                f"acl unopened ssl::server_name {' '.join(self._unopened)}",
                "ssl_bump splice unopened",
            ]
            return [*look, *(spared if self._unopened else []), "ssl_bump bump all"]
        lines = []
        for denied in self.lists:
            file = self.folder.path / "lists" / f"{denied.name}.txt"
            lines.append(f'acl {denied.name}_sni ssl::server_name "{file}"')
            lines.append(f"ssl_bump terminate {denied.name}_sni")
        return [*look, *lines, "ssl_bump splice all"]

    def _rules(self) -> list[str]:
        here = self.folder.path
        lines = ["acl CONNECT method CONNECT"]
        for denied in self.lists:
            lines.append(f'acl {denied.name} dstdomain -n "{here}/lists/{denied.name}.txt"')
            if denied.reply not in (Reply.HANG, Reply.DEFAULT):
                lines.append(f"deny_info {self._reply(denied)} {denied.name}")
        if any(denied.reply == Reply.HANG for denied in self.lists):
            lines += [MUTE_HELPER, "acl mute external mute"]
        # A filter that opens TLS denies inside it; otherwise the denial happens on CONNECT.
        if self.authority is not None:
            lines.append("http_access allow CONNECT localhost")
        if self.site:
            lines += [f"acl site src {self.site}", "http_access allow CONNECT site"]
        hanging = {denied.name for denied in self.lists if denied.reply == Reply.HANG}
        for profile, names in self.profiles.items():
            lines.append(f"acl at_{profile} myportname {profile} {profile}_tls")
            for name in names:
                last = " mute" if name in hanging else ""
                lines.append(f"http_access deny at_{profile} {name}{last}")
        allowed = ["http_access allow site"] if self.site else []
        return [*lines, *allowed, "http_access allow localhost", "http_access deny all"]

    def _reply(self, denied: BlockList) -> str:
        match Reply(denied.reply):
            case Reply.RESET:
                return "TCP_RESET"
            case Reply.REDIRECT | Reply.REDIRECT_307 as status:
                return f"{status}:{self.block_page}?url=%u"
            case status:
                return f"{status}:ERR_{denied.name.upper()}"

    def _upstream(self) -> list[str]:
        if self.site:
            # Where the client was going: Squid has it from the kernel.
            return ["always_direct allow all"]
        assert self._uplink is not None
        how = "0 no-query no-digest no-netdb-exchange"
        plain = f"{self.origin.address} parent {self.origin.ports[80]} {how} originserver"
        own_page = self.block_page.split("//")[-1].split(":")[0]
        return [
            f"cache_peer {plain} name=plain",
            f"cache_peer {LOOPBACK} parent {self._uplink.port} {how} name=tunnel",
            "acl sealed proto HTTPS",
            "cache_peer_access plain deny CONNECT",
            "cache_peer_access plain deny sealed",
            "cache_peer_access plain allow all",
            "cache_peer_access tunnel allow CONNECT",
            "cache_peer_access tunnel allow sealed",
            "cache_peer_access tunnel deny all",
            *([f"acl own_page dstdomain -n {own_page}"] if own_page else []),
            *(["always_direct allow own_page"] if own_page else []),
            "never_direct allow all",
        ]


def _page(denied: BlockList) -> str:
    title, words = TITLE, f"%U is in the category {denied.name}."
    if denied.reply == Reply.LEGAL:
        title, words = LEGAL_TITLE, "A court has ordered that %U be withheld (RFC 7725)."
    return (
        f'<!doctype html><html lang="en"><head><title>{title}</title></head>'
        f"<body><h1>{title}</h1><p>{words}</p></body></html>"
    )
