"""How busy the measuring machine was beside a batch: what was read of it, and never a verdict.

What is not known is ``None`` or missing, never 0: macOS, Windows and some containers show little.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from harness.model.facts_base import FactsBase

Beside = Literal["items", "speed", "checks"]
"""What was tried meanwhile: items, transfers that measure speed, or checks of availability."""

FEWEST_TICKS = 20
"""So many measurements of the loop's lag (one each 0.1 s) are needed for a share of late ones."""

LATE = 0.02
"""Seconds from which on the loop is late, beyond what our own computing explains."""


class MachineReading(msgspec.Struct, frozen=True, kw_only=True):
    """Counters of the machine since it started, in seconds; the difference of two is of use.

    ``at`` is monotonic. ``ran`` is how long the reading thread had a processor, ``waited`` how long
    it was ready and had none; ``stolen`` the time in which the hypervisor ran other machines, of
    all processors together.
    ``stalls`` is the time in which some or all tasks waited (Linux PSI), by ``cpu some`` and so on.
    ``dropped`` counts packets and connections that sockets of this machine dropped, by name.
    """

    at: float
    ran: float | None = None
    waited: float | None = None
    stolen: float | None = None
    stalls: dict[str, float] = {}
    dropped: dict[str, int] = {}
    load_average: float | None = None
    processors: int | None = None


class MachineFacts(FactsBase, frozen=True, kw_only=True, omit_defaults=True, tag="machine"):
    """The machine during one batch, which took ``seconds``.

    ``waited`` is the share of the time with work in which our thread had no processor. ``stolen``
    and ``stalls`` are shares of the whole time. ``lag`` is the longest lag of the event loop in
    seconds, ``lag_high`` the 99 % quantile, ``lag_own`` that of the part that our own computing
    surely made; ``late`` is the share of lags that are more than ``LATE`` seconds longer than it
    can explain.
    ``control`` is the median time to first byte on the control line in seconds. ``load_average``
    stands where there are no ``stalls``.
    """

    beside: Beside
    seconds: float
    waited: float | None = None
    late: float | None = None
    lag: float | None = None
    lag_high: float | None = None
    lag_own: float | None = None
    stolen: float | None = None
    stalls: dict[str, float] = msgspec.field(default_factory=dict)
    dropped: dict[str, int] = msgspec.field(default_factory=dict)
    control: float | None = None
    load_average: float | None = None
    processors: int | None = None
