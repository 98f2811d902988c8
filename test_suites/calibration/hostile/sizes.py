"""How large a campaign against a hostile service is, and how long things last in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

KIB = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Where a supplier aims at a limit of ours. ``slow`` and ``tarpit`` are seconds.

    ``slow`` is more delay than a good service adds, and less than our patience; ``tarpit`` is
    beyond the second look at a silence, and within the longest patience. ``read`` is how many
    bytes of an answer are read at most.
    """

    slow: float
    tarpit: float
    read: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Items of each kind and category, the campaign's limits, and the suppliers' times."""

    name: str
    listed: int
    agreed: int
    real: int
    content: int
    ordinary: int
    scale: Scale
    limits: dict[str, Any] = field(default_factory=dict)
    plain_twins: dict[str, Any] = field(default_factory=dict)


SMALL = Size(
    name="small",
    listed=6,
    agreed=8,
    real=8,
    content=8,
    ordinary=16,
    scale=Scale(slow=1.2, tarpit=2.2, read=256 * KIB),
    limits={
        "timeout": 0.8,
        "confirmation_timeout": 1.8,
        "silence_timeout": 2.8,
        "reading_timeout": 3.0,
        "body_bytes": 256 * KIB,
        "concurrency": 8,
        "batch": 24,
    },
    plain_twins={"number": 12, "pause": 0, "source": "127.0.0.9"},
)
"""The least that can decide, for a run in minutes: nothing waits for more than 3 s."""

FULL = Size(
    name="full",
    listed=60,
    agreed=59,
    real=59,
    content=59,
    ordinary=118,
    scale=Scale(slow=6.0, tarpit=20.0, read=4096 * KIB),
    plain_twins={"number": 59, "source": "127.0.0.9"},
)
"""Every supplier, many more items, and every limit at its default."""

SIZES = {size.name: size for size in (SMALL, FULL)}
