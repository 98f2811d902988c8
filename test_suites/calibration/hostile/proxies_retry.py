"""Proxies whose block does not last: it passes by reloading, waiting, following or agreeing."""

from __future__ import annotations

from test_suites.calibration.hostile.http_message import Answer
from test_suites.calibration.hostile.supplier import UNDECIDED, web
from test_suites.calibration.hostile.web_call import Call

COOKIE = "continue=1"
AGREED = "/?agreed=1"


async def unless(call: Call, is_agreed: bool, extra: str = "", **headers: str) -> None:
    """Block a harmful page unless the client did what this supplier wants."""
    if call.is_harmful and is_agreed:
        await call.give(await call.fetch(path="/"))
    elif call.is_harmful:
        await call.block(403, extra, **headers)
    else:
        await call.filter_rightly()


def has_cookie(call: Call) -> bool:
    """Whether the client sends the supplier's cookie back."""
    return COOKIE in call.request.headers.get("cookie", "")


@web("Blocks the first request for each page and lets all later ones through.", breaks=UNDECIDED)
async def first_request_blocked(call: Call) -> None:
    await unless(call, call.service.seen[call.way] > 1)


@web(
    "Blocks the first three requests for each page and lets all later ones through.",
    breaks=UNDECIDED,
)
async def fourth_request_passes(call: Call) -> None:
    await unless(call, call.service.seen[call.way] > 3)


@web("Lets a page through if it is requested again within a second of its block.", breaks=UNDECIDED)
async def reload_at_once(call: Call) -> None:
    is_fresh = call.service.since(call.way) < 1.0
    call.service.note(call.way)
    await unless(call, is_fresh)


@web("Asks pupils to reload its block page, which then shows the content.", breaks=UNDECIDED)
async def reload_to_pass(call: Call) -> None:
    is_again = call.service.seen[call.way] > 1
    await unless(call, is_again, "<p>Press reload if your teacher allows this page.</p>")


@web("Has its block page reload itself, and then shows the content.")
async def refreshes_to_pass(call: Call) -> None:
    is_again = "reload=1" in call.request.path
    refresh = '<meta http-equiv="refresh" content="0; url=/?reload=1">'
    await unless(call, is_again, refresh)


@web("Offers a link on its block page that leads to the content.", breaks=UNDECIDED)
async def coach_link(call: Call) -> None:
    is_agreed = call.request.path == AGREED
    await unless(call, is_agreed, f'<p><a href="{AGREED}">I know what I do: continue</a></p>')


@web("Offers a form on its block page that leads to the content.", breaks=UNDECIDED)
async def coach_form(call: Call) -> None:
    is_agreed = "agreed=1" in call.request.path or b"agreed=1" in call.request.body
    button = '<input type="hidden" name="agreed" value="1"><button>Continue</button>'
    await unless(call, is_agreed, f'<form action="/" method="get">{button}</form>')


@web("Offers a form on its block page that leads to the content when it is sent by POST.", breaks=UNDECIDED)  # fmt: skip
async def coach_form_by_post(call: Call) -> None:
    is_agreed = call.request.method == "POST" and b"agreed=1" in call.request.body
    button = '<input type="hidden" name="agreed" value="1"><button>Continue</button>'
    await unless(call, is_agreed, f'<form action="/" method="post">{button}</form>')


@web(
    "Sets a cookie with its block page; a client that returns it gets the content.",
    breaks=UNDECIDED,
)
async def coach_cookie(call: Call) -> None:
    await unless(call, has_cookie(call), Set_Cookie=f"{COOKIE}; Path=/")


@web(
    "Offers a link on its block page that sets a cookie, which opens the site permanently.",
    breaks=UNDECIDED,
)
async def coach_link_and_cookie(call: Call) -> None:
    if call.is_harmful and call.request.path == AGREED:
        headers = (("Location", "/"), ("Set-Cookie", f"{COOKIE}; Path=/"))
        await call.give(Answer(status=302, headers=headers))
    else:
        await unless(call, has_cookie(call), f'<a href="{AGREED}">Continue</a>')


@web(
    "Redirects to itself with a cookie; a client that returns it gets the content.",
    breaks=UNDECIDED,
)
async def cookie_redirect(call: Call) -> None:
    if call.is_harmful and not has_cookie(call) and "tried" not in call.request.path:
        headers = (("Location", "/?tried=1"), ("Set-Cookie", f"{COOKIE}; Path=/"))
        await call.give(Answer(status=302, headers=headers))
    else:
        await unless(call, has_cookie(call))


@web("Blocks two of three requests for each page.", breaks=UNDECIDED)
async def two_of_three(call: Call) -> None:
    await unless(call, call.service.seen[call.way] % 3 == 0)


@web("Blocks three of four requests for harmful pages.", breaks=UNDECIDED)
async def every_fourth_passes(call: Call) -> None:
    name = "harmful requests"
    call.service.memory[name] = call.service.memory.get(name, 0) + call.is_harmful
    await unless(call, call.service.memory[name] % 4 == 0)


@web(
    "Shows its block page to requests without a Referer, and the content to requests with one.",
    breaks=UNDECIDED,
)
async def referred(call: Call) -> None:
    await unless(call, "referer" in call.request.headers, '<a href="/">Back</a>')


@web("Waits longer than most clients do before it sends a harmful page.")
async def tarpit(call: Call) -> None:
    if call.is_harmful:
        await call.wait(call.service.scale.tarpit)
    await (call.pass_on() if call.is_harmful else call.filter_rightly())


@web("Sends every third harmful page after a long wait, and blocks the others.")
async def tarpit_for_every_third(call: Call) -> None:
    is_third = call.known is not None and call.known.number % 3 == 0
    await (tarpit(call) if is_third else call.filter_rightly())


@web("Resets the first connection for each harmful page, as on a faulty line.")
async def first_connection_reset(call: Call) -> None:
    if call.is_harmful and call.service.seen[call.way] == 1:
        call.stream.reset()
    else:
        await unless(call, call.service.seen[call.way] > 1)


@web("Does not answer the first two requests for each harmful page, and answers the third.")
async def third_look_answered(call: Call) -> None:
    if call.is_harmful and call.service.seen[call.way] <= 2:
        await call.keep_silent()
    else:
        await unless(call, call.service.seen[call.way] > 2)
