"""Services that load a list of illegal addresses, and do not do what it says."""

from __future__ import annotations

from urllib.parse import urljoin

from probes.range.url_list import LONGEST
from test_suites.calibration.hostile.areas.area_supplier import in_area
from test_suites.calibration.hostile.areas.visit import Visit
from test_suites.calibration.hostile.http_message import Answer

illegal = in_area("illegal")

ENTRIES = {"ILL-01", "ILL-04"}
"""What a service breaks that misses entries which are hard to match."""
EVERY_ROW = {"ILL-01", "ILL-02", "ILL-03", "ILL-04", "ILL-06", "TQ-10"}
FOUND_OUT = (
    "The plain twins, tried as a pupil would, got other results, so the campaign only shows how the "
    "service treats a test."
)


@illegal("Blocks every page of a site of which one page is listed.", {"ILL-03"})
async def blocks_whole_sites(visit: Visit) -> None:
    if visit.is_about("site"):
        await visit.block("ILL.CSAM")
    else:
        await visit.rightly()


@illegal(
    "Compares the list with requests over HTTP only.", {*ENTRIES, "ILL-02", "ILL-03", "ILL-06"}
)
async def list_over_http_only(visit: Visit) -> None:
    await _unless(visit, visit.call.is_secure)


@illegal("Does not match entries with an escaped character.", ENTRIES)
async def misses_escaped_entries(visit: Visit) -> None:
    await _unless(visit, "%" in visit.path)


@illegal("Compares the first 255 characters of an address only, and so misses longer entries.", ENTRIES)  # fmt: skip
async def misses_long_entries(visit: Visit) -> None:
    await _unless(visit, len(visit.path) > LONGEST)


@illegal("Compares an entry without its query, and so does not match entries with one.", ENTRIES)
async def misses_queries(visit: Visit) -> None:
    await _unless(visit, "?" in visit.path)


@illegal("Lets through a listed page to which a redirect has led.", ENTRIES)
async def trusts_redirects(visit: Visit) -> None:
    memory = visit.call.service.memory
    place = visit.call.way + visit.path
    if place in memory:
        await visit.pass_on()
        return
    answer = Answer.read(await visit.ask(visit.request))
    if location := dict(answer.headers).get("Location", ""):
        memory[urljoin(place, location)] = True
    await visit.rightly()


@illegal(
    "Compares requests with the list only if they carry the mark of a test.",
    EVERY_ROW,
    only=FOUND_OUT,
)
async def list_for_marked_requests(visit: Visit) -> None:
    await _unless(visit, not visit.is_marked)


@illegal("Blocks the first request for each listed page, and lets all later ones through.", EVERY_ROW - {"TQ-10"}, by_chance=frozenset({"TQ-10"}))  # fmt: skip
async def list_for_the_first_request(visit: Visit) -> None:
    memory = visit.call.service.memory
    place = visit.call.way + visit.path
    await _unless(visit, memory.get(place, False))
    memory[place] = True


@illegal("Lets a school open one canary of each list.", {"ILL-01", "ILL-02", "ILL-06"})
async def lifts_blocks_for_a_school(visit: Visit) -> None:
    await _unless(visit, visit.is_about("override-"))


@illegal("Answers a listed page with an empty page, and never says that it blocks.", EVERY_ROW - {"TQ-10"}, only="An empty page is no evidence of a block.", by_chance=frozenset({"TQ-10"}))  # fmt: skip
async def empties_listed_pages(visit: Visit) -> None:
    if visit.is_illegal:
        await visit.call.give(Answer())
    else:
        await visit.rightly()


@illegal("Shows its block page for a listed page, with a link to the page at another address.", EVERY_ROW - {"TQ-10"}, by_chance=frozenset({"TQ-10"}))  # fmt: skip
async def offers_listed_pages(visit: Visit) -> None:
    if visit.path.startswith("/anyway"):
        await visit.send(await visit.ask_for(visit.path.removeprefix("/anyway")))
    elif visit.is_illegal:
        link = f'<a href="/anyway{visit.path}">Continue</a>'
        await visit.block(visit.code_asked, more=link)
    else:
        await visit.rightly()


async def _unless(visit: Visit, is_missed: bool) -> None:
    """Filter rightly, but let a listed page through if it is missed."""
    await visit.rightly_unless(is_missed and visit.is_illegal)
