"""Services that filter rightly and keep a log that only seems to be in order."""

from __future__ import annotations

from urllib.parse import urlsplit

from test_suites.calibration.hostile.areas.area_supplier import in_area
from test_suites.calibration.hostile.areas.log_line import line_of
from test_suites.calibration.hostile.areas.visit import Visit

log = in_area("logging")

RECORDED, FIELDS, CLASSES, SECRETS, BYPASS = "LOG-01", "LOG-02", "LOG-04", "LOG-06", "CIR-13"
WATCHED = 150
"""After so many requests a service believes that nobody looks any more."""


def _url(visit: Visit) -> str:
    return line_of(visit).split(" ")[6]


@log(
    "Records only requests that carry the mark of a test.",
    {RECORDED},
    record=lambda visit: line_of(visit) if visit.is_marked else "",
)
async def records_marked_requests(visit: Visit) -> None:
    await visit.rightly()


@log(
    "Stops recording after some requests.",
    {RECORDED},
    record=lambda visit: line_of(visit) if visit.call.service.seen.total() < WATCHED else "",
    by_chance=frozenset({BYPASS, "LOG-02", "LOG-04", "LOG-06"}),
)
async def records_the_beginning(visit: Visit) -> None:
    await visit.rightly()


@log(
    "Records no person.",
    {RECORDED, BYPASS},
    record=lambda visit: line_of(visit, user="-"),
    by_chance=frozenset({FIELDS}),
)
async def records_nobody(visit: Visit) -> None:
    await visit.rightly()


@log(
    "Names the same computer for every request: its own.",
    {FIELDS},
    record=lambda visit: line_of(visit, client="192.0.2.1"),
)
async def records_its_own_address(visit: Visit) -> None:
    await visit.rightly()


@log(
    "Records what it blocks as if it had passed.",
    {FIELDS, CLASSES},
    record=lambda visit: line_of(visit, result="TCP_MISS/200", category="-"),
)
async def records_blocks_as_passed(visit: Visit) -> None:
    await visit.rightly()


@log(
    "Records addresses without what follows the question mark.",
    {FIELDS, CLASSES, BYPASS},
    record=lambda visit: line_of(visit, url=_url(visit).partition("?")[0]),
)
async def records_no_searches(visit: Visit) -> None:
    await visit.rightly()


@log(
    "Records the host of each request alone.",
    {FIELDS, CLASSES, BYPASS},
    record=lambda visit: line_of(visit, url=f"http://{urlsplit(_url(visit)).netloc}/"),
    by_chance=frozenset({RECORDED}),
)
async def records_hosts(visit: Visit) -> None:
    await visit.rightly()


@log(
    "Records no requests to translators.",
    {BYPASS},
    record=lambda visit: "" if "/translate" in visit.path else line_of(visit),
    by_chance=frozenset({RECORDED}),
)
async def records_no_translators(visit: Visit) -> None:
    await visit.rightly()


@log(
    "Records the bodies of requests, passwords included, in hexadecimal.",
    {SECRETS},
    record=lambda visit: f"{line_of(visit)} {visit.request.body.hex()}".rstrip(),
)
async def records_bodies_in_hexadecimal(visit: Visit) -> None:
    await visit.rightly()
