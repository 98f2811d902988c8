"""Proxies that put something before or around the content, so that nobody reads that far."""

from __future__ import annotations

from dataclasses import replace

from test_suites.calibration.hostile.http_message import Answer
from test_suites.calibration.hostile.supplier import page
from test_suites.calibration.hostile.web_call import Call

KIB, MIB = 1024, 1024 * 1024


def comments(size: int) -> bytes:
    """``size`` bytes of comments, which no browser shows."""
    return (b"<!-- " + b"-" * 1014 + b" -->\n") * (size // KIB)


FEW, MANY, TOO_MANY = comments(69 * KIB), comments(MIB), comments(5 * MIB)
BLANKS = b" " * (3 * MIB)


@page("Puts 64 KiB of comments before the page.")
def pads_64_kib(answer: Answer, _: Call) -> Answer:
    return replace(answer, padding=FEW)


@page("Puts 1 MiB of comments before the page.")
def pads_1_mib(answer: Answer, _: Call) -> Answer:
    return replace(answer, padding=MANY)


@page("Puts 3 MiB of blanks before the page.")
def pads_3_mib_of_blanks(answer: Answer, _: Call) -> Answer:
    return replace(answer, padding=BLANKS)


@page(
    "Puts 5 MiB of comments before the page.",
    only="No more than 4 MiB of an answer are read: it is too long to say what it holds.",
)
def pads_5_mib(answer: Answer, _: Call) -> Answer:
    return replace(answer, padding=TOO_MANY)


@page("Shows 300 paragraphs of weather before the page's own words.")
def weather_first(answer: Answer, _: Call) -> Answer:
    weather = b"<p>Rain in the north, sun in the south, and wind at the sea all day long.</p>\n"
    return answer.with_body(answer.body.replace(b"<body>", b"<body>" + weather * 300, 1))


@page("Puts a long style sheet and a long script into the head of the page.")
def heavy_head(answer: Answer, _: Call) -> Answer:
    style = b"<style>" + b".a{color:red}\n" * 6000 + b"</style>"
    script = b"<script>" + b"var a = 1;\n" * 6000 + b"</script>"
    return answer.with_body(answer.body.replace(b"<head>", b"<head>" + style + script, 1))
