"""A school's own check: what is tried, what was seen, and the record that a school keeps.

A check has no control line and no canary, so its words are weaker than those of a campaign: a
result never says more than what happened to one address on one laptop. The record holds what the
DfE filtering and monitoring standards (2024, 2026) ask of a school's record of checks: when, by
whom, site, place, device and user group, what was tried, the result and the action.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from typing import Literal

import msgspec

from harness.model.facts import Certificate, DnsFacts, WebFacts
from harness.model.observation import Failure

FORMAT = "accredit-school-check/1"
"""The format of a record as JSON; see ``docs/reference/school-check.md``."""

Part = Literal["start", "agency", "vendor", "names", "search", "encrypted_dns", "certificate"]

PARTS: tuple[Part, ...] = ("agency", "vendor", "names", "search", "encrypted_dns", "certificate")
"""The parts of a check in their order; pages of part ``start`` are tried before and after each."""

NO_CONNECTION = "most ordinary pages did not arrive; see their reasons"
"""Why nothing but ordinary pages was tried."""

Method = Literal["page", "name", "forced_name", "forced_page", "dns_over_https", "dns_over_tls"]
"""How a target is tried: fetch its page; connect to its name; compare its addresses with those of
a forced name; look for a parameter in the address of its page; ask it a DNS question."""


class CheckTarget(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One address that a check tries, and how the test page there is known.

    ``mark`` is a text of the page (or ``sha256:`` and the digest of all of it), a forced name, or a
    parameter, by ``method``. ``counts`` is false for what is shown for information only.
    ``digest`` replaces the address of a hidden name wherever it is shown or stored.
    """

    id: str
    part: Part
    address: str
    what: str
    method: Method = "page"
    publisher: str = ""
    category: str = ""
    mark: str = ""
    counts: bool = True
    digest: str = ""

    @property
    def shown(self) -> str:
        """The address for people and files; of a hidden name, its digest."""
        return self.digest or self.address


class CheckFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What one target did; facts only.

    ``answered``: a name server at the address gave an answer. ``connected``: TLS with the name was
    established. ``other_name_answered``: the same server accepted TLS with another name, after it
    had cut off the target's name twice, and then cut off the target's name again. ``dns`` are
    answers for the target's name, ``forced`` for the forced name. ``body`` is held in memory only,
    for the search for a mark; it is empty for names.
    """

    web: WebFacts | None = None
    failure: Failure | None = None
    body: bytes = b""
    answered: bool = False
    connected: bool = False
    other_name_answered: bool = False
    certificate: Certificate | None = None
    dns: tuple[DnsFacts, ...] = ()
    forced: tuple[DnsFacts, ...] = ()


class Result(StrEnum):
    """What happened to one target, in the words that a school reads."""

    ARRIVED = "arrived"
    BLOCKED = "blocked"
    GOT_THROUGH = "got through"
    FORCED = "forced"
    NOT_FORCED = "not forced"
    REPORTED = "reported"
    NOT_TOLD = "could not be told"


class Attention(StrEnum):
    """What a result asks of the school."""

    NEEDED = "needs attention"
    NOT_TOLD = "could not be told"
    NOTHING = "nothing to do"
    INFORMATION = "for information"


class CheckResult(msgspec.Struct, frozen=True, kw_only=True):
    """A result and the reason for it, in one sentence."""

    result: Result
    reason: str


class CheckRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One target with its result; ``address`` is a digest for hidden names."""

    id: str
    part: Part
    what: str
    address: str
    result: Result
    reason: str
    attention: Attention
    at: datetime
    publisher: str = ""

    @classmethod
    def of(cls, target: CheckTarget, seen: CheckResult, at: datetime) -> CheckRow:
        """The row of a target; a hidden name is taken out of the reason too."""
        reason = seen.reason
        if target.digest:
            reason = re.sub(re.escape(target.address), "the name", reason, flags=re.IGNORECASE)
        return cls(
            id=target.id,
            part=target.part,
            what=target.what,
            address=target.shown,
            publisher=target.publisher,
            result=seen.result,
            reason=reason,
            attention=attention_of(target, seen.result),
            at=at,
        )


_ATTENTION = {
    Result.GOT_THROUGH: Attention.NEEDED,
    Result.NOT_FORCED: Attention.NEEDED,
    Result.NOT_TOLD: Attention.NOT_TOLD,
    Result.REPORTED: Attention.INFORMATION,
}


def attention_of(target: CheckTarget, result: Result) -> Attention:
    """What a target's result asks of the school."""
    if not target.counts:
        return Attention.INFORMATION
    return _ATTENTION.get(result, Attention.NOTHING)


class Circumstances(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who checked, where, on what, for whom, and by which connection.

    Empty fields were not stated. ``rehearsal``: the test pages were played by a test range.
    """

    by: str = ""
    site: str = ""
    place: str = ""
    device: str = ""
    group: str = ""
    action: str = ""
    supplier: str = ""
    connection: str = ""
    rehearsal: bool = False

    @property
    def where(self) -> tuple[str, str, str, str, bool]:
        """What a check must have in common with another to be compared with it."""
        return self.site, self.place, self.device, self.group, self.rehearsal

    @property
    def missing(self) -> tuple[str, ...]:
        """The fields that a record needs and that were not stated."""
        needed = {
            "by whom": self.by, "site": self.site, "place": self.place, "device": self.device,
            "user group": self.group, "action": self.action,
        }  # fmt: skip
        return tuple(name for name, text in needed.items() if not text.strip())


class CheckRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The record of one check.

    ``lost`` is how often the pages of part ``start`` did not arrive. ``not_tried`` says what was
    left out, and why. ``stopped``: it was stopped before its end.
    """

    format: str = FORMAT
    version: str
    begun: datetime
    ended: datetime
    circumstances: Circumstances
    rows: tuple[CheckRow, ...]
    lost: int = 0
    not_tried: tuple[str, ...] = ()
    stopped: bool = False

    def count(self, attention: Attention) -> int:
        """How many rows ask for this."""
        return sum(row.attention is attention for row in self.rows)

    def rows_of(self, attention: Attention) -> Iterator[CheckRow]:
        """The rows that ask for this."""
        return (row for row in self.rows if row.attention is attention)

    @property
    def exit_code(self) -> int:
        """0: nothing needs attention; 1: something does; 3: something could not be told."""
        if self.count(Attention.NEEDED):
            return 1
        decided = any(row.attention is Attention.NOTHING for row in self.rows)
        return 3 if self.count(Attention.NOT_TOLD) or not decided else 0


def changes_since(earlier: CheckRecord, rows: Iterable[CheckRow]) -> tuple[CheckRow, ...]:
    """The rows whose result is not that of the earlier record; rows that it lacks are no change."""
    before = {row.id: row.result for row in earlier.rows}
    return tuple(row for row in rows if before.get(row.id, row.result) is not row.result)
