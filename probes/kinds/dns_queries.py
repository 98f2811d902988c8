"""The probe ``dns_queries``: ask a name server in many forms, and check how it answers.

The case in an item's stratum says what is done (``harness.model.query_case``): a query in a given
form, or a check of a signed name or of the time that an answer takes. The control line is asked in
the plainest way for the same record type, so that a form which a name server does not understand
shows nothing about the name. Other items, such as sentinels, are asked for without any flag or
option of DNSSEC, as most clients do.
"""

from __future__ import annotations

import secrets
from typing import ClassVar

from msgspec import structs

from harness.model.content_form import variant_of
from harness.model.corpus import Item
from harness.model.observation import CONTROL, Failure, Timings
from harness.model.probe import NAME_LAYERS, ProbeDeclaration
from harness.model.query_case import (
    SIGNED_CHECKS,
    QueryCheck,
    QueryForm,
    is_query,
    query_check,
    query_form,
)
from harness.plugins import PROBES
from harness.ports.network import Answer, Attempt, Line, ProbeResult, Question
from probes.kinds.dns import DnsProbe

PLAIN = QueryForm(type="a", edns="plain")
SIGNED: dict[QueryCheck, QueryForm] = {
    "signed": QueryForm(type="a", edns="do"),
    "authentic": QueryForm(type="a", edns="plain", flags="rd-ad"),
    "forged": QueryForm(type="a", edns="do"),
}
UNCHECKED = QueryForm(type="a", edns="do", flags="rd-cd")
"""How the control is asked for a name with signatures: a server that validates answers as well."""


@PROBES.register("dns_queries")
class DnsQueries(DnsProbe):
    """One query in the form of the item's case, or one check."""

    declares: ClassVar[ProbeDeclaration] = ProbeDeclaration(
        needs="ask", facts="dns", sees=NAME_LAYERS
    )
    type: ClassVar[str] = "A"

    def fits(self, item: Item) -> bool:
        """Whether the item is a case of queries."""
        return is_query(variant_of(item.stratum))

    async def try_item(self, attempt: Attempt, line: Line) -> ProbeResult:
        """Ask once over the line, as the case says."""
        variant = variant_of(attempt.item.stratum)
        check = query_check(variant)
        if check is None:
            return await self._try(attempt, line, query_form(variant) or PLAIN)
        if check in SIGNED_CHECKS:
            return await _try_signed(attempt, line, check)
        if check == "again":
            await line.ask(_question(attempt, attempt.item.host, PLAIN))
            return await _timed(attempt, line, attempt.item.host)
        if attempt.marker is None:
            detail = "a name that nobody asked for before needs a host of the origin"
            failure = Failure(name="instrument_error", stage="instrument", detail=detail)
            return ProbeResult(timings=Timings(), failure=failure)
        return await _timed(attempt, line, f"{secrets.token_hex(6)}.{attempt.item.host}")

    async def _try(self, attempt: Attempt, line: Line, form: QueryForm) -> ProbeResult:
        """Ask for the item's host in a form."""
        asked = form if attempt.key.line != CONTROL else QueryForm(type=form.type, edns="plain")
        answer = await line.ask(_question(attempt, attempt.item.host, asked))
        if form.type == "cname" and answer.facts.chain:
            answer = await _with_addresses(answer, attempt, line)
        return await self.result(attempt, line, answer)


async def _with_addresses(answer: Answer, attempt: Attempt, line: Line) -> Answer:
    """Add the addresses of the name that an alias leads to, so that its page can be visited."""
    facts = answer.facts
    target = Question(name=facts.chain[-1], timeout=attempt.timeout / 2)
    found = (await line.ask(target)).facts.addresses
    return structs.replace(answer, facts=structs.replace(facts, addresses=found))


def _question(attempt: Attempt, name: str, form: QueryForm) -> Question:
    return Question(name=name, type=form.type.upper(), timeout=attempt.timeout, form=form)


async def _try_signed(attempt: Attempt, line: Line, check: QueryCheck) -> ProbeResult:
    """Ask for a name with its signatures, and validate them with the keys of the same server."""
    # dnspython costs 8 MiB of memory: load it only when a signed name is asked for.
    from probes.net.portable.signatures import with_signatures  # noqa: PLC0415

    is_control = attempt.key.line == CONTROL
    question = _question(attempt, attempt.item.host, UNCHECKED if is_control else SIGNED[check])
    needs_signatures = is_control or check != "authentic"
    asking = with_signatures(question, line) if needs_signatures else line.ask(question)
    answer = await asking
    return ProbeResult(timings=answer.timings, facts=answer.facts, failure=answer.failure)


async def _timed(attempt: Attempt, line: Line, name: str) -> ProbeResult:
    """Ask for a name; the time to its answer is the time to the first byte as well."""
    answer = await line.ask(_question(attempt, name, PLAIN))
    timings = structs.replace(answer.timings, first_byte=answer.timings.total)
    return ProbeResult(timings=timings, facts=answer.facts, failure=answer.failure)
