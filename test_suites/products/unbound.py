"""Unbound as a filtering resolver: a process per profile, a local zone per listed host.

Its upstream is the canary origin's name server. Measured with Unbound 1.26 of Debian 13: it
never sends an extended error for a local zone, and a view is chosen by the client's address
(the built-in rule for 127.0.0.0/8 beats ``interface-view``), so on loopback profiles need a
process each. With ``by_policy_zone`` the lists become response policy zones (RPZ) instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path

from harness.ports.network import Origin
from test_suites.kit.processes.product import LOOPBACK, Folder, free_port
from test_suites.products.blocklist import BlockList
from test_suites.products.policy_zone import policy_zone
from test_suites.products.product import Product

NAME = "dns.school.example"
"""What the resolver's certificate is for."""


def confined_to(folder: Folder) -> str:
    """Options of an Unbound that runs in the foreground, as the user of the tests, in a folder."""
    return f"""  access-control: 0.0.0.0/0 allow
  directory: "{folder.path}"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  logfile: ""
  do-daemonize: no
  do-ip6: no
  num-threads: 1
"""


class Reply(StrEnum):
    """How a listed name is answered (types of ``local-zone``)."""

    NXDOMAIN = "always_nxdomain"
    NODATA = "always_nodata"
    REFUSED = "always_refuse"
    SILENT = "always_deny"
    NULL = "always_null"
    SINKHOLE = "redirect"


class Unbound(Product):
    """A running Unbound: ``server("ks2")`` is the resolver that the profile's clients ask.

    ``profiles`` says which lists hold for whom; ``sinkhole`` is the address of the lists
    that redirect. ``sealed_by`` is a file of a key and a certificate for NAME: with it,
    the resolver also answers over TLS and HTTPS. With ``trust_anchors`` (DS records) it validates
    the signatures of their zones. ``settings`` are further lines of its section ``server``.
    """

    def __init__(
        self,
        origin: Origin,
        lists: Iterable[BlockList],
        profiles: Mapping[str, Iterable[str]],
        *,
        sinkhole: str = "127.0.0.2",
        by_policy_zone: bool = False,
        sealed_by: Path | None = None,
        trust_anchors: Iterable[str] = (),
        settings: str = "",
    ) -> None:
        super().__init__("unbound")
        self.origin = origin
        self.lists = {denied.name: denied for denied in lists}
        self.profiles = {name: tuple(denied) for name, denied in profiles.items()}
        self.sinkhole = sinkhole
        self.by_policy_zone = by_policy_zone
        self.ports = {profile: free_port() for profile in self.profiles}
        self.sealed_by = sealed_by
        self.trust_anchors = tuple(trust_anchors)
        self.settings = settings
        self.sealed = {profile: (free_port(), free_port()) for profile in self.profiles}

    def server(self, profile: str) -> str:
        """``address:port`` of the resolver of one profile."""
        return f"{LOOPBACK}:{self.ports[profile]}"

    def over_tls(self, profile: str) -> str:
        """The same resolver over TLS (RFC 7858)."""
        return f"tls://{NAME}:{self.sealed[profile][0]}"

    def over_https(self, profile: str) -> str:
        """The same resolver over HTTPS (RFC 8484), by HTTP/2 alone."""
        return f"https://{NAME}:{self.sealed[profile][1]}"

    def start(self) -> None:
        """One Unbound in the foreground for each profile, as whoever we are."""
        for denied in self.lists.values() if self.by_policy_zone else ():
            self.folder.write(f"{denied.name}.rpz", policy_zone(denied, sinkhole=self.sinkhole))
        for profile, port in self.ports.items():
            conf = self.folder.write(f"{profile}.conf", self.configuration(profile))
            self.run("unbound", "-d", "-c", str(conf), answers_at=[(LOOPBACK, port)])

    def configuration(self, profile: str) -> str:
        """The whole ``unbound.conf`` of one profile."""
        denied = [self.lists[name] for name in self.profiles[profile]]
        if self.by_policy_zone:
            return self._server(profile) + self._upstream() + "".join(map(self._zone, denied))
        local = "".join(line for each in denied for line in self._local_zones(each))
        return self._server(profile) + local + self._upstream()

    def _server(self, profile: str) -> str:
        sealed = self._sealed(profile) if self.sealed_by else ""
        # RFC 6761 keeps "test." to this machine: Unbound would answer NXDOMAIN by itself.
        modules = ["respip"] if self.by_policy_zone else []
        modules += ["validator"] if self.trust_anchors else []
        anchors = "".join(f'  trust-anchor: "{one}"\n' for one in self.trust_anchors)
        trust = anchors or '  domain-insecure: "test."\n'
        return f"""server:
  interface: {LOOPBACK}@{self.ports[profile]}
{confined_to(self.folder)}  module-config: "{" ".join([*modules, "iterator"])}"
  do-not-query-localhost: no
{trust}  local-zone: "test." nodefault
{sealed}{self.settings}"""

    def _sealed(self, profile: str) -> str:
        tls, https = self.sealed[profile]
        return f"""  interface: {LOOPBACK}@{tls}
  interface: {LOOPBACK}@{https}
  tls-port: {tls}
  https-port: {https}
  tls-service-key: "{self.sealed_by}"
  tls-service-pem: "{self.sealed_by}"
"""

    def _local_zones(self, denied: BlockList) -> Iterator[str]:
        for host in denied.hosts:
            yield f'  local-zone: "{host}." {denied.reply}\n'
            if denied.reply == Reply.SINKHOLE:
                yield f'  local-data: "{host}. 60 IN A {denied.address or self.sinkhole}"\n'

    def _zone(self, denied: BlockList) -> str:
        file = self.folder.path / f"{denied.name}.rpz"
        return f'rpz:\n  name: "{denied.name}.rpz"\n  zonefile: "{file}"\n'

    def _upstream(self) -> str:
        # Whatever is asked goes to the origin's name server: no packet leaves the machine.
        address, _, port = self.origin.resolver.rpartition(":")
        return f"""remote-control:
  control-enable: no
forward-zone:
  name: "."
  forward-addr: {address}@{port}
"""
