"""What every test of this repository shares: seeded randomness, and a network that ends here."""

from __future__ import annotations

import ipaddress
import os
import sys
from typing import Any

from hypothesis import HealthCheck, settings

pytest_plugins = ["pytester"]

os.environ.pop("COLUMNS", None)
"""It would wrap what commands print; a test that wants it sets it."""

settings.register_profile(
    "house",
    derandomize=True,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("house")


def _stay_on_loopback(event: str, arguments: tuple[Any, ...]) -> None:
    """Refuse to leave this machine: a test that needs the internet is no test of ours."""
    if event not in {"socket.connect", "socket.sendto"}:
        return
    address = arguments[1]
    host = address[0] if isinstance(address, tuple) else None
    if not host:
        return
    try:
        inside = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return
    if not (inside.is_loopback or inside.is_unspecified or inside in NAMESPACES):
        msg = f"a test tried to reach {host}"
        raise RuntimeError(msg)


NAMESPACES = ipaddress.ip_network("198.18.0.0/15")
"""The benchmark range (RFC 2544): addresses of network namespaces that a test made."""

sys.addaudithook(_stay_on_loopback)
