"""haproxy as a gateway that reads the Host header and the server name of a ClientHello.

It never opens TLS: it passes, closes or drops what it saw the name of. Clients reach it where
they expect the origin (a line's ``ports``), as they would on a filtered network. Measured with
haproxy 3.0 of Debian 13.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from harness.ports.network import Origin
from test_suites.kit.processes.product import LOOPBACK, free_port
from test_suites.products.blocklist import BlockList
from test_suites.products.product import Product


class Reply(StrEnum):
    """What is done with a listed name; the first three close a TLS connection."""

    PAGE = "deny"
    REDIRECT = "redirect"
    TARPIT = "tarpit"
    DROP = "silent-drop"


PAGE = "<html><head><title>Blocked</title></head><body><h1>Blocked</h1></body></html>"


class HaProxy(Product):
    """A running haproxy; ``ports`` maps the ports of URLs to the ports it listens on."""

    def __init__(self, origin: Origin, lists: Iterable[BlockList], *, block_page: str = "") -> None:
        super().__init__("haproxy")
        self.origin = origin
        self.lists = tuple(lists)
        self.block_page = block_page
        self.ports = {80: free_port(), 443: free_port()}

    def start(self) -> None:
        """Haproxy in the foreground, as whoever we are."""
        self.folder.write("blocked.html", PAGE)
        for denied in self.lists:
            self.folder.write(f"{denied.name}.txt", "\n".join(denied.hosts) + "\n")
        conf = self.folder.write("haproxy.cfg", self.configuration())
        places = [(LOOPBACK, port) for port in self.ports.values()]
        self.run("haproxy", "-db", "-f", str(conf), answers_at=places)

    def configuration(self) -> str:
        """The whole ``haproxy.cfg``."""
        plain = "".join(f"  {self._plain(denied)}\n" for denied in self.lists)
        named = "".join(f"  {self._named(denied)}\n" for denied in self.lists)
        return f"""global
  maxconn 1000
defaults
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  timeout tarpit 1s
frontend plain
  mode http
  bind {LOOPBACK}:{self.ports[80]}
{plain}  default_backend origin_plain
frontend named
  mode tcp
  bind {LOOPBACK}:{self.ports[443]}
  tcp-request inspect-delay 5s
{named}  tcp-request content accept if {{ req.ssl_hello_type 1 }}
  default_backend origin_named
backend origin_plain
  mode http
  server origin {self.origin.address}:{self.origin.ports[80]}
backend origin_named
  mode tcp
  server origin {self.origin.address}:{self.origin.ports[443]}
"""

    def _plain(self, denied: BlockList) -> str:
        here = self.folder.path
        listed = f"{{ hdr(host),field(1,:),lower -f {here}/{denied.name}.txt }}"
        match Reply(denied.reply):
            case Reply.PAGE:
                page = f"content-type text/html file {here}/blocked.html"
                return f"http-request deny deny_status 403 {page} if {listed}"
            case Reply.REDIRECT:
                return f"http-request redirect code 302 location {self.block_page} if {listed}"
            case reply:
                return f"http-request {reply} if {listed}"

    def _named(self, denied: BlockList) -> str:
        listed = f"{{ req.ssl_sni,lower -f {self.folder.path}/{denied.name}.txt }}"
        drop = denied.reply == Reply.DROP
        return f"tcp-request content {'silent-drop' if drop else 'reject'} if {listed}"
