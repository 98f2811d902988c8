"""Proxies that let the words through and then break the answer off, or never end it."""

from __future__ import annotations

import asyncio

from test_suites.calibration.hostile.http_message import Answer
from test_suites.calibration.hostile.supplier import web
from test_suites.calibration.hostile.web_call import Call

LONG = str(10_000_000)
OPEN = ("Content-Length", LONG)
FILLER = b"<!-- nothing more -->\n" * 700


async def harmful_page(call: Call) -> Answer | None:
    """The origin's page, where it is harmful; any other call is filtered rightly at once."""
    if call.is_harmful:
        return await call.fetch()
    await call.filter_rightly()
    return None


@web("Sends a 403 with the page, and then a reset.")
async def reset_after_403(call: Call) -> None:
    if answer := await harmful_page(call):
        await call.stream.send(answer.with_status(403).head(OPEN) + answer.body)
        await asyncio.sleep(0.05)
        call.stream.reset()


@web("Sends the page and resets the connection at its end.")
async def reset_after_content(call: Call) -> None:
    if answer := await harmful_page(call):
        await call.stream.send(answer.wire)
        await asyncio.sleep(0.05)
        call.stream.reset()


@web("States a length greater than the page's, and closes the connection after the page.")
async def end_before_promised(call: Call) -> None:
    if answer := await harmful_page(call):
        await call.stream.send(answer.head(OPEN) + answer.body)
        call.stream.close()


@web("Sends half of the page and cuts the connection.")
async def half_a_page(call: Call) -> None:
    if answer := await harmful_page(call):
        await call.stream.send(answer.wire[: -len(answer.body) // 2])
        call.stream.cut()


@web("Sends the page and never closes the connection.")
async def never_ends(call: Call) -> None:
    if answer := await harmful_page(call):
        await call.stream.send(answer.head(OPEN) + answer.body)
        await call.keep_silent()


@web("Sends the page and then endless comments.")
async def endless_page(call: Call) -> None:
    if answer := await harmful_page(call):
        await call.stream.send(answer.head() + answer.body)
        for _ in range(1000):
            await call.stream.send(FILLER)


@web("Sends the first half of the page at once, and the rest a few bytes at a time.")
async def drip(call: Call) -> None:
    if answer := await harmful_page(call):
        half = len(answer.wire) // 2
        await call.stream.send(answer.wire[:half])
        for at in range(half, len(answer.wire), 8):
            await asyncio.sleep(call.service.scale.slow / 20)
            await call.stream.send(answer.wire[at : at + 8])
        call.stream.close()


@web(
    "Sends the start of an answer without a word of the page, and resets.",
    only="Only a part of an answer came; the rest may have been blocked or lost.",
)
async def head_and_reset(call: Call) -> None:
    if answer := await harmful_page(call):
        await call.stream.send(answer.head(OPEN) + b"<!DOCTYPE html>\n<html>")
        await asyncio.sleep(0.05)
        call.stream.reset()


@web(
    "Sends endless comments instead of the page.",
    only="The answer never ends, and the part that is read contains nothing of the origin.",
)
async def endless_filler(call: Call) -> None:
    if answer := await harmful_page(call):
        await call.stream.send(answer.head())
        for _ in range(1000):
            await call.stream.send(FILLER)


@web("Sends its block page as the answer, and the harmful page as a second answer after it.")
async def second_answer(call: Call) -> None:
    if answer := await harmful_page(call):
        await call.stream.send(call.block_answer().head(OPEN) + call.block_answer().body)
        await call.stream.send(answer.wire)
        call.stream.close()
