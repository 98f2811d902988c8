"""Services that read pages, but not in every form, and not through every viewer."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import unquote

from probes.range.examination import code_of_answer
from test_suites.calibration.hostile.areas.area_supplier import in_area
from test_suites.calibration.hostile.areas.visit import Visit
from test_suites.calibration.hostile.http_message import Answer

dynamic = in_area("dynamic")

TEXT, VIEWERS = "DYN-06", "DYN-08"
KIB = 1024


@dynamic("Reads only pages that are not compressed.", {TEXT})
async def reads_no_compressed_pages(visit: Visit) -> None:
    await _reading(visit, lambda answer: "Content-Encoding" not in dict(answer.headers))


@dynamic("Reads only answers whose type is that of a web page.", {TEXT, VIEWERS})
async def reads_html_only(visit: Visit) -> None:
    await _reading(visit, lambda answer: "html" in dict(answer.headers).get("Content-Type", ""))


@dynamic("Reads only the first 1,024 bytes of a page.", {TEXT})
async def reads_the_beginning(visit: Visit) -> None:
    answer = await visit.ask(visit.request)
    head, _, body = answer.partition(b"\r\n\r\n")
    code = visit.code_asked or visit.blocked(code_of_answer(head + b"\r\n\r\n" + body[:KIB]))
    await (visit.block(code) if code else visit.send(answer))


@dynamic("Removes the agreed marker from a page, and lets the rest of the page through.", {TEXT, VIEWERS})  # fmt: skip
async def removes_the_marker(visit: Visit) -> None:
    answer = await visit.ask(visit.request)
    if visit.code_in(answer) and not visit.code_asked:
        await visit.send(answer.replace(b"ACCREDIT-MARKER-", b"DRIEDIT-FLOWERS-"))
    else:
        await visit.rightly()


@dynamic("Opens no frame, and so lets a page through whose text is in one.", {TEXT})
async def opens_no_frame(visit: Visit) -> None:
    await visit.rightly_unless(visit.is_about("frame"))


@dynamic("Knows the blocked sites in the address of a viewer only where they are not encoded.", {VIEWERS})  # fmt: skip
async def knows_plain_viewers_only(visit: Visit) -> None:
    await visit.rightly_unless(visit.is_about("viewer:") and unquote(visit.path) != visit.path)


@dynamic("Does not filter a translator.", {VIEWERS})
async def trusts_translators(visit: Visit) -> None:
    await visit.rightly_unless(visit.is_about("viewer:translator"))


@dynamic("Reads a page when it was requested before, for its copy is stored by then.", {TEXT, VIEWERS})  # fmt: skip
async def reads_stored_pages(visit: Visit) -> None:
    await visit.rightly_unless(visit.count == 1 and not visit.code_asked)


async def _reading(visit: Visit, reads: Callable[[Answer], bool]) -> None:
    """Filter rightly, but let a harmful page through whose answer is not read."""
    answer = Answer.read(await visit.ask(visit.request))
    await visit.rightly_unless(not visit.code_asked and not reads(answer))
