"""Proxies that block what should pass, or answer everything alike."""

from __future__ import annotations

import re
from collections.abc import Callable

from test_suites.calibration.hostile.http_message import Answer
from test_suites.calibration.hostile.supplier import DELAY, EVERYTHING, OVERBLOCKING, web
from test_suites.calibration.hostile.web_call import Call

MARKS = re.compile(r"\b(?:[0-9a-f]{32}|[a-z]{14})\b")
"""The token and the delivery words of a page."""
ALIKE = "The sentinel that should pass gets the same answer, so nothing shows that the line works."

PORTAL = Answer().html(
    "<html><head><title>Sign in to the network</title></head><body>"
    "<form>Name <input name=n> Password <input name=p type=password></form></body></html>"
)


@web("Blocks every page except the sentinel that should pass.", breaks={OVERBLOCKING, DELAY})
async def blocks_all_but_the_sentinel(call: Call) -> None:
    await (call.filter_rightly() if call.is_sentinel else call.block())


@web("Blocks every second page that should pass.", breaks={OVERBLOCKING})
async def blocks_every_second_page(call: Call) -> None:
    known = call.known
    is_one = known is not None and known.kind == "ordinary" and known.number % 2 == 0
    await (call.block() if is_one else call.filter_rightly())


@web("Blocks every page that should pass over https.", breaks={OVERBLOCKING, DELAY})
async def blocks_https(call: Call) -> None:
    is_one = call.is_secure and call.known is not None and call.known.kind == "ordinary"
    await (call.block() if is_one else call.filter_rightly())


@web("Does not answer requests for pages that should pass, except for the sentinel.",
     breaks={OVERBLOCKING, DELAY})  # fmt: skip
async def silent_for_all_but_the_sentinel(call: Call) -> None:
    known = call.known
    is_ordinary = known is not None and known.kind == "ordinary"
    await (call.keep_silent() if is_ordinary else call.filter_rightly())


async def block_with(call: Call, carry: Callable[[Answer], str]) -> None:
    """Block ordinary pages by a block page that carries something of theirs; filter the rest."""
    if call.is_first:
        inner = await call.intercept()
        if inner is not None:
            await block_with(inner, carry)
    elif call.known is not None and call.known.kind == "ordinary":
        await call.block(200, carry(await call.fetch()))
    else:
        await call.filter_rightly()


@web("Blocks pages that should pass, and carries each page hidden in its block page.",
     breaks={OVERBLOCKING, DELAY})  # fmt: skip
async def page_hidden_in_block_page(call: Call) -> None:
    await block_with(call, lambda answer: f"<div hidden>{answer.text}</div>")


@web("Blocks pages that should pass, and carries each page in a comment of its block page.",
     breaks={OVERBLOCKING, DELAY})  # fmt: skip
async def page_in_comment_of_block_page(call: Call) -> None:
    await block_with(call, lambda answer: f"<!-- {answer.text.replace('--', '')} -->")


@web("Blocks pages that should pass, and shows the marks of each page in its block page.",
     breaks={OVERBLOCKING, DELAY})  # fmt: skip
async def marks_in_block_page(call: Call) -> None:
    await block_with(call, lambda answer: f"<p>{' '.join(MARKS.findall(answer.text))}</p>")


@web("Blocks everything.", breaks=EVERYTHING, only=ALIKE)
async def blocks_everything(call: Call) -> None:
    await call.block()


@web("Answers everything with a captive portal.", breaks=EVERYTHING, only=ALIKE)
async def captive_portal(call: Call) -> None:
    await call.give(PORTAL)


@web("Redirects everything to a captive portal.", breaks=EVERYTHING, only=ALIKE)
async def portal_redirect(call: Call) -> None:
    if call.host == "portal.sites.accredit.test":
        await call.give(PORTAL)
    else:
        location = "http://portal.sites.accredit.test/"
        await call.give(Answer(status=302, headers=(("Location", location),)))


@web("Answers everything with an empty page.", breaks=EVERYTHING, only=ALIKE)
async def empty_pages(call: Call) -> None:
    await call.give(Answer())


@web("Answers everything with 502.", breaks=EVERYTHING, only=ALIKE)
async def bad_gateway(call: Call) -> None:
    await call.give(Answer(status=502).html("<h1>502 Bad Gateway</h1>"))


@web("Answers everything with silence.", breaks=EVERYTHING, only=ALIKE)
async def silence(call: Call) -> None:
    await call.keep_silent()


@web("Resets every connection.", breaks=EVERYTHING, only=ALIKE)
async def resets_everything(call: Call) -> None:
    call.stream.reset()


@web("Lets everything through, including the sentinels.", breaks=EVERYTHING,
     only="The filter was never active, and this may be the wrong line, so no page is decided.")  # fmt: skip
async def no_filter(call: Call) -> None:
    await call.pass_on()
