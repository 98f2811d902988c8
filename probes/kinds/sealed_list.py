"""The probes for sealed lists: the holder's program says what came of an entry, and shows no value.

An entry of the list is asked for by its opaque id alone. The campaign's sentinels are *check
entries*: hosts of the origin, for which the program must show the origin's receipt wherever it says
that content came. So a program that reaches no network is found out. For a check entry on the
control line it may not say that a notice came.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import ClassVar, Literal

from msgspec.structs import replace

from harness.model.corpus import SEALED, Item
from harness.model.facts import SealedFacts
from harness.model.observation import CONTROL, LIST_PROGRAM, Failure, Timings
from harness.model.probe import ProbeDeclaration
from harness.plugins import PROBES
from harness.ports.list_program import (
    DescribesConnection,
    ListAnswer,
    ListProgram,
    ListQuery,
)
from harness.ports.network import Attempt, Line, ProbeResult

UNPROVEN = "the sealed list program did not show the origin's receipt for a check entry"
NO_PROGRAM = "the campaign has no sealed list program"
NO_CONNECTION = "the connection of the line cannot be described to a sealed list program"

DECLARATION = ProbeDeclaration(
    needs="connection", facts="sealed", kinds=frozenset({SEALED}), mixes_sentinels=True
)


class SealedListProbe:
    """Asks the sealed list program for an entry, or for a check entry, by one scheme."""

    declares: ClassVar[ProbeDeclaration]
    scheme: ClassVar[Literal["http", "https"]]

    def __init__(self) -> None:
        self._program: ListProgram | None = None

    def use(self, program: ListProgram) -> None:
        """Ask this program from now on."""
        self._program = program

    def address(self, item: Item) -> str:
        """Return the URL of a check entry; an entry of the list has none that we know."""
        return "" if item.kind == SEALED else item.url(self.scheme)

    async def try_item(self, attempt: Attempt, line: Line) -> ProbeResult:
        """Ask the program once, over the connection of the line."""
        if self._program is None:
            return _failed(NO_PROGRAM)
        if not isinstance(line, DescribesConnection):
            return _failed(NO_CONNECTION)
        is_entry = attempt.item.kind == SEALED
        query = ListQuery(
            entry=attempt.item.value if is_entry else "",
            check="" if is_entry else attempt.item.host,
            scheme=self.scheme,
            headers=_marks(attempt),
            timeout=attempt.timeout,
            connection=line.connection(),
        )
        answer = await self._program.ask(query)
        if isinstance(answer, str):
            return _failed(answer)
        if not is_entry and not _is_proven(answer, attempt, line):
            return _failed(UNPROVEN)
        return _result(answer, attempt.sketch_key)


@PROBES.register("sealed_list")
class SealedListHttp(SealedListProbe):
    """Asks the sealed list program for an entry over HTTP."""

    declares = replace(DECLARATION, only_scheme="http")
    scheme = "http"


@PROBES.register("sealed_list_https")
class SealedListHttps(SealedListProbe):
    """Asks the sealed list program for an entry over HTTPS."""

    declares = replace(DECLARATION, only_scheme="https")
    scheme = "https"


def _marks(attempt: Attempt) -> tuple[tuple[str, str], ...]:
    """The header with the nonce: entries get one as well, so that they look alike."""
    marker = attempt.marker
    return (marker.carrier.header(marker.nonce),) if marker is not None else ()


def _is_proven(answer: ListAnswer, attempt: Attempt, line: Line) -> bool:
    """Whether what is said of a check entry may be true: content has the origin's receipt."""
    if answer.arrived == "notice":
        return attempt.key.line != CONTROL
    if answer.arrived == "nothing":
        return True
    if line.origin is None or attempt.marker is None:
        return False
    receipt = line.origin.receipt(attempt.item.host, attempt.marker.nonce)
    return hmac.compare_digest(hashlib.sha256(receipt.encode()).hexdigest(), answer.receipt)


def _result(answer: ListAnswer, key: bytes) -> ProbeResult:
    """Return the facts in an answer; the digest of a notice is keyed, so that it names no page."""
    digest = hmac.new(key, answer.digest.encode(), hashlib.sha256).hexdigest()
    facts = SealedFacts(
        arrived=answer.arrived,
        status=answer.status,
        mechanism=answer.mechanism,
        notice=digest if answer.digest else "",
    )
    failure = None
    if answer.failure and answer.stage:
        failure = Failure(name=answer.failure, stage=answer.stage)
    timings = Timings(first_byte=answer.first_byte, total=answer.total)
    return ProbeResult(timings=timings, facts=facts, failure=failure)


def _failed(detail: str) -> ProbeResult:
    failure = Failure(name=LIST_PROGRAM, stage="instrument", detail=detail)
    return ProbeResult(timings=Timings(), failure=failure)
