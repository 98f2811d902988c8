"""dnsmasq as a filtering resolver that logs each question and its answer.

Its upstream is the canary origin's name server. Measured with dnsmasq 2.91 of Debian 13.
"""

from __future__ import annotations

import getpass
from collections.abc import Iterable

from harness.ports.network import Origin
from test_suites.kit.processes.product import LOOPBACK, free_port
from test_suites.products.product import Product


class Dnsmasq(Product):
    """A running dnsmasq that answers ``blocked`` hosts with 0.0.0.0, and logs to ``log``.

    ``log_queries`` is what follows the option: nothing, ``=extra`` or ``=proto``.
    """

    def __init__(self, origin: Origin, blocked: Iterable[str], log_queries: str = "") -> None:
        super().__init__("dnsmasq")
        self.origin, self.blocked, self.log_queries = origin, tuple(blocked), log_queries
        self.port = free_port()
        self.log = self.folder.path / "queries.log"

    def start(self) -> None:
        """dnsmasq in the foreground, as whoever we are."""
        conf = self.folder.write("dnsmasq.conf", self.configuration())
        words = ("--keep-in-foreground", f"--conf-file={conf}", f"--user={getpass.getuser()}")
        self.run("dnsmasq", *words, answers_at=[(LOOPBACK, self.port)])

    def configuration(self) -> str:
        """The whole ``dnsmasq.conf``."""
        address, _, port = self.origin.resolver.rpartition(":")
        denied = "".join(f"address=/{host}/0.0.0.0\n" for host in self.blocked)
        return f"""no-resolv
no-hosts
port={self.port}
listen-address={LOOPBACK}
bind-interfaces
server={address}#{port}
log-queries{self.log_queries}
log-facility={self.log}
{denied}"""
