"""Proxies that answer with a way to the content: frames, redirects, mirrors."""

from __future__ import annotations

from test_suites.calibration.hostile.http_message import Answer
from test_suites.calibration.hostile.knowledge import OTHER_SITE
from test_suites.calibration.hostile.supplier import page, web
from test_suites.calibration.hostile.web_call import Call

INNER = "/inner"
"""The path at which a supplier gives the content out."""


def mirror(call: Call, secure: bool | None = None) -> str:
    """The address of the supplier's own copy of the page."""
    scheme = "https" if (call.is_secure if secure is None else secure) else "http"
    return f"{scheme}://{OTHER_SITE}/{call.host}"


async def led(call: Call, first: Answer) -> None:
    """Give ``first`` for harmful pages, and the content itself at the mirror or inner path."""
    if call.host == OTHER_SITE:
        await call.give(await call.fetch(host=call.request.path.strip("/"), path="/"))
    elif call.is_harmful and call.request.path.startswith(INNER):
        await call.give(await call.fetch(path="/"))
    elif call.is_harmful:
        await call.give(first)
    else:
        await call.filter_rightly()


@web("Shows the page in a frame that leads to a path of the same site.")
async def framed(call: Call) -> None:
    await led(call, Answer().html(f'<html><body><iframe src="{INNER}"></iframe></body></html>'))


@web("Shows the page in a frame set, as in old HTML.")
async def frame_set(call: Call) -> None:
    frames = f'<frameset cols="100%"><frame src="{INNER}"></frameset>'
    await led(call, Answer().html(f"<html>{frames}</html>"))


@web("Shows the page in an object element.")
async def object_element(call: Call) -> None:
    shown = f'<object type="text/html" data="{INNER}"></object>'
    await led(call, Answer().html(f"<html><body>{shown}</body></html>"))


@web("Shows a frame with the service's block page, and below it a frame with the content.")
async def two_frames(call: Call) -> None:
    frames = f'<iframe src="/blocked"></iframe><iframe src="{INNER}"></iframe>'
    if call.is_harmful and call.request.path == "/blocked":
        await call.block()
    else:
        await led(call, Answer().html(f"<html><body>{frames}</body></html>"))


@web(
    "Shows a frame with the service's block page, and a frame whose content comes late.",
    only="One frame, which may contain the content, did not come in time.",
)
async def two_frames_one_late(call: Call) -> None:
    if call.is_harmful and call.request.path.startswith(INNER):
        await call.wait(call.service.scale.tarpit)
    await two_frames(call)


@web("Shows its block page, with a small frame that contains the content.")
async def block_page_with_frame(call: Call) -> None:
    frame = f'<iframe src="{INNER}" height="1"></iframe>'
    await led(call, call.block_answer(403, frame))


@web("Redirects to a mirror of the page on its own site.")
async def mirrored(call: Call) -> None:
    await led(call, Answer(status=302, headers=(("Location", mirror(call)),)))


@web("Redirects to a mirror, with a block page as the body of the redirect.")
async def mirrored_behind_block_page(call: Call) -> None:
    await led(call, call.block_answer(302, Location=mirror(call)))


@web("Leads to a mirror of the page by a meta refresh.")
async def meta_refresh(call: Call) -> None:
    refresh = f'<meta http-equiv="refresh" content="0; url={mirror(call)}">'
    await led(call, Answer().html(f"<html><head>{refresh}</head><body></body></html>"))


@web("Leads to a mirror by a Refresh header, with the status of a block.")
async def refresh_header(call: Call) -> None:
    await led(call, call.block_answer(403, Refresh=f"0; url={mirror(call)}"))


@web("Leads to a mirror by a script that sets the location.")
async def script_redirect(call: Call) -> None:
    script = f'<script>window.location.href = "{mirror(call)}";</script>'
    await led(call, Answer().html(f"<html><head>{script}</head><body></body></html>"))


@web(
    "Leads to a mirror by a script that computes the address.",
    only="The address is known only after the script has run, so it cannot be followed.",
)
async def computed_redirect(call: Call) -> None:
    letters = ",".join(str(ord(each)) for each in mirror(call))
    script = f"<script>location.replace(String.fromCharCode({letters}))</script>"
    await led(call, Answer().html(f"<html><head>{script}</head><body></body></html>"))


@web(
    "Redirects every harmful page to itself, endlessly.",
    only="The redirects do not end, so neither the page nor a block was seen.",
)
async def redirect_loop(call: Call) -> None:
    if call.is_harmful:
        await call.give(Answer(status=302, headers=(("Location", "/again"),)))
    else:
        await call.filter_rightly()


@web("Redirects four times within the site, and then sends the page.")
async def long_chain(call: Call) -> None:
    step = int(call.request.path.partition("step=")[2] or 0)
    if call.is_harmful and step < 4:
        location = f"/?step={step + 1}"
        await call.give(Answer(status=307, headers=(("Location", location),)))
    elif call.is_harmful:
        await call.give(await call.fetch(path="/"))
    else:
        await call.filter_rightly()


@page("Sends the page with the headers of an attachment.")
def attachment(answer: Answer, _: Call) -> Answer:
    return answer.with_body(answer.body, Content_Disposition="attachment; filename=page.html")


@page("Gives the block page and the content as parts that replace each other.")
def replaced_part(answer: Answer, call: Call) -> Answer:
    kind = b"--part\r\nContent-Type: text/html\r\n\r\n"
    parts = (kind, call.block_answer().body, b"\r\n", kind, answer.body, b"\r\n--part--\r\n")
    return answer.with_body(
        b"".join(parts), Content_Type="multipart/x-mixed-replace; boundary=part"
    )
