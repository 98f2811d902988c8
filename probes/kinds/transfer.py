"""The probe ``transfer``: make one transfer of ordinary school traffic, and time it.

What is transferred follows from the item's stratum (``harness.model.transfer``). A browser's
headers are sent, and what comes is compared with what the origin sends, so that a page of the
service in its place is never taken for a quick transfer.
"""

from __future__ import annotations

import asyncio
from time import perf_counter, thread_time
from typing import ClassVar, Literal
from urllib.parse import urlsplit

from harness.model.corpus import Item
from harness.model.observation import BUSY, Failure, Timings
from harness.model.probe import ProbeDeclaration
from harness.model.transfer import (
    SizedRequest,
    Transfer,
    content_of,
    receipt_of,
    requests_of,
    transfer_of,
)
from harness.model.transfer_facts import TransferFacts
from harness.plugins import PROBES
from harness.ports.network import Attempt, Exchange, Line, ProbeResult, Request
from probes.net.browser_profiles import Headers, profile_for
from probes.net.page_result import timings_of

OK = 200
MORE = 64 * 1024
"""Bytes that are read beyond what is expected, so that another page is recognised."""
UPLOADED: Headers = (("Content-Type", "application/octet-stream"),)

Arrived = Literal["whole", "part", "other", "nothing"]


@PROBES.register("transfer")
class TransferProbe:
    """Transfers pages, files, videos and uploads, and times them; its verdicts do not count."""

    declares: ClassVar[ProbeDeclaration] = ProbeDeclaration(
        needs="fetch", facts="transfer", counts=False
    )

    def fits(self, item: Item) -> bool:
        """Whether the item is a transfer."""
        return transfer_of(item.stratum) is not None

    async def try_item(self, attempt: Attempt, line: Line) -> ProbeResult:
        """Make the transfer over the line, once: a page's pictures and its document together."""
        transfer = transfer_of(attempt.item.stratum)
        if transfer is None or line.origin is None:
            detail = "the item is no transfer, or the line knows no origin"
            unfit = Failure(name="instrument_error", stage="instrument", detail=detail)
            return ProbeResult(timings=Timings(), failure=unfit)
        key = line.origin.key
        requests = list(requests_of(attempt.item, transfer, key))
        # Made before the time begins: only the network is timed.
        contents = [content_of(key, urlsplit(one.url).path, one.size) for one in requests]
        began, computed = perf_counter(), thread_time()
        exchanges = await _exchanges(requests, contents, transfer, attempt, line)
        total = perf_counter() - began
        busy = (thread_time() - computed) / total if total > 0 else 1.0
        found = [_arrived(*each, key) for each in zip(requests, contents, exchanges, strict=False)]
        facts = TransferFacts(
            arrived=_of_all(found, len(requests)),
            bytes=sum(
                one.size
                for one, arrived in zip(requests, found, strict=False)
                if arrived == "whole"
            ),
            requests=len(exchanges),
            began=began,
            busy=min(1.0, busy),
            status=exchanges[-1].status,
        )
        failure = next((one.failure for one in exchanges if one.failure is not None), None)
        return ProbeResult(
            timings=timings_of(exchanges, total),
            facts=facts,
            failure=None if facts.arrived == "whole" else failure,
        )


async def _exchanges(
    requests: list[SizedRequest],
    contents: list[bytes],
    transfer: Transfer,
    attempt: Attempt,
    line: Line,
) -> list[Exchange]:
    """Make the requests: the pictures of a page at once, all others one after the other.

    After one that brings nothing the others are not made.
    """
    deadline = perf_counter() + attempt.timeout

    async def fetch(one: SizedRequest, content: bytes) -> Exchange:
        return await line.fetch(_request(one, content, attempt, deadline))

    made: list[Exchange] = []
    for place, (one, content) in enumerate(zip(requests, contents, strict=True)):
        if transfer.form == "page" and place == 1:
            return [*made, *await asyncio.gather(*map(fetch, requests[1:], contents[1:]))]
        made.append(await fetch(one, content))
        if made[-1].failure is not None:
            break
    return made


def _request(one: SizedRequest, content: bytes, attempt: Attempt, deadline: float) -> Request:
    scheme = urlsplit(one.url).scheme
    more = UPLOADED if one.method == "POST" else ()
    sent = profile_for(attempt.browser).headers(scheme, more=more)
    return Request(
        url=one.url,
        headers=sent.direct,
        proxied_headers=sent.proxied,
        tunnel_headers=sent.tunnel,
        timeout=max(0.01, deadline - perf_counter()),
        method=one.method,
        body=content if one.method == "POST" else b"",
        body_bytes=one.size + MORE,
        address=attempt.address,
    )


def _arrived(one: SizedRequest, content: bytes, exchange: Exchange, key: bytes) -> Arrived:
    """What of one request came, compared with what the origin sends for it."""
    body = exchange.body
    if one.method == "POST":
        path = urlsplit(one.url).path
        is_whole = exchange.status == OK and receipt_of(key, path, content).encode() in body
        part = False
    else:
        is_whole = exchange.status == OK and body == content
        part = bool(body) and len(body) < one.size and content.startswith(body)
    if is_whole:
        return "whole"
    if part:
        return "part"
    if exchange.status is None or exchange.failure is not None or exchange.status in BUSY:
        return "nothing"
    return "other"


def _of_all(found: list[Arrived], wanted: int) -> Arrived:
    """What came of a transfer: the worst of its requests; *part* if some came whole."""
    if len(found) == wanted and set(found) == {"whole"}:
        return "whole"
    if "other" in found:
        return "other"
    return "part" if {"whole", "part"} & set(found) else "nothing"
