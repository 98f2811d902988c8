"""Products as at a supplier: they find hosts by DNS, and reach them at their own addresses.

Those of the other modules have an origin on loopback for everything.
"""

from __future__ import annotations

import re

from test_suites.kit.processes.product import LOOPBACK
from test_suites.products.bind import Bind
from test_suites.products.e2guardian import E2Guardian
from test_suites.products.haproxy import HaProxy
from test_suites.products.squid import Squid
from test_suites.products.unbound import Unbound

SCHOOLS = "10.20.0.0/16"
"""The networks of testers."""


class DirectSquid(Squid):
    """A Squid that asks the origin's name server for hosts, with the ports that Debian allows."""

    def _house(self) -> list[str]:
        others = [line for line in super()._house() if not line.startswith("dns_nameservers")]
        return [*others, f"dns_nameservers {self.origin.address}"]

    def _rules(self) -> list[str]:
        *rules, last = super()._rules()
        first = ["acl ordinary port 80 443 1025-65535", "http_access deny !ordinary"]
        if not self.site:
            first += ["acl sealed_port port 443", "http_access deny CONNECT !sealed_port"]
        allowed = [f"acl school src {SCHOOLS}", "http_access allow school", last]
        return [rules[0], *first, *rules[1:], *allowed]

    def _upstream(self) -> list[str]:
        return ["always_direct allow all"]


class DirectGuardian(E2Guardian):
    """An e2guardian whose Squid finds hosts by DNS."""

    def upstream(self) -> Squid:
        """The Squid behind it, which filters nothing."""
        return DirectSquid(self.origin, (), {"all": ()})


class TransparentHaProxy(HaProxy):
    """A haproxy that connects to where the client was going."""

    def configuration(self) -> str:
        """The whole ``haproxy.cfg``."""
        text = super().configuration()
        for port in (80, 443):
            fixed = f"server origin {self.origin.address}:{self.origin.ports[port]}"
            assert fixed in text
            text = text.replace(fixed, "server asked 0.0.0.0:0")
        # Who connects to haproxy itself would be connected to haproxy again, and so on.
        loop = f"tcp-request connection reject if {{ dst {LOOPBACK}/8 }}"
        return re.sub(r"(?m)^(  bind .*)$", rf"\1\n  {loop}", text)


class StubUnbound(Unbound):
    """An Unbound that asks the origin's name server, which is no resolver."""

    def _upstream(self) -> str:
        zones = "".join(
            f'stub-zone:\n  name: "{zone}."\n  stub-addr: {self.origin.address}\n'
            for zone in (*self.origin.zone_names, "")
        )
        return f"remote-control:\n  control-enable: no\n{zones}"


class StubBind(Bind):
    """A BIND that asks the origin's name server, which is no resolver."""

    def configuration(self, profile: str) -> str:
        """The whole ``named.conf`` of one profile."""
        text = super().configuration(profile)
        address, _, port = self.origin.resolver.rpartition(":")
        forwarding = f"  forward only;\n  forwarders {{ {address} port {port}; }};\n"
        assert forwarding in text
        zones = "".join(
            f'zone "{zone}" {{ type static-stub; server-addresses {{ {address}; }}; }};\n'
            for zone in self.origin.zone_names
        )
        asking = "allow-query { localhost; };"
        assert asking in text
        text = text.replace(asking, "allow-query { any; }; allow-recursion { any; };")
        return text.replace(forwarding, "") + zones
