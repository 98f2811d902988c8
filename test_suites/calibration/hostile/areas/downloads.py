"""Services that scan files, and leave a way for what they should stop."""

from __future__ import annotations

import base64
from urllib.parse import urlsplit

from probes.net.file_contents import AGREED_FILE, eicar
from probes.range.malware_check import malware_in
from test_suites.calibration.hostile.areas.area_supplier import in_area
from test_suites.calibration.hostile.areas.visit import Visit
from test_suites.calibration.hostile.http_message import Answer

malware = in_area("malware")

FORMS, FEATURES, ARCHIVES, CLEAN = "MAL-01", "MAL-02", "MAL-04", "MAL-05"
HARMFUL = {FORMS, FEATURES, ARCHIVES}
NO_BLOCK = "A file that is missing from an answer is no evidence of a block."
INNER = "/copy"
"""A path of the supplier's own."""


@malware("Finds the test file only where it is in no container.", HARMFUL)
async def opens_no_container(visit: Visit) -> None:
    answer = await visit.ask(visit.forwarded)
    found = eicar() in answer or AGREED_FILE in answer
    await (visit.block("MALW.MAL") if found else visit.send(answer))


@malware("Scans files whose names end like those of programs and archives only.", HARMFUL)
async def goes_by_names(visit: Visit) -> None:
    ending = urlsplit(visit.path).path.rpartition(".")[2]
    await visit.rightly_unless(ending not in ("exe", "com", "zip"))


@malware("Scans each byte range of a file by itself.", {FORMS})
async def scans_each_range(visit: Visit) -> None:
    answer = await visit.ask(visit.request)
    if malware_in(answer):
        await visit.block("MALW.MAL")
    elif b"206" in answer.split(b"\r\n")[0]:
        await visit.send(answer)
    else:
        await visit.rightly()


@malware("Scans the first 256 KiB of an answer only.", {FORMS})
async def scans_the_first_bytes(visit: Visit) -> None:
    answer = await visit.ask(visit.forwarded)
    if visit.code_in(answer[: 256 * 1024]):
        await visit.block("MALW.MAL")
    else:
        await visit.send(answer)


@malware("Scans files over HTTP only.", {FORMS})
async def scans_over_http_only(visit: Visit) -> None:
    await visit.rightly_unless(visit.call.is_secure)


@malware("Answers with an empty file and status 200 in place of an infected one.", HARMFUL, only=NO_BLOCK)  # fmt: skip
async def empties_infected_files(visit: Visit) -> None:
    answer = await visit.ask(visit.forwarded)
    if visit.code_in(answer):
        await visit.call.give(Answer.read(answer).with_body(b""))
    else:
        await visit.send(answer)


@malware("Shows its block page with the infected file at the end of it.", HARMFUL)
async def file_behind_block_page(visit: Visit) -> None:
    infected = await _infected(visit)
    if infected:
        page = visit.page("MALW.MAL")
        await visit.call.give(page.with_body(page.body + infected))


@malware("Shows its block page with the infected file in a link that holds it as base64.", HARMFUL)
async def file_in_a_link(visit: Visit) -> None:
    infected = await _infected(visit)
    if infected:
        held = base64.b64encode(infected).decode()
        link = f'<a href="data:application/octet-stream;base64,{held}" download>Get the file</a>'
        await visit.block("MALW.MAL", more=link)


@malware("Shows its block page with a link to a copy of the infected file.", HARMFUL)
async def link_to_a_copy(visit: Visit) -> None:
    await _led_by(visit, '<a href="{}">Get the file anyway</a>')


@malware("Shows its block page with a form whose button leads to the infected file.", HARMFUL)
async def form_to_a_copy(visit: Visit) -> None:
    await _led_by(visit, '<form action="{}" method="get"><button>Get the file</button></form>')


@malware("Shows its block page, which reloads itself as the infected file.", HARMFUL)
async def reloads_as_the_file(visit: Visit) -> None:
    await _led_by(visit, '<meta http-equiv="refresh" content="1; url={}">')


@malware("Redirects to a copy of the infected file.", HARMFUL)
async def redirects_to_a_copy(visit: Visit) -> None:
    if visit.path.startswith(INNER):
        await _copy(visit)
    elif await _infected(visit):
        page = visit.page("MALW.MAL", 302)
        await visit.call.give(page.with_body(page.body, Location=INNER + visit.path))


@malware("Blocks the first request for an infected file, and lets later ones through.", HARMFUL)
async def scans_the_first_request(visit: Visit) -> None:
    memory = visit.call.service.memory
    place = visit.call.way + visit.path
    if place in memory:
        await visit.pass_on()
    else:
        memory[place] = True
        await visit.rightly()


@malware("Adds a line to clean files that says that they were scanned.", {CLEAN})
async def marks_clean_files(visit: Visit) -> None:
    answer = await visit.ask(visit.forwarded)
    if visit.code_in(answer):
        await visit.block("MALW.MAL")
    elif visit.is_about("file:"):
        page = Answer.read(answer)
        await visit.call.give(page.with_body(page.body + b"\nscanned\n"))
    else:
        await visit.send(answer)


@malware("Blocks every archive, clean ones too.", {CLEAN})
async def blocks_every_archive(visit: Visit) -> None:
    if urlsplit(visit.path).path.endswith(("zip", "gz", "docx", "html")):
        await visit.block("MALW.MAL")
    else:
        await visit.rightly()


async def _infected(visit: Visit) -> bytes:
    """The body of an infected file as it came; else filter rightly, and return nothing."""
    answer = await visit.ask(visit.forwarded)
    if visit.code_in(answer):
        return Answer.read(answer).body or b" "
    await visit.send(answer)
    return b""


async def _led_by(visit: Visit, element: str) -> None:
    """Show the block page with one more element; the infected file is at another path."""
    if visit.path.startswith(INNER):
        await _copy(visit)
    elif await _infected(visit):
        await visit.block("MALW.MAL", more=element.format(INNER + visit.path))


async def _copy(visit: Visit) -> None:
    await visit.send(await visit.ask_for(visit.path.removeprefix(INNER)))
