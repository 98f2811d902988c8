"""What a hostile supplier knows: every item of the test, by its host, and the sentinels.

The worst supplier is one that knows the whole test. Each host's true category and kind of item
are known here, so that a supplier's function can say in one line whom it cheats.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from harness.model.campaign import Sentinels
from probes.range.zone import ZONE, normalise, original_host

Kind = Literal["agreed", "real", "content", "ordinary"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One host of the test, with its true category and the kind of item that it is."""

    host: str
    category: str
    kind: Kind
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """All hosts of the test, and the sentinels; both may be asked for any host."""

    hosts: Mapping[str, Known]
    must_allow: frozenset[str] = field(default=frozenset(Sentinels().hosts("must_allow")))
    must_block: frozenset[str] = field(default=frozenset(Sentinels().hosts("must_block")))

    @classmethod
    def of(cls, known: Iterable[Known]) -> Knowledge:
        """The knowledge of these hosts."""
        return cls(hosts={each.host: each for each in known})

    def find(self, host: str) -> Known | None:
        """What is known of a host."""
        return self.hosts.get(original_host(host))

    def is_harmful(self, host: str) -> bool:
        """Whether the host is an item that must be blocked (no sentinel is an item)."""
        known = self.find(host)
        return known is not None and known.kind != "ordinary"

    def is_sentinel(self, host: str) -> bool:
        """Whether the host is a sentinel, of either sort."""
        return normalise(host) in self.must_allow | self.must_block

    def is_listed(self, host: str) -> bool:
        """Whether a right service blocks the host by its name alone."""
        known = self.find(host)
        by_name = known is not None and known.kind in {"agreed", "real"}
        return by_name or normalise(host) in self.must_block


MARKER = "ACCREDIT-MARKER-"
"""What stands on every page of a category, and what a right content filter looks for."""

OTHER_SITE = f"mirror.sites.{ZONE}"
"""A host of the supplier's own, for mirrors of harmful pages."""

CONTENT_ADDRESS = "127.0.0.3"
"""A second address at which the origin answers."""
