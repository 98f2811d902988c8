"""Proxies that put something before or around the content, so that nobody reads that far."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from test_suites.calibration.hostile.http_message import Answer
from test_suites.calibration.hostile.supplier import page
from test_suites.calibration.hostile.web_call import Call

KIB = 1024


@cache
def comments(size: int) -> bytes:
    """``size`` bytes of comments, which no browser shows."""
    return (b"<!-- " + b"-" * 1014 + b" -->\n") * (size // KIB)


@cache
def blanks(size: int) -> bytes:
    """``size`` bytes of white space."""
    return b" " * size


@page("Puts 64 KiB of comments before the page.")
def pads_64_kib(answer: Answer, _: Call) -> Answer:
    return replace(answer, padding=comments(69 * KIB))


@page("Puts comments before the page, half as long as the part of an answer that is read.")
def pads_half(answer: Answer, call: Call) -> Answer:
    return replace(answer, padding=comments(call.service.scale.read // 2))


@page("Puts blanks before the page, three quarters as long as the part of an answer that is read.")
def pads_with_blanks(answer: Answer, call: Call) -> Answer:
    return replace(answer, padding=blanks(call.service.scale.read * 3 // 4))


@page(
    "Puts more comments before the page than the part of an answer that is read.",
    only="Only the first 4 MiB of an answer are read, so its content is not known.",
)
def pads_more_than_is_read(answer: Answer, call: Call) -> Answer:
    return replace(answer, padding=comments(call.service.scale.read * 5 // 4))


@page("Puts the page into 30,000 nested elements.")
def deeply_nested(answer: Answer, _: Call) -> Answer:
    return answer.with_body(answer.body.replace(b"<body>", b"<body>" + b"<b>" * 30_000, 1))


@page("Puts the beginnings of 20,000 unclosed tags before the page.")
def unclosed_tags(answer: Answer, _: Call) -> Answer:
    return answer.with_body(b"< " * 20_000 + answer.body)


@page("Shows 300 paragraphs about the weather before the page's own words.")
def weather_first(answer: Answer, _: Call) -> Answer:
    weather = b"<p>Rain in the north, sun in the south, and wind at the sea all day long.</p>\n"
    return answer.with_body(answer.body.replace(b"<body>", b"<body>" + weather * 300, 1))


@page("Puts a long style sheet and a long script into the head of the page.")
def heavy_head(answer: Answer, _: Call) -> Answer:
    style = b"<style>" + b".a{color:red}\n" * 6000 + b"</style>"
    script = b"<script>" + b"var a = 1;\n" * 6000 + b"</script>"
    return answer.with_body(answer.body.replace(b"<head>", b"<head>" + style + script, 1))
