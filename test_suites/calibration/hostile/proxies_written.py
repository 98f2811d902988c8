"""Proxies that show the page by a style, or by a script in an attribute, on their own block page.

Nothing of the page stands in the text, so the text is that of the block page; what styles and
scripts show is not read, and nothing but *insufficient* can be had.
"""

from __future__ import annotations

from test_suites.calibration.hostile.http_message import Answer
from test_suites.calibration.hostile.proxies_dressed import NO_WORD_LEFT, translation
from test_suites.calibration.hostile.proxies_framing import INNER
from test_suites.calibration.hostile.supplier import page, web
from test_suites.calibration.hostile.web_call import Call

SHEET = "/sheet.css"
"""The path of a style sheet of the supplier's."""


def words_of(answer: Answer) -> str:
    """The translated text alone."""
    return translation(answer).removeprefix("<p>").removesuffix("</p>").replace('"', "")


def styled(call: Call, rule: str, extra: str) -> Answer:
    """The block page with one more style, and something that it is for."""
    return call.block_answer(403, f"<style>{rule}</style>{extra}")


@page("Shows the page as the quotation marks of an empty quotation.", only=NO_WORD_LEFT)
def quotation_marks(answer: Answer, call: Call) -> Answer:
    return styled(call, f'q {{ quotes: "{words_of(answer)}" "" }}', "<q></q>")


@page("Shows the page as the marker of an empty list.", only=NO_WORD_LEFT)
def list_marker(answer: Answer, call: Call) -> Answer:
    rule = f'li {{ list-style: "{words_of(answer)}" }}'
    return styled(call, rule, "<ul><li></li></ul>")


@page("Shows each word of the page as a number of a list, by a counter style of its own.", only=NO_WORD_LEFT)  # fmt: skip
def counter_style(answer: Answer, call: Call) -> Answer:
    words = [word for word in words_of(answer).split() if word.isalpha()]
    rule = (
        f"@counter-style x {{ system: cyclic; symbols: {' '.join(words)} }} ol {{ list-style: x }}"
    )
    return styled(call, rule, f"<ol>{'<li></li>' * len(words)}</ol>")


@web("Shows the page as text of a style sheet that is only named in a header.", only=NO_WORD_LEFT)
async def style_in_a_header(call: Call) -> None:
    if call.is_harmful and call.request.path == SHEET:
        shown = words_of(await call.fetch(path="/"))
        sheet = f'p::after {{ content: "{shown}" }}'.encode()
        await call.give(Answer().with_body(sheet, Content_Type="text/css"))
    elif call.is_harmful:
        await call.block(403, Link=f"<{SHEET}>; rel=stylesheet")
    else:
        await call.filter_rightly()


@web("Leads from its block page to the content by a script in the onload attribute.", only=NO_WORD_LEFT)  # fmt: skip
async def onload_attribute(call: Call) -> None:
    await led_by(call, f"<body onload=\"location='{INNER}'\">")


@web("Has a button on its block page that leads to the content by a script.", only=NO_WORD_LEFT)
async def button_with_script(call: Call) -> None:
    await led_by(call, f"<button onclick=\"location='{INNER}'\">Continue</button>")


@web("Has a link on its block page that leads to the content by a script.", only=NO_WORD_LEFT)
async def link_with_script(call: Call) -> None:
    await led_by(call, f"<a href=\"javascript:location='{INNER}'\">Continue</a>")


async def led_by(call: Call, extra: str) -> None:
    """Show the block page with something more on it; the content is at another path."""
    if call.is_harmful and call.request.path == INNER:
        await call.give(await call.fetch(path="/"))
    elif call.is_harmful:
        await call.give(call.block_answer(403, extra))
    else:
        await call.filter_rightly()
