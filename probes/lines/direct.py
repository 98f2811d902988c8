"""Lines without a proxy: the control line, the resolver line and the interface line.

The control line bypasses the service under test. The resolver line uses a service that filters by
its DNS answers. The interface line is a device's view on site, through one network interface: there
a filter is usually transparent, and nothing is configured on the device.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import msgspec
from pydantic import BaseModel

from harness.errors import UsageError
from harness.model.campaign import Limits
from harness.model.network_signal import DESIGNATED
from harness.model.observation import Failure
from harness.model.origin_zone import is_in
from harness.plugins import LINES
from harness.ports.list_program import Connection
from harness.ports.network import Answer, Origin, Question
from probes.net.direct_line import DirectLine, DirectOptions
from probes.net.dns_server import DnsServer, parse_dns_server
from probes.net.local_binding import LocalBinding, resolver_file
from probes.net.portable.name_resolver import system_server
from probes.net.route import Address, Family, is_literal


class ControlOptions(DirectOptions):
    """``resolver`` as ``address:port`` (default: the origin's, else this machine's own).

    It may be a URL as for the resolver line; ``server_address`` is then its IP address. Other
    lines' answers are compared with its answers, so ``mixed_case`` makes them hard to spoof.
    ``outside_resolver`` is the name server for names outside of the origin's zones (default:
    ``resolver``), because the name server of an origin answers for its zones alone. Without
    ``resolver`` plain twins are asked of their own name server, if they have one.
    """

    resolver: str | None = None
    server_address: str = ""
    outside_resolver: str | None = None
    mixed_case: bool = True


@dataclass(slots=True)
class _FurtherServer:
    """A name server for some names, and the failure if it was not found."""

    server: DnsServer
    unreachable: Failure | None = None


@LINES.register("control")
class Control(DirectLine):
    """Resolves by unfiltered name servers and connects directly."""

    Options: ClassVar[type[BaseModel]] = ControlOptions

    def __init__(
        self, name: str, options: ControlOptions, origin: Origin | None, limits: Limits
    ) -> None:
        address_text = options.resolver or (origin.resolver if origin else "")
        what = f"line {name!r}, option 'resolver'"
        at = options.server_address
        server = (
            parse_dns_server(address_text, what, at)
            if address_text
            else DnsServer(address=system_server())
        )
        super().__init__(name, options, origin, limits, server)
        twins = origin.twin_resolver if origin is not None and not options.resolver else ""
        self._twins = self._further(twins, what)
        outside = f"line {name!r}, option 'outside_resolver'"
        self._outside = self._further(options.outside_resolver or "", outside)

    def _further(self, text: str, what: str) -> _FurtherServer | None:
        """Return the server that an option names, if any."""
        if not text:
            return None
        server = parse_dns_server(text, what)
        mixed_case = self._options.mixed_case
        return _FurtherServer(replace(server, binding=self._binding, mixed_case=mixed_case))

    async def _find_server(self) -> None:
        """Find all name servers."""
        await super()._find_server()
        for further in filter(None, (self._twins, self._outside)):
            found = await self._found(further.server)
            if isinstance(found, Failure):
                further.unreachable = found
            else:
                further.server = found

    def connection(self) -> Connection:
        """Return how another program uses this line.

        If names outside the origin are resolved elsewhere, that server is ``resolver``.
        """
        described = super().connection()
        if self._outside is None:
            return described
        return msgspec.structs.replace(
            described, resolver=str(self._outside.server), check_resolver=described.resolver
        )

    async def ask(self, question: Question) -> Answer:
        """Ask the name server for the origin's zones, for its plain twins, or for other names."""
        further = self._server_for(question.name)
        if further is None:
            return await super().ask(question)
        return await self._ask(question, further.server, further.unreachable)

    def _server_for(self, name: str) -> _FurtherServer | None:
        """Return another name server than that of the line, if a name has one.

        Of the designated resolver the origin's name server is asked, which always designates one.
        """
        if name == DESIGNATED:
            return None
        if self.origin is None or not self.origin.covers(name):
            return self._outside
        is_twin = is_in(name.lower().rstrip("."), self.origin.twin_zone)
        return self._twins if is_twin else None


class ResolverOptions(DirectOptions):
    """Options of the resolver line.

    ``server`` is the service's name server, ``address:port`` or a URL with ``tcp://``, ``tls://``
    (DoT) or ``https://`` (DoH). ``server_address`` is the IP address of a server given by name, if
    this machine's resolver does not know the name.
    """

    server: str
    server_address: str = ""


@LINES.register("resolver")
class ResolverLine(DirectLine):
    """Resolves by the service's name server and connects to the answered address."""

    Options: ClassVar[type[BaseModel]] = ResolverOptions

    def __init__(
        self, name: str, options: ResolverOptions, origin: Origin | None, limits: Limits
    ) -> None:
        what = f"line {name!r}, option 'server'"
        server = parse_dns_server(options.server, what, options.server_address)
        super().__init__(name, options, origin, limits, server)

    def _declared_endpoints(self) -> tuple[Address, ...]:
        return (self._server.address,)


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
