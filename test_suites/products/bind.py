"""BIND as a filtering resolver by response policy zones: a process per profile.

Its upstream is the canary origin's name server. Measured with BIND 9.20 of Debian 13: a policy
answer carries extended error 15 (blocked, RFC 8914) and the policy zone's SOA in ADDITIONAL.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from harness.ports.network import Origin
from test_suites.kit.processes.product import LOOPBACK, free_port
from test_suites.products.blocklist import BlockList
from test_suites.products.policy_zone import policy_zone
from test_suites.products.product import Product


class Bind(Product):
    """A running BIND: ``server("ks2")`` is the resolver that the profile's clients ask.

    The ``reply`` of a list is an Action of ``policy_zone``. With ``trust_anchors`` (DS records) it
    validates the signatures of their zones. ``policy_options`` are those of ``response-policy``.
    """

    def __init__(
        self,
        origin: Origin,
        lists: Iterable[BlockList],
        profiles: Mapping[str, Iterable[str]],
        *,
        sinkhole: str = "127.0.0.2",
        trust_anchors: Iterable[str] = (),
        policy_options: str = "",
    ) -> None:
        super().__init__("bind")
        self.origin = origin
        self.lists = {denied.name: denied for denied in lists}
        self.profiles = {name: tuple(denied) for name, denied in profiles.items()}
        self.sinkhole = sinkhole
        self.trust_anchors = tuple(trust_anchors)
        self.policy_options = policy_options
        self.ports = {profile: free_port() for profile in self.profiles}

    def server(self, profile: str) -> str:
        """``address:port`` of the resolver of one profile."""
        return f"{LOOPBACK}:{self.ports[profile]}"

    def start(self) -> None:
        """One BIND in the foreground for each profile, as whoever we are."""
        for denied in self.lists.values():
            self.folder.write(f"{denied.name}.rpz", policy_zone(denied, sinkhole=self.sinkhole))
        for profile, port in self.ports.items():
            conf = self.folder.write(f"{profile}.conf", self.configuration(profile))
            (self.folder.path / profile).mkdir()
            self.run("named", "-g", "-n", "1", "-c", str(conf), answers_at=[(LOOPBACK, port)])

    def configuration(self, profile: str) -> str:
        """The whole ``named.conf`` of one profile."""
        here = self.folder.path
        denied = [self.lists[name] for name in self.profiles[profile]]
        policies = "".join(f'zone "{each.name}.rpz" ede blocked; ' for each in denied)
        zones = "".join(
            f'zone "{each.name}.rpz" {{ type primary; file "{here}/{each.name}.rpz"; '
            "allow-query { none; }; };\n"
            for each in denied
        )
        address, _, port = self.origin.resolver.rpartition(":")
        policy = f"response-policy {{ {policies}}} {self.policy_options};" if denied else ""
        anchors = "".join(map(_trust_anchor, self.trust_anchors))
        trust = f"trust-anchors {{ {anchors}}};\n" if anchors else ""
        return f"""options {{
  directory "{here}/{profile}";
  listen-on port {self.ports[profile]} {{ {LOOPBACK}; }};
  listen-on-v6 {{ none; }};
  pid-file none;
  recursion yes;
  forward only;
  forwarders {{ {address} port {port}; }};
  allow-query {{ localhost; }};
  dnssec-validation {"yes" if anchors else "no"};
  empty-zones-enable no;
  {policy}
}};
controls {{ }};
{trust}{zones}"""


def _trust_anchor(record: str) -> str:
    """A DS record as ``trust-anchors`` has it."""
    zone, _, _, tag, algorithm, kind, digest = record.split()
    return f'"{zone}" static-ds {tag} {algorithm} {kind} "{digest}"; '
