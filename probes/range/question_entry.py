"""The entry of a DNS question in the reference filter's own record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from probes.range.access_entry import AGREED, AccessEntry, ResultCode, has_mark

if TYPE_CHECKING:
    from probes.range.access_log import AccessLog
    from probes.range.filter import Decision

METHOD = "DNS"


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionEntry:
    """Records one question when it is answered; a ``Note`` of ``probes.range.name_server``.

    ``name`` is the name that was asked for, without a final dot, ``rcode`` that of the answer, 0 if
    none is sent. ``asked_at`` is when the question came, in seconds since 1970.
    """

    log: AccessLog
    decision: Decision
    profile: str
    name: str
    rcode: int
    asked_at: float

    def __call__(self, client: str, received: int, sent: int) -> None:
        """Write the line: whose question it was, and the bytes of question and answer."""
        now, decision = self.log.clock(), self.decision
        self.log.record(
            AccessEntry(
                at=now,
                elapsed=max(0, round((now - self.asked_at) * 1000)),
                client=client,
                code=ResultCode.DENIED if decision.is_blocked else ResultCode.PASSED,
                status=self.rcode,
                sent=sent,
                method=METHOD,
                url=self.name,
                user=self.profile,
                received=received,
                category=decision.category or (AGREED if decision.is_blocked else ""),
                host=decision.host,
                profile=self.profile,
                service="resolver",
                is_marked=has_mark(decision.host),
            )
        )
