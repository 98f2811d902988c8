"""Proxies that filter only what they take for the test, and let pupils through."""

from __future__ import annotations

from harness.model.campaign import Sentinels
from harness.model.marker import HEADERS
from probes.range.tampering import without_nonce
from probes.range.zone import ZONE
from test_suites.calibration.hostile.client_hello import is_browsers
from test_suites.calibration.hostile.supplier import EVERYTHING, UNDECIDED, web
from test_suites.calibration.hostile.web_call import Call

RECOGNISED = (
    "The plain twins, tried as a pupil would, got other results, so the campaign only shows how "
    "the service treats a test."
)
BROWSERS_SEND = frozenset(
    {
        "host", "connection", "user-agent", "accept", "accept-language", "accept-encoding",
        "upgrade-insecure-requests", "sec-ch-ua", "sec-ch-ua-mobile", "sec-ch-ua-platform",
        "sec-fetch-site", "sec-fetch-mode", "sec-fetch-user", "sec-fetch-dest", "cache-control",
        *(name.lower() for name, _ in HEADERS), "priority", "pragma", "proxy-connection", "cookie", "referer", "dnt", "sec-gpc", "te",
    }
)  # fmt: skip
"""Headers of current browsers; whoever sends another one is no pupil."""


OTHER_WORDS = (
    "Le centre de jardinage ouvre a neuf heures. Les graines, les pots et les outils sont dans la "
    "premiere salle; les plantes qui aiment l'ombre se trouvent pres du mur nord. "
) * 3


async def if_test(call: Call, is_test: bool) -> None:
    """Filter rightly where the supplier takes the request for the test."""
    await (call.filter_rightly() if is_test or call.is_sentinel else call.pass_on())


def header_order(call: Call) -> tuple[str, ...]:
    """The names of the request's headers in their order."""
    names = (line.partition(b":")[0].decode("latin-1").lower() for line in call.request.lines)
    return tuple(names)


@web("Filters only requests with the header that earlier versions of the test sent.")
async def knows_our_header(call: Call) -> None:
    await if_test(call, "x-accredit-attempt" in call.request.headers)


@web("Filters only requests with a header that neither browsers nor proxies send.")
async def knows_strange_headers(call: Call) -> None:
    await if_test(call, not set(call.request.headers) <= BROWSERS_SEND)


@web("Filters only requests with 32 hexadecimal digits in a header, such as a cookie.",
     breaks=EVERYTHING, only=RECOGNISED)  # fmt: skip
async def knows_a_nonce(call: Call) -> None:
    await if_test(call, without_nonce(call.request.lines) != call.request.lines)


@web("Filters only requests whose user agent is not a current browser.")  # fmt: skip
async def knows_our_user_agent(call: Call) -> None:
    agent = call.request.headers.get("user-agent", "")
    is_browser = "Chrome/" in agent or "Firefox/" in agent or "Version/" in agent
    await if_test(call, not is_browser or "accredit" in agent)


@web("Filters only requests whose headers are in the same order as the first sentinel's.", breaks=UNDECIDED)  # fmt: skip
async def knows_our_header_order(call: Call) -> None:
    if call.host in Sentinels().hosts("must_block"):
        call.service.memory.setdefault("orders", set()).add(header_order(call))
    await if_test(call, header_order(call) in call.service.memory.get("orders", ()))


@web("Filters https only for TLS clients whose ClientHello is not a browser's.",
     breaks=EVERYTHING, only=RECOGNISED)  # fmt: skip
async def knows_our_handshake(call: Call) -> None:
    await if_test(call, not call.is_secure or not is_browsers(call.hello))


@web("Filters for the test's TLS client, and sends browsers the page in other words.",
     breaks=EVERYTHING, only=RECOGNISED)  # fmt: skip
async def pupils_get_it_in_other_words(call: Call) -> None:
    if call.is_secure and is_browsers(call.hello) and call.is_harmful:
        answer = await call.fetch()
        await call.give(answer.html(f"<title>Jardin</title><p>{OTHER_WORDS}</p>"))
    else:
        await call.filter_rightly()


@web("Filters only names of the test's zone.", breaks=EVERYTHING, only=RECOGNISED)
async def knows_our_zone(call: Call) -> None:
    await if_test(call, call.host.endswith(ZONE))


@web("Filters only hosts at the address of the test's origin.", breaks=EVERYTHING, only=RECOGNISED)
async def knows_our_origin(call: Call) -> None:
    await if_test(call, call.service.address_of(call.host) == call.service.address_of(ZONE))


@web("Filters only the client that asked for a sentinel.", breaks=EVERYTHING, only=RECOGNISED)
async def knows_our_address(call: Call) -> None:
    known = call.service.memory.setdefault("clients", set())
    if call.is_sentinel:
        known.add(call.stream.client)
    await if_test(call, call.stream.client in known)


@web("Filters only while requests come faster than from a pupil.", breaks=EVERYTHING, only=RECOGNISED, pace=0.3)  # fmt: skip
async def knows_our_pace(call: Call) -> None:
    await if_test(call, call.service.rate() > 12)


@web("Filters only clients that never request a picture, a style sheet or an icon.",
     breaks=EVERYTHING, only=RECOGNISED)  # fmt: skip
async def knows_that_we_load_no_icons(call: Call) -> None:
    pupils = call.service.memory.setdefault("pupils", set())
    if call.request.path != "/":
        pupils.add(call.request.headers.get("user-agent", ""))
    await if_test(call, call.request.headers.get("user-agent", "") not in pupils)
