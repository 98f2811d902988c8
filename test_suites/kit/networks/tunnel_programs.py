"""The programs that tests of tunnels need."""

from __future__ import annotations

from collections.abc import Iterable

from probes.net.private_network import PACKAGES
from probes.tunnels.table import TUNNELS
from test_suites.kit.processes.product import require


def require_tunnels(names: Iterable[str] = TUNNELS) -> None:
    """Skip the test (in CI: fail it) where a program of one of some tunnels is absent."""
    programs = set(PACKAGES)
    for name in names:
        tunnel = TUNNELS[name]
        programs |= {each for each, _ in (*tunnel.client_programs, *tunnel.server_programs)}
    require(*(each for each in sorted(programs) if "/" not in each))
