"""Services that control uploads, and leave a way for some of them."""

from __future__ import annotations

from probes.net.file_contents import eicar
from test_suites.calibration.hostile.areas.area_supplier import in_area
from test_suites.calibration.hostile.areas.visit import Visit
from test_suites.calibration.hostile.http_message import Answer

upload = in_area("upload")

CONTROL, INFECTED = "UPL-01", "UPL-02"


@upload("Controls and scans forms only, and lets other methods through.", {CONTROL, INFECTED})
async def controls_forms_only(visit: Visit) -> None:
    await visit.rightly_unless(visit.request.method != "POST")


@upload("Blocks the question about a WebDAV folder, and lets an upload to it through.", {CONTROL, INFECTED})  # fmt: skip
async def blocks_the_question_only(visit: Visit) -> None:
    is_asked = visit.request.method == "PROPFIND"
    is_infected = any("test file" in each for each in visit.told.strata_at(visit.host))
    if visit.is_about("upload:webdav") and is_asked and is_infected:
        await visit.block("MALW.MAL")
    else:
        await visit.rightly_unless(visit.is_about("upload:webdav") and not is_asked)


@upload("Scans only uploads that begin with the infected file.", {INFECTED})
async def scans_the_beginning(visit: Visit) -> None:
    begins = visit.request.body.startswith(eicar())
    if visit.profile == "staff" and not begins:
        await visit.pass_on()
    else:
        await visit.rightly()


@upload("Scans the first 64 KiB of an upload only.", {INFECTED})
async def scans_small_uploads(visit: Visit) -> None:
    await visit.rightly_unless(len(visit.request.body) > 64 * 1024)


@upload("Scans the uploads of pupils only.", {INFECTED})
async def scans_pupils_only(visit: Visit) -> None:
    await visit.rightly_unless(visit.profile == "staff")


@upload("Shows pupils its block page, and below it the sink's own answer.", {CONTROL, INFECTED})
async def block_page_and_receipt(visit: Visit) -> None:
    if visit.profile == "pupils" and visit.code_asked:
        answer = Answer.read(await visit.ask(visit.request))
        page = visit.page("LOC.FSHR")
        await visit.call.give(page.with_body(page.body + answer.body))
    else:
        await visit.rightly()


@upload("Blocks the uploads of staff too.", {CONTROL})
async def blocks_uploads_of_staff(visit: Visit) -> None:
    if visit.request.method != "GET" and visit.profile == "staff":
        await visit.block("LOC.FSHR")
    else:
        await visit.rightly()


@upload("Answers uploads of staff with a forged receipt, and forwards nothing.", {CONTROL}, only="Without the words of the sink nothing shows that an upload arrived, and nothing says that it was blocked.")  # fmt: skip
async def forges_receipts(visit: Visit) -> None:
    is_question = visit.request.method == "PROPFIND"
    if visit.profile == "staff" and not visit.code_asked and not is_question:
        text = f"{len(visit.request.body)} bytes arrived: oak elm ash. Thank you."
        await visit.call.give(Answer().html(f"<title>Thank you</title><p>{text}</p>"))
    else:
        await visit.rightly()


@upload("Blocks the first upload to a host, and lets later ones through.", {CONTROL, INFECTED})
async def blocks_the_first_upload(visit: Visit) -> None:
    await visit.rightly_unless(visit.count > 1)
