"""Tells each line of the service what else is declared for it; the control is told nothing."""

from __future__ import annotations

from collections.abc import Mapping

from harness.model.campaign import Service
from harness.model.observation import CONTROL
from harness.ports.network import Guarded, Line


def declare_places(service: Service, lines: Mapping[tuple[str, str], Line]) -> None:
    """Hand the host of the supplier's block page, and the control, to lines by name and profile.

    A block page at a private address is never fetched past the service.
    """
    page = service.block_page.host if service.block_page is not None else ""
    for (name, profile), line in lines.items():
        control = lines.get((CONTROL, profile))
        if name != CONTROL and control is not None and isinstance(line, Guarded):
            line.declare(page, control)
