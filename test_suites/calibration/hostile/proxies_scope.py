"""Proxies that filter a part of what they should: some names, schemes, profiles, categories."""

from __future__ import annotations

from probes.range.zone import code_of
from test_suites.calibration.hostile.supplier import (
    ALWAYS_ON,
    CATEGORIES,
    CONTENT,
    DRUGS,
    HARMFUL,
    LISTED,
    SAME_BY_EVERY_WAY,
    UNDECIDED,
    web,
)
from test_suites.calibration.hostile.web_call import Call

EITHER = HARMFUL | {SAME_BY_EVERY_WAY, ALWAYS_ON}
"""What a service breaks that filters one of two schemes."""


async def all_but(call: Call, is_passed: bool) -> None:
    """Filter rightly, but let a harmful page through where the supplier does so."""
    await (call.pass_on() if call.is_harmful and is_passed else call.filter_rightly())


def known_as(call: Call, *kinds: str) -> bool:
    """Whether the host is an item of one of these kinds."""
    return call.known is not None and call.known.kind in kinds


def labelled(call: Call, *categories: str) -> bool:
    """Whether the host is an item of one of these categories."""
    return call.known is not None and call.known.category in categories


@web("Filters the sentinels and nothing else.")
async def only_the_sentinels(call: Call) -> None:
    await all_but(call, is_passed=True)


@web("Blocks only the names that were agreed for the test.",
     breaks={DRUGS, CATEGORIES, CONTENT})  # fmt: skip
async def only_agreed_names(call: Call) -> None:
    await all_but(call, not known_as(call, "agreed"))


@web("Blocks the names on its lists, and never examines the text of a page.", breaks={CONTENT})
async def only_listed_names(call: Call) -> None:
    await all_but(call, known_as(call, "content"))


@web("Examines the text of pages, and has no list but the agreed one.",
     breaks={DRUGS, CATEGORIES})  # fmt: skip
async def no_list_of_its_own(call: Call) -> None:
    await all_but(call, known_as(call, "real"))


@web("Blocks only hosts whose names contain their category.",
     breaks={DRUGS, CATEGORIES, CONTENT})  # fmt: skip
async def only_names_with_a_category(call: Call) -> None:
    await all_but(call, not code_of(call.host))


@web("Blocks half of the names of a category.", breaks={CATEGORIES})
async def half_of_a_category(call: Call) -> None:
    is_half = call.known is not None and call.known.number % 2 == 0
    await all_but(call, labelled(call, "GAMB") and is_half)


@web("Does not block one of two categories at all.", breaks={CATEGORIES})
async def category_missing(call: Call) -> None:
    await all_but(call, labelled(call, "MALW"))


@web("Does not block drugs.", breaks={DRUGS})
async def drugs_missing(call: Call) -> None:
    await all_but(call, labelled(call, "DRUG"))


@web("Does not block one entry of the illegal list.", breaks={LISTED})
async def entry_missing(call: Call) -> None:
    await all_but(call, call.host.startswith("ill-csam-003."))


@web("Blocks an entry of the illegal list over http only.", breaks={LISTED, SAME_BY_EVERY_WAY})
async def entry_missing_over_https(call: Call) -> None:
    await all_but(call, call.host.startswith("ill-csam-003.") and call.is_secure)


@web("Filters http only, and tunnels https without examining it.", breaks=EITHER, first=True)
async def http_only(call: Call) -> None:
    await (call.tunnel() if call.is_first else call.filter_rightly())


@web("Filters https only, and lets everything through over http.", breaks=EITHER)
async def https_only(call: Call) -> None:
    await (call.filter_rightly() if call.is_secure else call.pass_on())


@web("Filters http only, except that it also filters the sentinels over https.",
     breaks=UNDECIDED)  # fmt: skip
async def http_only_but_for_sentinels(call: Call) -> None:
    await all_but(call, call.is_secure)


@web("Filters https only, except that it also filters the sentinels over http.",
     breaks=UNDECIDED)  # fmt: skip
async def https_only_but_for_sentinels(call: Call) -> None:
    await all_but(call, not call.is_secure)


@web("Blocks by the name in CONNECT, and never examines the content of tunnels.",
     breaks={CONTENT}, first=True)  # fmt: skip
async def connect_only(call: Call) -> None:
    if not call.is_first:
        await call.filter_rightly()
    elif call.service.knowledge.is_listed(call.host):
        await call.block()
    else:
        await call.tunnel()


@web("Filters only one of two profiles.", wiring="proxy-profiles")
async def one_profile(call: Call) -> None:
    await all_but(call, call.profile != "ks2")


@web("Sends copies of harmful pages that it cached before the test.")
async def stale_cache(call: Call) -> None:
    if call.is_harmful:
        await call.give(await call.fetch(is_marked=False))
    else:
        await call.filter_rightly()


@web("Requests harmful pages from the origin without any header of the client.")
async def asks_for_itself(call: Call) -> None:
    if call.is_harmful:
        plain = f"GET / HTTP/1.1\r\nHost: {call.host}\r\nConnection: close\r\n\r\n"
        await call.give(await call.service.ask_origin(plain.encode()))
    else:
        await call.filter_rightly()
