"""What a gateway in the laboratory does with packets, as rules for nftables."""

from __future__ import annotations

from dataclasses import dataclass, field

from test_suites.kit.processes.product import LOOPBACK
from test_suites.products.technique_layout import INSIDE, OUTSIDE, Site


@dataclass(frozen=True, slots=True)
class GatewayRules:
    """The rules of one gateway; its text is what ``nft -f`` takes.

    ``names`` is the port of its resolver on loopback, which answers at the gateway's address, or
    with ``takes_all_names`` all questions. ``proxy`` is the port of an explicit proxy, and that on
    loopback. ``led`` are ports of any destination that are led to ports on loopback (IPv4).
    ``forwarded`` are statements on what else the tester sends, in their order.
    """

    site: Site
    forwarded: tuple[str, ...] = ()
    names: int | None = None
    takes_all_names: bool = False
    proxy: tuple[int, int] | None = None
    led: dict[int, int] = field(default_factory=dict)

    def __str__(self) -> str:
        arriving = "".join(f'    iif "{INSIDE}" {rule}\n' for rule in self._arriving())
        forwarded = "".join(f'    iif "{INSIDE}" {rule}\n' for rule in self.forwarded)
        return f"""table inet gateway {{
  chain arriving {{
    type nat hook prerouting priority -100
{arriving}  }}
  chain passing {{
    type filter hook forward priority 0
    ct state established,related accept
{forwarded}  }}
  chain leaving {{
    type nat hook postrouting priority 100
    oif "{OUTSIDE}" masquerade
  }}
}}
"""

    def _arriving(self) -> list[str]:
        own = f"ip daddr {self.site.gateway}"
        rules = []
        if self.names is not None:
            asked = "meta nfproto ipv4" if self.takes_all_names else own
            rules += [
                f"{asked} {over} dport 53 dnat ip to {LOOPBACK}:{self.names}"
                for over in ("udp", "tcp")
            ]
        if self.proxy is not None:
            port, real = self.proxy
            rules.append(f"{own} tcp dport {port} dnat ip to {LOOPBACK}:{real}")
        rules += [
            f"meta nfproto ipv4 tcp dport {port} dnat ip to {LOOPBACK}:{real}"
            for port, real in self.led.items()
        ]
        return rules
