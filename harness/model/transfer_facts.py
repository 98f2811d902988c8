"""Facts of transfers that measure speed."""

from __future__ import annotations

from typing import Literal

from harness.model.facts_base import FactsBase


class TransferFacts(FactsBase, frozen=True, kw_only=True, omit_defaults=True, tag="transfer"):
    """What came of a transfer that measures speed (``harness.model.transfer``).

    ``arrived``: *whole* if all of its content came, or the origin says that it received all of an
    upload; *part* if it began and broke off; *other* if something else was answered; *nothing*
    without an answer. ``bytes`` are those of the content that came or was received. ``began`` is
    when it began by the monotonic clock of this machine, in seconds: it only compares with others
    of the same run. ``busy`` is the share of its time in which our own client was computing.
    ``status`` is the last one answered.
    """

    arrived: Literal["whole", "part", "other", "nothing"]
    bytes: int = 0
    requests: int = 0
    began: float = 0.0
    busy: float = 0.0
    status: int | None = None
