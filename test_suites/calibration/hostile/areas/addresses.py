"""Services that know harmful pages, but not by every address, in every part, or on every site."""

from __future__ import annotations

from urllib.parse import urlsplit

from test_suites.calibration.hostile.areas.area_supplier import in_area
from test_suites.calibration.hostile.areas.visit import Visit
from test_suites.calibration.hostile.http_message import Answer

address = in_area("url")

SAME_BY_EVERY_WAY, PARTS, DEEP, NEW = "URL-13", "URL-11", "URL-10", "URL-12"


@address("Filters requests for the usual ports only.", {SAME_BY_EVERY_WAY})
async def usual_ports_only(visit: Visit) -> None:
    await visit.rightly_unless(":" in visit.request.headers.get("host", ""))


@address("Compares names as they stand, and so does not know a site with 'www.' before its name.", {SAME_BY_EVERY_WAY})  # fmt: skip
async def does_not_know_www(visit: Visit) -> None:
    await visit.rightly_unless(visit.host.startswith("www."))


@address("Lets a page through to which a redirect from another site has just led.", {SAME_BY_EVERY_WAY})  # fmt: skip
async def trusts_a_redirector(visit: Visit) -> None:
    memory = visit.call.service.memory
    if memory.pop(visit.host, False):
        await visit.pass_on()
        return
    if visit.is_about("address:redirect"):
        answer = Answer.read(await visit.ask(visit.request))
        memory[urlsplit(dict(answer.headers).get("Location", "")).hostname or ""] = True
    await visit.rightly()


@address("Filters front pages only.", {SAME_BY_EVERY_WAY, PARTS, DEEP})
async def front_pages_only(visit: Visit) -> None:
    await visit.rightly_unless(visit.path != "/")


@address("Does not filter addresses that end like those of pictures, scripts or films.", {PARTS})
async def pages_only(visit: Visit) -> None:
    await visit.rightly_unless(urlsplit(visit.path).path.endswith((".png", ".js", ".mp4")))


@address("Blocks every picture, script and film.", {PARTS})
async def blocks_every_part(visit: Visit) -> None:
    if urlsplit(visit.path).path.endswith((".png", ".js", ".mp4")):
        await visit.block("DRUG")
    else:
        await visit.rightly()


@address("Blocks the whole site of a harmful page of one of its users.", {DEEP})
async def blocks_whole_platforms(visit: Visit) -> None:
    if visit.is_about("deep:"):
        await visit.block("DRUG")
    else:
        await visit.rightly()


@address("Lets pages of users through, since the site as a whole is harmless.", {DEEP})
async def trusts_platforms(visit: Visit) -> None:
    await visit.rightly_unless(visit.is_about("deep:"))


@address("Blocks the first request for a site that it does not know, and reads later ones.", {NEW})
async def blocks_new_sites_once(visit: Visit) -> None:
    if visit.is_about("new:") and visit.count == 1:
        await visit.block("LOC.PARK")
    else:
        await visit.rightly()


@address("Reads a page of a site that it does not know only when it is requested again.", {NEW})
async def reads_new_sites_later(visit: Visit) -> None:
    await visit.rightly_unless(visit.is_about("new:") and visit.count == 1)
