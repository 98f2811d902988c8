"""Bind sockets to a local address, a device or a network namespace.

``LocalBinding`` says which; ``open_socket`` opens a socket with it. Also holds
``run_in_namespace`` (``setns(2)``) and checks whose errors say what a user can do.
"""

from __future__ import annotations

import asyncio
import ctypes
import errno
import os
import socket
import sys
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from ipaddress import IPv6Address
from pathlib import Path
from threading import Thread
from typing import TypeVar, cast

from harness.errors import UsageError

NAMED_NAMESPACES = Path("/run/netns")
"""Folder of the namespaces of ``ip netns add NAME`` (``ip-netns(8)``)."""

NAMESPACE_CONFIGURATION = Path("/etc/netns")
"""Folder of a namespace's own ``resolv.conf`` (``ip-netns(8)``)."""

CLONE_NEWNET = 0x40000000

NAMESPACE_REMEDIES = {
    errno.ENOENT: "this machine has no such network namespace; 'ip netns' lists them",
    errno.EPERM: "entering a network namespace needs the CAP_SYS_ADMIN capability; run as root, or "
    "run accredit inside it ('ip netns exec NAME accredit …')",
    errno.EINVAL: "that is not a network namespace; 'ip netns' lists them",
    errno.ENOSYS: "network namespaces exist only on Linux",
}
"""What a user can do if a namespace cannot be entered, by errno."""

Result = TypeVar("Result")


def run_in_namespace(namespace: str, make: Callable[[], Result]) -> Result:
    """Call ``make`` inside a network namespace, on a thread of its own; return its result.

    ``namespace`` is a name of ``ip netns``, or the path of a namespace such as
    ``/proc/4711/ns/net``. Raises OSError if it cannot be entered, and what ``make`` raises.
    """
    future: Future[Result] = Future()

    def go() -> None:
        try:
            _enter(namespace)
            future.set_result(make())
        except BaseException as error:  # noqa: BLE001 - raised again by result()
            future.set_exception(error)

    thread = Thread(target=go, name=f"netns-{namespace}")
    thread.start()
    thread.join()
    return future.result()


def is_own_address(address: str) -> bool:
    """Whether an IP address is one of this machine, in the namespace of this thread."""
    try:
        with socket.socket(family_of(address), socket.SOCK_DGRAM) as probe:
            probe.bind((address, 0))
    except OSError:
        return False
    return True


def check_namespace(namespace: str, what: str) -> None:
    """Check that a namespace can be entered. Raises UsageError; ``what`` names the option."""
    try:
        run_in_namespace(namespace, lambda: None)
    except OSError as error:
        remedy = NAMESPACE_REMEDIES.get(error.errno or 0, error.strerror or str(error))
        raise UsageError(f"{what}: cannot enter {namespace!r}: {remedy}") from None


def resolver_file(namespace: str) -> Path | None:
    """Return the path of the namespace's own ``resolv.conf``, or None."""
    path = NAMESPACE_CONFIGURATION / namespace / "resolv.conf"
    return path if namespace and "/" not in namespace and path.is_file() else None


def _enter(namespace: str) -> None:
    if sys.platform != "linux":
        raise OSError(errno.ENOSYS, "no network namespaces")
    # A name without "/" is below NAMED_NAMESPACES; an absolute path replaces it.
    descriptor = os.open(NAMED_NAMESPACES / namespace, os.O_RDONLY | os.O_CLOEXEC)
    try:
        # os.setns exists from Python 3.12 on.
        getattr(os, "setns", _setns)(descriptor, CLONE_NEWNET)
    finally:
        os.close(descriptor)


def _setns(descriptor: int, kind: int) -> None:
    """Call ``setns(2)`` of the C library. Raises OSError."""
    library = ctypes.CDLL(None, use_errno=True)
    if library.setns(descriptor, kind) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


BINDING_REMEDIES = {
    errno.EADDRNOTAVAIL: "no interface of this machine has that address; 'ip address' lists them",
    errno.ENODEV: "this machine has no such device; 'ip link' lists them",
    errno.EPERM: "binding to a device needs the CAP_NET_RAW capability; run as root, or use "
    "'address' instead",
    errno.EAFNOSUPPORT: "this machine does not support that address family",
}
"""What a user can do if a socket cannot be bound, by errno."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalBinding:
    """What sockets are bound to: a local IP address, a device (SO_BINDTODEVICE), both, or neither.

    ``netns`` is the network namespace that both are in (default: that of this process).
    """

    address: str = ""
    device: str = ""
    netns: str = ""

    @property
    def family(self) -> socket.AddressFamily:
        """The family of the bound address; IPv4 where none is bound."""
        return family_of(self.address)


DISCARD_PORT = 9
"""Discard port (RFC 863): no packet is sent to it, it only completes an address."""

NON_BLOCKING = getattr(socket, "SOCK_NONBLOCK", 0)
"""Flag that saves a system call where it exists (Linux ``socket(2)``)."""

UNBOUND = LocalBinding()
"""No binding: the routing table chooses."""


def family_of(host: str) -> socket.AddressFamily:
    """Return the address family of an IP address."""
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def open_socket(
    host: str, kind: socket.SocketKind, binding: LocalBinding = UNBOUND, protocol: int = 0
) -> socket.socket:
    """Open a non-blocking socket for the IP address ``host``, bound to ``binding``.

    ``protocol`` is 0 for the usual one of its kind. Raises OSError; EADDRNOTAVAIL, ENODEV and EPERM
    mean that the binding failed.
    """
    return _open_in_namespace(family_of(host), kind, _towards(host, binding), protocol)


def _towards(host: str, binding: LocalBinding) -> LocalBinding:
    """Return the binding for packets to an address: an IPv4-mapped one (RFC 4291) is IPv4."""
    if not binding.address or ":" in binding.address or ":" not in host:
        return binding
    if IPv6Address(host.partition("%")[0]).ipv4_mapped is None:
        return binding
    return replace(binding, address=f"::ffff:{binding.address}")


def local_address(host: str, binding: LocalBinding = UNBOUND) -> str:
    """Return the local address from which packets to the IP address ``host`` are sent.

    Sends nothing: connecting a UDP socket only looks up the route. Raises OSError.
    """
    with open_socket(host, socket.SOCK_DGRAM, binding) as sock:
        sock.connect((host, DISCARD_PORT))
        return str(sock.getsockname()[0])


def check_binding(binding: LocalBinding, what: str) -> None:
    """Check that sockets can be bound so. Raises UsageError; ``what`` names the line."""
    if binding.device and not hasattr(socket, "SO_BINDTODEVICE"):
        raise UsageError(
            f"{what}: binding to a device is possible only on Linux; use 'address' instead"
        )
    if binding.netns:
        check_namespace(binding.netns, what)
    try:
        _open_in_namespace(binding.family, socket.SOCK_DGRAM, binding).close()
    except OSError as error:
        remedy = BINDING_REMEDIES.get(error.errno or 0, error.strerror or str(error))
        named = " on ".join(filter(None, (binding.address, binding.device)))
        raise UsageError(f"{what}: cannot send from {named!r}: {remedy}") from None


def _open_in_namespace(
    family: socket.AddressFamily, kind: socket.SocketKind, binding: LocalBinding, protocol: int = 0
) -> socket.socket:
    if binding.netns:
        return run_in_namespace(binding.netns, lambda: _open_bound(family, kind, binding, protocol))
    return _open_bound(family, kind, binding, protocol)


def _open_bound(
    family: socket.AddressFamily, kind: socket.SocketKind, binding: LocalBinding, protocol: int
) -> socket.socket:
    if binding.address and binding.family != family:
        raise OSError(errno.EAFNOSUPPORT, f"{binding.address} is of the other family")
    sock = socket.socket(family, kind | NON_BLOCKING, protocol)
    try:
        if not NON_BLOCKING:
            sock.settimeout(0)
        if binding.device:
            name = binding.device.encode()
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, name)
        if binding.address:
            sock.bind((binding.address, 0))
    except BaseException:
        sock.close()
        raise
    return sock


class Datagrams(asyncio.DatagramProtocol):
    """A protocol that can be closed although nobody got its transport.

    If ``create_datagram_endpoint`` is cancelled, asyncio closes the transport, and uvloop does not.
    """

    transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast("asyncio.DatagramTransport", transport)

    def close(self) -> None:
        """Close the endpoint, if there is one."""
        if self.transport is not None:
            self.transport.abort()
