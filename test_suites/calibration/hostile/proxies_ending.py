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


@web("Promises more than the page, and closes after it.")
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


@web("Sends the page and then comments without end.")
async def endless_page(call: Call) -> None:
    if answer := await harmful_page(call):
        await call.stream.send(answer.head() + answer.body)
        for _ in range(1000):
            await call.stream.send(FILLER)


@web("Drips the page, its first half at once, the rest a few bytes at a time.")
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
    only="A part of an answer came; whether the rest was held back or lost cannot be told.",
)
async def head_and_reset(call: Call) -> None:
    if answer := await harmful_page(call):
        await call.stream.send(answer.head(OPEN) + b"<!DOCTYPE html>\n<html>")
        await asyncio.sleep(0.05)
        call.stream.reset()


@web(
    "Sends comments without end in the place of the page.",
    only="The answer never ends, and nothing in the part that is read is the origin's.",
)
async def endless_filler(call: Call) -> None:
    if answer := await harmful_page(call):
        await call.stream.send(answer.head())
        for _ in range(1000):
            await call.stream.send(FILLER)


@web("Sends its block page for the harmful page, and the page right after it.")
async def second_answer(call: Call) -> None:
    if answer := await harmful_page(call):
        await call.stream.send(call.block_answer().head(OPEN) + call.block_answer().body)
        await call.stream.send(answer.wire)
        call.stream.close()
