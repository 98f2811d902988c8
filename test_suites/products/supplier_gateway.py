"""A supplier's gateway of real products, which loads the lists that the tester sends.

Run as a program in the gateway's network namespace. It serves one school: an explicit proxy (Squid),
a transparent filter (e2guardian in front of a Squid), a filtering name server (Unbound), and one
without a filter. It prints ``ready``, and ends when its standard input is closed.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from harness.campaign.origin_file import read_origin
from harness.ports.network import Origin
from test_suites.kit.processes.product import LOOPBACK, Folder, Process, which
from test_suites.products.blocklist import BlockList
from test_suites.products.delegated_origin import RESOLVER
from test_suites.products.e2guardian import E2Guardian
from test_suites.products.squid import Reply, Squid
from test_suites.products.unbound import confined_to

INSIDE, OUTSIDE = "eth0", "eth1"
"""The gateway's devices in the school's network and in the internet."""

ADDRESS, NAMES = "10.20.0.1", "10.20.0.3"
"""The gateway in the school's network, and its filtering name server."""

PROXY_PORT = 3128
FORGOTTEN = "VIOL.GORE"
"""The list that the supplier does not load."""


class DirectSquid(Squid):
    """A Squid that finds hosts by DNS, as at a supplier."""

    def _house(self) -> list[str]:
        others = [line for line in super()._house() if not line.startswith("dns_nameservers")]
        return [*others, f"dns_nameservers {ADDRESS}"]

    def _rules(self) -> list[str]:
        *rules, last = super()._rules()
        return [*rules, "acl school src 10.20.0.0/24", "http_access allow school", last]

    def _upstream(self) -> list[str]:
        return ["always_direct allow all"]


class DirectGuardian(E2Guardian):
    """An e2guardian whose Squid finds hosts by DNS."""

    def upstream(self) -> Squid:
        """The Squid behind it, which filters nothing."""
        return DirectSquid(self.origin, (), {"all": ()})


def files(lists: Path, form: str) -> list[Path]:
    """The lists of one format that this supplier loads: it forgets a category."""
    return sorted(path for path in (lists / form).iterdir() if path.name != FORGOTTEN)


def loaded(lists: Path) -> Iterator[BlockList]:
    """The lists for Squid, one a category, as the letter brings them."""
    for path in files(lists, "squid"):
        hosts = tuple(path.read_text(encoding="ascii").split())
        yield BlockList(name=path.name.lower().replace(".", "_"), hosts=hosts, reply=Reply.PAGE)


def unbound(folder: Folder, address: str, lists: Path | None) -> Path:
    """Write the configuration of a name server that asks the root zone; with lists it filters."""
    hints = folder.write("root.hints", f". 60 IN NS ns.root.\nns.root. 60 IN A {RESOLVER}\n")
    entries = files(lists, "unbound") if lists is not None else []
    included = "".join(f'include: "{path}"\n' for path in entries)
    return folder.write(
        f"{address}.conf",
        f"""server:
  interface: {address}
{confined_to(folder)}  root-hints: "{hints}"
  module-config: "iterator"
{included}
remote-control:
  control-enable: no
""",
    )


def ruleset(doors: dict[int, int], proxy: int) -> str:
    """What is led to the filters, and that the school has the gateway's address outside."""
    unasked = "".join(
        f'    iif "{INSIDE}" tcp dport {port} dnat to {LOOPBACK}:{door}\n'
        for port, door in doors.items()
    )
    return f"""table ip gateway {{
  chain arriving {{
    type nat hook prerouting priority -100
    iif "{INSIDE}" ip daddr {ADDRESS} tcp dport {PROXY_PORT} dnat to {LOOPBACK}:{proxy}
{unasked}  }}
  chain leaving {{
    type nat hook postrouting priority 100
    oif "{OUTSIDE}" masquerade
  }}
}}
"""


def main(origin: Origin, lists: Path) -> None:
    """Serve until the standard input ends."""
    for name in (f"conf/{INSIDE}/route_localnet", "ip_forward"):
        Path("/proc/sys/net/ipv4", name).write_text("1", encoding="ascii")
    blocked = tuple(loaded(lists))
    folder = Folder("names")
    with ExitStack() as running:
        running.callback(folder.remove)
        for address, given in ((ADDRESS, None), (NAMES, lists)):
            conf = unbound(folder, address, given)
            command = (which("unbound") or "unbound", "-d", "-c", str(conf))
            log = folder.path / f"{address}.log"
            running.enter_context(Process(command, log=log, answers_at=[(address, 53)]))
        denied = {"all": [each.name for each in blocked]}
        squid = running.enter_context(DirectSquid(origin, blocked, denied))
        guardian = running.enter_context(DirectGuardian(origin, blocked))
        doors = {80: guardian.port, 443: guardian.tls_port}
        nft = which("nft") or "nft"
        rules = ruleset(doors, squid.ports["all"])
        subprocess.run([nft, "-f", "-"], input=rules, text=True, check=True)
        print("ready", flush=True)  # noqa: T201 - to the program that waits for it
        sys.stdin.read()


if __name__ == "__main__":
    main(read_origin(Path(sys.argv[1])), Path(sys.argv[2]))
