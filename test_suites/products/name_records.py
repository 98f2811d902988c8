"""Unbound as a name server that knows given records and nothing else.

It forwards nothing: every other name does not exist (NXDOMAIN). Measured with Unbound 1.26 of
Debian 13.
"""

from __future__ import annotations

from collections.abc import Iterable

from test_suites.kit.processes.product import LOOPBACK, free_port
from test_suites.products.product import Product
from test_suites.products.unbound import confined_to


class NameRecords(Product):
    """A running name server at ``server`` (``address:port``) with records in the form of zone files.

    A text of more than 255 bytes must come as several strings (RFC 1035, section 3.3.14). Each
    question is a line of ``log``, which ends with the name, the type and the class.
    """

    def __init__(self, records: Iterable[str]) -> None:
        super().__init__("names")
        self.records = tuple(records)
        self.port = free_port()
        self.server = f"{LOOPBACK}:{self.port}"
        self.log = self.folder.path / "console.log"

    def start(self) -> None:
        """Run Unbound in the foreground, as whoever we are."""
        conf = self.folder.write("unbound.conf", self.configuration())
        self.run("unbound", "-d", "-c", str(conf), answers_at=[(LOOPBACK, self.port)])

    def configuration(self) -> str:
        """The whole ``unbound.conf``."""
        data = "".join(f"  local-data: '{record}'\n" for record in self.records)
        return f"""server:
  interface: {LOOPBACK}@{self.port}
{confined_to(self.folder)}  module-config: "iterator"
  log-queries: yes
  local-zone: "." static
{data}remote-control:
  control-enable: no
"""
