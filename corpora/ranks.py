"""Ranks of domains by popularity, from a list such as Tranco's (``rank,domain``).

Such lists belong to others, so a pack stores only the band of an item's rank, or the weight that
follows from it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from corpora.read_list import import_list
from harness.errors import UsageError
from harness.untrusted.regular_file import open_regular

BANDS = ((1_000, "top1k"), (10_000, "top10k"), (100_000, "top100k"), (1_000_000, "top1m"))
"""The last rank of each band, and its name."""

UNRANKED = "unranked"
"""The band of a domain without a rank, or with one beyond the last band."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranks:
    """The ranks of domains (1 is the first), and the name and SHA-256 of their list."""

    title: str
    sha256: str
    by_domain: dict[str, int] = field(repr=False)

    def of(self, domain: str) -> int | None:
        """The rank of a registrable domain; None if it has none."""
        return self.by_domain.get(domain)

    def band(self, domain: str) -> str:
        """The band of a registrable domain: ``top1k``, ``top10k``, …, ``unranked``."""
        rank = self.by_domain.get(domain)
        if rank is None:
            return UNRANKED
        return next((name for last, name in BANDS if rank <= last), UNRANKED)


def read_ranks(path: Path) -> Ranks:
    """Read a ranked list. Raises UsageError if the file is not one."""
    listed = import_list("tranco", path)
    by_domain = {row.value: int(row.target) for row in listed if row.status == "ok"}
    listed.check()
    if not by_domain:
        msg = f"{path}: no line has the form 'rank,domain' with increasing ranks"
        raise UsageError(msg)
    with open_regular(path) as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return Ranks(title=path.name, sha256=digest, by_domain=by_domain)
