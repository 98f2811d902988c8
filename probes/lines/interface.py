"""The interface line: a device's view on site, through one network interface.

On site a filter is usually transparent: nothing is configured on the device.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel

from harness.errors import UsageError
from harness.model.campaign import Limits
from harness.plugins import LINES
from harness.ports.network import Origin
from probes.net.direct import DirectLine, DirectOptions
from probes.net.dns_server import DnsServer, parse_dns_server
from probes.net.local_binding import LocalBinding, resolver_file
from probes.net.portable.resolver import system_server
from probes.net.route import Address, Family, is_literal

HTTP_PORT = 80


class InterfaceOptions(DirectOptions):
    """Options of the interface line.

    ``address`` and ``device`` are the local address and device to bind to (default: the routing
    table decides), ``netns`` the network namespace that they are in (default: that of this
    process). ``resolver`` is the network's name server (default: that of the namespace or machine;
    never the origin's, which would bypass a service that filters DNS). ``gateway`` is the IP
    address of the service in this network, which may serve its block page.
    """

    address: str = ""
    device: str = ""
    netns: str = ""
    resolver: str | None = None
    server_address: str = ""
    gateway: str = ""


@LINES.register("interface")
class Interface(DirectLine):
    """Sends everything through one network interface."""

    Options: ClassVar[type[BaseModel]] = InterfaceOptions

    def __init__(
        self, name: str, options: InterfaceOptions, origin: Origin | None, limits: Limits
    ) -> None:
        options = _of_one_family(name, options)
        self._gateway = _gateway_of(name, options)
        what = f"line {name!r}, option 'resolver'"
        address_text, at = options.resolver, options.server_address
        self._names_server = bool(address_text)
        server = (
            parse_dns_server(address_text, what, at) if address_text else _default_server(options)
        )
        binding = LocalBinding(address=options.address, device=options.device, netns=options.netns)
        super().__init__(name, options, origin, limits, server, binding)
        self.left_by = " ".join(filter(None, (binding.netns, binding.device, binding.address)))

    def _declared_endpoints(self) -> tuple[Address, ...]:
        endpoints = (self._server.address,) if self._names_server else ()
        return (*endpoints, *self._gateway)


def _gateway_of(name: str, options: InterfaceOptions) -> tuple[Address, ...]:
    if not options.gateway:
        return ()
    if not is_literal(options.gateway):
        raise UsageError(
            f"line {name!r}, option 'gateway': {options.gateway!r} is not an IP address"
        )
    return (Address(host=options.gateway, port=HTTP_PORT),)


def _default_server(options: InterfaceOptions) -> DnsServer:
    return DnsServer(address=system_server(resolver_file(options.netns)))


def _of_one_family(name: str, options: InterfaceOptions) -> InterfaceOptions:
    """Restrict the options to the family of the bound address."""
    address, family = options.address, options.family
    if not address:
        return options
    if not is_literal(address):
        raise UsageError(f"line {name!r}, option 'address': {address!r} is not an IP address")
    own: Family = "ipv6" if ":" in address else "ipv4"
    if family not in ("any", own):
        raise UsageError(f"line {name!r}: address {address} is not of family {family!r}")
    return options.model_copy(update={"family": own})
