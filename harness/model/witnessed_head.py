"""What an assessment says of a witness: who signed, and how far a journal or registry had come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessedHead:
    """The last statement of a witness, which a journal or registry continues.

    ``of`` is ``journal`` or ``registry``, ``key`` the first 16 digits of the id of its public key,
    ``entries`` how many entries of all its chains were signed.
    """

    of: str
    witness: str
    key: str
    at: datetime
    entries: int
