"""The parts of a careful school's gateway: what it allows, its proxy, and its resolver.

Whatever nobody has categorised is refused: it knows the sites that it allows. Its proxy opens all
TLS, and refuses addresses in place of names. Its resolver answers for known sites alone.
"""

from __future__ import annotations

from collections.abc import Iterable

from harness.model.campaign import Sentinels
from harness.ports.network import Origin
from test_suites.products.blocklist import BlockList
from test_suites.products.direct_products import DirectSquid


def known_hosts(origin: Origin) -> tuple[str, ...]:
    """The sites that the school allows; sites that show other sites are not among them."""
    agreed = [origin.home_of(host) for host in Sentinels().hosts("must_allow")]
    return (*agreed, *(f"open.ways.{zone}" for zone in origin.zone_names))


def careful_names(known: Iterable[str]) -> str:
    """Settings of an Unbound that answers for known sites, and refuses all other names."""
    return '  local-zone: "." always_nxdomain\n' + "".join(
        f'  local-zone: "{host}." transparent\n' for host in known
    )


class CarefulSquid(DirectSquid):
    """A Squid that opens all TLS, and lets known sites pass alone."""

    def __init__(
        self, origin: Origin, lists: Iterable[BlockList], known: Iterable[str], *, site: str
    ) -> None:
        super().__init__(origin, lists, {"all": ["listed"]}, intercepts=True, site=site)
        self.known = tuple(known)

    def _rules(self) -> list[str]:
        rules = super()._rules()
        place = next(n for n, rule in enumerate(rules) if rule.startswith("http_access allow site"))
        named = "".join(host.replace(".", r"\.") + "\n" for host in self.lists[0].hosts)
        file = self.folder.write("lists/named.txt", named)
        refused = [
            "acl known dstdomain -n " + " ".join(self.known),
            "http_access deny !known",
            f'acl names_listed url_regex -i "{file}"',
            "http_access deny names_listed",
        ]
        return [*rules[:place], *refused, *rules[place:]]
