"""Proxies that translate a page, so that none of the origin's words is left, and dress it as a block.

Nothing shows that the page came, so nothing but *insufficient* can be had. What is tried is the
evidence of a block: explicit refusals, and pages that are learned, declared or recognised.
"""

from __future__ import annotations

import json
import re

from test_suites.calibration.hostile.http_message import Answer
from test_suites.calibration.hostile.knowledge import OTHER_SITE
from test_suites.calibration.hostile.proxies_framing import INNER, mirror
from test_suites.calibration.hostile.proxies_rewriting import WORD
from test_suites.calibration.hostile.proxies_scripted import png
from test_suites.calibration.hostile.supplier import page, web
from test_suites.calibration.hostile.web_call import BLOCK_TEXT, Call

NO_WORD_LEFT = (
    "None of the origin's words is left, and there are signs of a block page beside other content."
)
PICTURE = "/page.png"
"""The path at which a supplier gives the content out as a picture."""
BLOCKED = f"//{OTHER_SITE}/blocked"
"""The address of the supplier's block page, at a host of its own."""

NOTICE = (
    "<h1>Access denied</h1><p>Access to this website has been blocked by your school, because it "
    "is against the acceptable use policy. Ask your teacher if you need it.</p>"
)
"""A notice in other words than those of the block page that is declared and learned."""


def translation(answer: Answer) -> str:
    """The origin's text without markup, in a language in which every word is another one."""
    seen = re.sub(r"(?s)<!--.*?-->|<script.*?</script>|<[^>]*>|[0-9a-f]{32}", " ", answer.text)
    return f"<p>{WORD.sub(lambda word: word[0][::-1].lower(), ' '.join(seen.split()))}</p>"


def document(body: str, title: str = "Le jardin", head: str = "") -> str:
    """A whole page."""
    return (
        f'<!DOCTYPE html><html><head><meta charset="utf-8"><title>{title}</title>{head}</head>'
        f"<body>{body}</body></html>"
    )


async def dressed(call: Call, first: Answer) -> None:
    """Give ``first`` for a harmful page; the content stands at other paths and at the mirror."""
    if call.host == OTHER_SITE and call.request.path == "/blocked":
        await call.block()
    elif call.host == OTHER_SITE:
        content = await call.fetch(host=call.request.path.strip("/"), path="/")
        await call.give(Answer().html(document(translation(content))))
    elif call.is_harmful and call.request.path in (INNER, PICTURE):
        content = await call.fetch(path="/")
        shown = Answer().html(document(translation(content)))
        if call.request.path == PICTURE:
            shown = Answer().with_body(png(content.body), Content_Type="image/png")
        await call.give(shown)
    elif call.is_harmful:
        await call.give(first)
    else:
        await call.filter_rightly()


async def blocked_at_own_site(call: Call, first: Answer, blocked: Answer) -> None:
    """Like ``dressed``, but what is rightly blocked is sent to the supplier's own site."""
    if call.is_sentinel and call.service.knowledge.is_listed(call.host) and not call.is_first:
        await call.give(blocked)
    else:
        await dressed(call, first)


@page("Translates the page, and sends it with status 451.", only=NO_WORD_LEFT)
def translated_451(answer: Answer, _: Call) -> Answer:
    return Answer(status=451).html(document(translation(answer)))


@page("Translates the page, and sends it with status 403.", only=NO_WORD_LEFT)
def translated_403(answer: Answer, _: Call) -> Answer:
    return Answer(status=403).html(document(translation(answer)))


@page("Sends the page as a picture, with status 403 and no text.", only=NO_WORD_LEFT)
def picture_403(answer: Answer, _: Call) -> Answer:
    return Answer(status=403).with_body(png(answer.body), Content_Type="image/png")


@web("Shows the page as the background of an empty page with status 403.", only=NO_WORD_LEFT)
async def background_403(call: Call) -> None:
    style = f"<style>body {{ background: url({PICTURE}) }}</style>"
    await dressed(call, Answer(status=403).html(document("", title="403", head=style)))


@web("Puts a block notice over a picture of the page.", only=NO_WORD_LEFT)
async def notice_over_picture(call: Call) -> None:
    shown = document(f'{NOTICE}<img src="{PICTURE}">', title="Access denied")
    await dressed(call, Answer(status=403).html(shown))


@web("Puts its own block page over a picture of the page.", only=NO_WORD_LEFT)  # fmt: skip
async def block_page_over_picture(call: Call) -> None:
    await dressed(call, call.block_answer(403, f'<img src="{PICTURE}">'))


@page("Puts a block notice over a script that writes the page.", only=NO_WORD_LEFT)
def notice_over_script(answer: Answer, _: Call) -> Answer:
    script = f"<script>document.write({json.dumps(translation(answer))})</script>"
    return Answer(status=403).html(document(NOTICE + script, title="Access denied"))


@page("Shows the page in a shadow root, with status 403 and no other text.", only=NO_WORD_LEFT)
def shadow_root_403(answer: Answer, _: Call) -> Answer:
    root = f'<template shadowrootmode="open">{translation(answer)}</template>'
    return Answer(status=403).html(document(f"<div>{root}</div>", title="403"))


@page("Shows the page in the fields of a form below a block notice.", only=NO_WORD_LEFT)
def notice_over_fields(answer: Answer, _: Call) -> Answer:
    words = WORD.findall(translation(answer))
    fields = "".join(
        f'<input value="{" ".join(words[start : start + 6])}">' for start in range(0, len(words), 6)
    )
    return Answer(status=403).html(document(NOTICE + fields, title="Access denied"))


@page("Sends the page as a comment for programs that decode UTF-7, which browsers do not.", only=NO_WORD_LEFT)  # fmt: skip
def utf_7_comment(answer: Answer, call: Call) -> Answer:
    body = call.block_answer().text.replace("</body>", f"+ADwhLS0-{translation(answer)}</body>")
    return Answer(status=403).with_body(body.encode(), Content_Type="text/html; charset=utf-7")


@page("Puts its own block page before a translation of the page.", only=NO_WORD_LEFT)
def block_page_before_translation(answer: Answer, call: Call) -> Answer:
    return call.block_answer(403, translation(answer))


@page("Puts the declared sentence before a translation of the page.", only=NO_WORD_LEFT)
def declared_sentence_first(answer: Answer, _: Call) -> Answer:
    return Answer().html(document(f"<p>{BLOCK_TEXT}</p>{translation(answer)}"))


@page("Puts a block notice before a translation of the page.", only=NO_WORD_LEFT)
def notice_before_translation(answer: Answer, _: Call) -> Answer:
    return Answer(status=403).html(document(NOTICE + translation(answer), "Access denied"))


@web("Shows its block page in a frame beside a translation of the page.", only=NO_WORD_LEFT)
async def block_frame_beside_translation(call: Call) -> None:
    frame = f'<iframe src="{"https" if call.is_secure else "http"}:{BLOCKED}"></iframe>'
    first = Answer()
    if call.is_harmful and call.request.path == "/":
        first = first.html(document(frame + translation(await call.fetch())))
    await blocked_at_own_site(call, first, Answer().html(document(frame)))


@web("Shows a frame with its block page, and a frame with a translation of the page.", only=NO_WORD_LEFT)  # fmt: skip
async def block_frame_and_translated_frame(call: Call) -> None:
    host = "https" if call.is_secure else "http"
    frame = f'<iframe src="{host}:{BLOCKED}"></iframe>'
    both = document(f'{frame}<iframe src="{INNER}"></iframe>')
    await blocked_at_own_site(call, Answer().html(both), Answer().html(document(frame)))


@web("Puts a frame with a translation of the page into its block page.", only=NO_WORD_LEFT)
async def block_page_with_translated_frame(call: Call) -> None:
    await dressed(call, call.block_answer(403, f'<iframe src="{INNER}"></iframe>'))


@web("Redirects to the host of its block page, which shows a translation.", only=NO_WORD_LEFT)
async def translation_at_block_host(call: Call) -> None:
    to_page = Answer(status=302, headers=(("Location", mirror(call)),))
    to_block = Answer(
        status=302, headers=(("Location", mirror(call).rpartition("/")[0] + "/blocked"),)
    )
    await blocked_at_own_site(call, to_page, to_block)


@web("Shows its block page with a frame, in which the content comes late.", only=NO_WORD_LEFT)
async def block_page_with_late_frame(call: Call) -> None:
    framed = call.block_answer(403, f'<iframe src="{INNER}"></iframe>')
    if call.is_harmful and call.request.path == INNER:
        await call.wait(call.service.scale.tarpit)
    if call.is_sentinel and call.request.path == INNER:
        await call.give(Answer().html("<p>.</p>"))
    else:
        await blocked_at_own_site(call, framed, framed)
