"""Proxies whose block page leads to the content by links and forms."""

from __future__ import annotations

from collections.abc import Mapping

from test_suites.calibration.hostile.http_message import Answer
from test_suites.calibration.hostile.proxies_framing import INNER, led, mirror
from test_suites.calibration.hostile.supplier import UNDECIDED, web
from test_suites.calibration.hostile.web_call import Call

MANY = 14
"""How many links a block page may have that lead to it again."""


async def leads(call: Call, extra: str, further: Mapping[str, str] | None = None) -> None:
    """Show the block page with something more on it; ``further`` does so at other paths.

    Where it shows nothing more, and at the mirror and inner path, is the content.
    """
    more = (further or {}).get(call.request.path, extra)
    if call.is_harmful and not more:
        await call.give(await call.fetch(path="/", method="GET"))
    else:
        await led(call, call.block_answer(403, more))


def link(address: str) -> str:
    """A link that a pupil sees."""
    return f'<a href="{address}">Continue</a>'


@web("Offers a link on its block page to another path of the site, where the content is.", breaks=UNDECIDED)  # fmt: skip
async def link_to_own_path(call: Call) -> None:
    await leads(call, link(INNER))


@web("Offers a link on its block page to a mirror on its own site.", breaks=UNDECIDED)
async def link_to_mirror(call: Call) -> None:
    await leads(call, link(mirror(call)))


@web("Offers a link on its block page to a page with a second link, which leads to the content.", breaks=UNDECIDED)  # fmt: skip
async def two_clicks(call: Call) -> None:
    await leads(call, link("/?sure=1"), {"/?sure=1": link("/?yes=1"), "/?yes=1": ""})


@web("Offers many links on its block page, of which only the last one leads to the content.", breaks=UNDECIDED)  # fmt: skip
async def last_of_many_links(call: Call) -> None:
    links = "".join(link(f"/?n={number}") for number in range(MANY))
    await leads(call, links, {f"/?n={MANY - 1}": ""})


@web("Offers a link to the content whose address is relative to a base element.", breaks=UNDECIDED)
async def link_from_base(call: Call) -> None:
    await leads(call, f'<base href="/x/">{link("?go=1")}', {"/x/?go=1": ""})


@web("Offers a form on its block page that is sent by POST to a mirror on its own site.", breaks=UNDECIDED)  # fmt: skip
async def post_form_to_mirror(call: Call) -> None:
    button = '<input type="hidden" name="agreed" value="1"><button>Continue</button>'
    await leads(call, f'<form method="post" action="{mirror(call)}">{button}</form>')


@web("Offers a form with two buttons, of which the second one names another address.", breaks=UNDECIDED)  # fmt: skip
async def form_action_button(call: Call) -> None:
    buttons = '<button>Back</button><button formaction="/go" name="agreed" value="1">Go</button>'
    await leads(call, f"<form>{buttons}</form>", {"/go?agreed=1": ""})


@web("Leads from its block page to the content by a Refresh header, after a link.", breaks=UNDECIDED)  # fmt: skip
async def link_and_refresh_header(call: Call) -> None:
    if call.is_harmful and call.request.path == "/?wait=1":
        await call.give(Answer(status=200, headers=(("Refresh", f"0; url={INNER}"),)))
    else:
        await leads(call, link("/?wait=1"))
