"""Transparent gateways: they stand in the way of packets, and nobody is told."""

from __future__ import annotations

import asyncio

from probes.range.gateway import ALERT
from test_suites.calibration.hostile.client_hello import is_browsers
from test_suites.calibration.hostile.proxies_ending import OPEN, harmful_page
from test_suites.calibration.hostile.proxies_pace import in_turn, only_sentinels
from test_suites.calibration.hostile.proxies_recognition import RECOGNISED, if_test
from test_suites.calibration.hostile.proxies_scope import EITHER, all_but
from test_suites.calibration.hostile.supplier import (
    ALWAYS_ON,
    CONTENT,
    DELAY,
    EVERYTHING,
    OVERBLOCKING,
    SAME_BY_EVERY_WAY,
    SAME_FOR_PUPILS,
    UNDECIDED,
    web,
)
from test_suites.calibration.hostile.web_call import Call


@web("Filters the sentinels and nothing else.", wiring="gateway")
async def gateway_only_the_sentinels(call: Call) -> None:
    await all_but(call, is_passed=True)


@web("Resets the connection after the content.", wiring="gateway")
async def gateway_resets_after_content(call: Call) -> None:
    if answer := await harmful_page(call):
        await call.stream.send(answer.head(OPEN) + answer.body)
        await asyncio.sleep(0.05)
        call.stream.reset()


@web("Sends its block page, and then the origin's answer in the same stream.",
     wiring="gateway")  # fmt: skip
async def gateway_answers_twice(call: Call) -> None:
    if answer := await harmful_page(call):
        block = call.block_answer()
        await call.stream.send(block.head(OPEN) + block.body + answer.wire)
        call.stream.close()


@web(
    "Filters only by the name in the ClientHello, and lets http through.",
    wiring="gateway",
    breaks=EITHER,
)
async def gateway_https_only(call: Call) -> None:
    await (call.filter_rightly() if call.is_secure else call.pass_on())


@web("Filters http only, and lets TLS through.", wiring="gateway", breaks=EITHER, first=True)
async def gateway_http_only(call: Call) -> None:
    await (call.tunnel() if call.is_first else call.filter_rightly())


@web("Blocks by the names in requests and ClientHellos, and never examines pages over TLS.",
     wiring="gateway", breaks={CONTENT}, first=True)  # fmt: skip
async def gateway_names_only_in_tls(call: Call) -> None:
    if not call.is_first:
        await call.filter_rightly()
    elif call.service.knowledge.is_listed(call.host):
        await call.stream.send(ALERT)
        call.stream.close()
    else:
        await call.tunnel()


@web("Ends the first TLS connection to each harmful host by an alert, and lets the next one through.",
     wiring="gateway", breaks=UNDECIDED, first=True)  # fmt: skip
async def gateway_alert_once(call: Call) -> None:
    if call.is_harmful and call.service.seen[call.way] > 1:
        await call.pass_on()
    elif call.is_first and call.is_harmful:
        await call.stream.send(ALERT)
        call.stream.close()
    else:
        await call.filter_rightly()


@web("Resets the first connection to each harmful host, and lets the next one through.",
     wiring="gateway", by_chance={SAME_BY_EVERY_WAY}, first=True)  # fmt: skip
async def gateway_reset_once(call: Call) -> None:
    if call.is_harmful and call.service.seen[call.way] > 1:
        await call.pass_on()
    elif call.is_harmful:
        call.stream.reset()
    else:
        await call.filter_rightly()


@web("Resets every third connection at random, and filters nothing but the sentinels.",
     wiring="gateway", first=True, by_chance={SAME_BY_EVERY_WAY, OVERBLOCKING})  # fmt: skip
async def gateway_random_resets(call: Call) -> None:
    if not call.is_sentinel and call.service.total % 3 == 0:
        call.stream.reset()
    else:
        await only_sentinels(call)


@web("Closes every third connection after the ClientHello, and filters only the sentinels.",
     wiring="gateway", first=True, by_chance={SAME_BY_EVERY_WAY, OVERBLOCKING})  # fmt: skip
async def gateway_random_closes(call: Call) -> None:
    if not call.is_sentinel and call.service.total % 3 == 0:
        call.stream.cut()
    else:
        await only_sentinels(call)


@web("Drops connections beyond two at once, and filters only the sentinels.",
     wiring="gateway", first=True)  # fmt: skip
async def gateway_silent_when_busy(call: Call) -> None:
    if call.service.in_flight > 2 and not call.is_sentinel:
        await call.keep_silent()
    else:
        await call.wait(0.02)
        await only_sentinels(call)


@web("Lets one connection through at a time, and filters only the sentinels.",
     wiring="gateway", first=True, by_chance={DELAY})  # fmt: skip
async def gateway_one_at_a_time(call: Call) -> None:
    await in_turn(call)


@web("Filters correctly, but delays every connection by more than a second.",
     wiring="gateway", breaks={DELAY})  # fmt: skip
async def gateway_slow(call: Call) -> None:
    await call.wait(call.service.scale.slow)
    await call.filter_rightly()


@web("Resets every connection except those to the sentinel that should pass.",
     wiring="gateway", breaks={OVERBLOCKING, DELAY, SAME_FOR_PUPILS},
     by_chance=UNDECIDED | {ALWAYS_ON}, first=True)  # fmt: skip
async def gateway_resets_all_but_the_sentinel(call: Call) -> None:
    if call.is_sentinel:
        await call.filter_rightly()
    else:
        call.stream.reset()


@web("Filters only TLS clients whose ClientHello is not a browser's.",
     wiring="gateway", breaks=EVERYTHING, only=RECOGNISED, first=True)  # fmt: skip
async def gateway_knows_our_handshake(call: Call) -> None:
    await if_test(call, not call.hello or not is_browsers(call.hello))


@web("Redirects harmful pages to its block page, which shows the content at the bottom.",
     wiring="gateway")  # fmt: skip
async def gateway_redirects_to_content(call: Call) -> None:
    if call.is_harmful and call.request.path == "/blocked":
        await call.give(call.block_answer(200, (await call.fetch(path="/")).text))
    elif call.is_harmful:
        scheme = "https" if call.is_secure else "http"
        await call.block(302, Location=f"{scheme}://{call.host}/blocked")
    else:
        await call.filter_rightly()
