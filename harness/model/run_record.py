"""What is on record of a run itself: its seed commitment, its control's times, its reproduction.

Gates (``harness.model.gate``) rest on these facts. A journal's header holds the commitment, and
what was not chosen; what is added later must be left out of the header while it has its default.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

CONTROL_WITHIN = 600.0
"""Seconds within which an item is tried on the control line (METHOD TQ-01: 10 minutes)."""


class SeedCommitment(msgspec.Struct, frozen=True, kw_only=True):
    """A commitment to the seed of a campaign's samples, as the registry held it at the start.

    ``at`` is when it was recorded, ``digest`` the SHA-256 of the seed. ``sample`` is the digest of
    the items to which the tester committed, ``drawn`` that of the items that were measured.
    ``unused`` are other commitments for the same service and packs that no campaign had used;
    ``disclosed`` are campaigns that disclosed items of a hidden pack before.
    """

    at: datetime
    digest: str
    sample: str
    drawn: str
    unused: tuple[str, ...] = ()
    disclosed: tuple[str, ...] = ()


class SeedPart(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a campaign's seed that the tester could not choose, and when it was recorded.

    ``by`` gave it; ``public`` names its source if it is a public value.
    """

    at: datetime
    by: str
    value: str
    public: str = ""


class LateControls(msgspec.Struct, frozen=True, kw_only=True):
    """Trials of a line and profile whose control was not tried within ``CONTROL_WITHIN``.

    ``furthest`` is the greatest distance in seconds.
    """

    line: str
    profile: str
    trials: int
    furthest: float


class Reproduction(msgspec.Struct, frozen=True, kw_only=True):
    """A journal judged once more, from its first observation.

    ``same`` of ``verdicts`` are as before.
    """

    verdicts: int
    same: int


class RunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """All of these facts for one journal; ``None`` or empty where nothing is on record.

    ``not_chosen`` is how many techniques of each class (``group:class``) the campaign left out of
    those in its packs.
    """

    commitment: SeedCommitment | None = None
    not_chosen: dict[str, int] = {}
    late_controls: tuple[LateControls, ...] = ()
    reproduction: Reproduction | None = None


NO_RUN = RunRecord()
"""Nothing is on record."""
