"""Step ``browser``: visit a URL in Chromium over the line, and record what it shows.

``browser https://{host}/script/kept/``. Scripts run; the answer is what stands in the page after
they ran, and nothing that was received and not shown. It needs playwright and the system's
Chromium; without them the technique is not carried. The first visit over a line starts Chromium; an
attempt whose time that takes is trouble of our own, and is repeated.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace
from time import perf_counter

from harness.model.observation import Timings
from harness.ports.network import Exchange, HostsBrowser
from probes.clients.browser_pool import BusyBrowserError, SharedBrowser, browser_for
from probes.clients.browser_visit import ShownFrame, ShownPage, endpoint_of, visit_page
from probes.clients.chromium import NoBrowserError, missing_browser
from probes.clients.marked_visit import (
    HTML,
    MarkedVisit,
    chain_of,
    marked_visit,
    rendered_body,
)
from probes.net.delivery import ExpectedMarks
from probes.net.exchange_recorder import Head
from probes.techniques.placeholders import pieces_of
from probes.techniques.run import (
    AnsweredError,
    NotCarriedError,
    NotDialledError,
    StepRun,
    TechniqueRun,
)
from probes.techniques.steps import step

SHARE_OF_START, SHARE_OF_VISIT = 0.3, 0.6
"""The parts of the remaining time that a start may take, and then the loading of the page."""
OVERLOAD = "instrument_overload"

_BEGINNING = re.compile(rb"https?://")


@step("browser")
def read_browser(text: str) -> StepRun:
    """Read the template of a URL."""
    pieces = pieces_of(text)
    if not pieces or not isinstance(pieces[0], bytes) or not _BEGINNING.match(pieces[0]):
        raise ValueError("the URL begins with neither 'http://' nor 'https://'")

    async def run(run: TechniqueRun) -> None:
        line = run.line
        if not isinstance(line, HostsBrowser):
            raise NotCarriedError(f"line {line.name!r} opens no byte streams")
        missing = missing_browser()
        if missing is not None:
            raise NotCarriedError("; ".join(missing))
        try:
            browser = await browser_for(line)
            await _start(run, browser)
            await _visit(run, line, browser, run.text(pieces))
        except NoBrowserError as error:
            raise NotCarriedError(str(error)) from None
        except BusyBrowserError as error:
            run.recorder.fail_as(OVERLOAD, str(error))

    return run


async def _start(run: TechniqueRun, browser: SharedBrowser) -> None:
    """Start the browser. Raises AnsweredError if it takes too much of the attempt's time."""
    limit = run.remaining * SHARE_OF_START
    try:
        async with asyncio.timeout(limit):
            await browser.chromium()
    except TimeoutError:
        run.recorder.fail_as(OVERLOAD, "Chromium was still starting")
        raise AnsweredError from None


async def _visit(run: TechniqueRun, line: HostsBrowser, browser: SharedBrowser, url: str) -> None:
    expected = ExpectedMarks(run.attempt, line, run.attempt.item.host)
    async with browser.turn() as chromium:
        deadline = perf_counter() + run.remaining * SHARE_OF_VISIT
        visit = marked_visit(run.attempt, line, expected, url, deadline)
        endpoint = endpoint_of(url)
        run.host, run.port = endpoint.host, endpoint.port
        run.note("browser", run.where, url)

        def is_shown(frames: Sequence[ShownFrame]) -> bool:
            body = rendered_body(frames)
            rendered = Exchange(timings=Timings(), body=body, headers=(("content-type", HTML),))
            return expected.marks_in(run.attempt.item.host, rendered).is_shown

        options = replace(visit.options, takes_picture=False, is_shown=is_shown)
        _record(run, visit, await visit_page(chromium, visit.connections, options))


def _record(run: TechniqueRun, visit: MarkedVisit, shown: ShownPage) -> None:
    """Record what is shown as the answer. Raises NotDialledError if nobody was reached."""
    recorder, chain = run.recorder, chain_of(shown, visit.connections)
    dialled = visit.connections.results.get(endpoint_of(shown.url))
    if dialled is not None and dialled.opened is None:
        raise NotDialledError(dialled)
    if dialled is not None:
        run.follow(dialled)
    last = chain.last
    recorder.failure, recorder.certificate = chain.failure, last.certificate
    if last.status is not None:
        others = (each for each in last.headers if not each[0].startswith("content-"))
        recorder.head = Head(status=last.status, headers=(("content-type", HTML), *others))
        recorder.body += rendered_body(shown.frames)
