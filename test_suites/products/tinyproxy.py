"""tinyproxy with room for one client: it filters one host, and makes all others wait their turn.

Measured with tinyproxy 1.11 of Debian 13.
"""

from __future__ import annotations

from collections.abc import Iterable

from harness.ports.network import Origin
from test_suites.kit.processes.product import LOOPBACK, free_port
from test_suites.products.product import Product


class TinyProxy(Product):
    """A running tinyproxy for plain HTTP; ``url`` is what clients are given."""

    def __init__(self, origin: Origin, denied: Iterable[str], *, max_clients: int = 1) -> None:
        super().__init__("tinyproxy")
        self.origin = origin
        self.denied = tuple(denied)
        self.max_clients = max_clients
        self.port = free_port()

    @property
    def url(self) -> str:
        """The proxy's URL."""
        return f"http://{LOOPBACK}:{self.port}"

    def start(self) -> None:
        """Tinyproxy in the foreground, as whoever we are."""
        listed = "".join(f"^{host.replace('.', '[.]')}$\n" for host in self.denied)
        self.folder.write("denied", listed)
        conf = self.folder.write("tinyproxy.conf", self.configuration())
        self.run("tinyproxy", "-d", "-c", str(conf), answers_at=[(LOOPBACK, self.port)])

    def configuration(self) -> str:
        """The whole ``tinyproxy.conf``."""
        here = self.folder.path
        return f"""Port {self.port}
Listen {LOOPBACK}
Timeout 60
MaxClients {self.max_clients}
LogLevel Critical
PidFile "{here}/tinyproxy.pid"
Filter "{here}/denied"
FilterType ere
FilterDefaultDeny No
Upstream http {self.origin.address}:{self.origin.ports[80]}
"""
