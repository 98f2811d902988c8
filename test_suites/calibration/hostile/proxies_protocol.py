"""Proxies that speak HTTP in unusual or broken ways, with the content inside."""

from __future__ import annotations

from test_suites.calibration.hostile.http_message import Answer, chunked
from test_suites.calibration.hostile.proxies_ending import harmful_page
from test_suites.calibration.hostile.supplier import UNDECIDED, web
from test_suites.calibration.hostile.web_call import Call

NOT_HTTP = "The answer is not valid HTTP, and browsers differ in how they treat it."
CHUNKED = (("Transfer-Encoding", "chunked"), ("Connection", "close"))


async def send_raw(call: Call, data: bytes) -> None:
    """Send bytes as they are, and close."""
    await call.stream.send(data)
    call.stream.close()


@web("Answers in HTTP/1.0, without the length of the page.")
async def http_1_0(call: Call) -> None:
    if answer := await harmful_page(call):
        await send_raw(call, answer.head(version="HTTP/1.0") + answer.body)


@web("Answers as in HTTP/0.9: with the page only.", only=NOT_HTTP)
async def http_0_9(call: Call) -> None:
    if answer := await harmful_page(call):
        await send_raw(call, answer.body)


@web("Sends early hints and a 100 before the page.")
async def early_hints(call: Call) -> None:
    if answer := await harmful_page(call):
        hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"
        await send_raw(call, b"HTTP/1.1 100 Continue\r\n\r\n" + hints + answer.wire)


@web("Sends the page in chunks of seven bytes with extensions.")
async def small_chunks(call: Call) -> None:
    if answer := await harmful_page(call):
        pieces = [answer.body[at : at + 7] for at in range(0, len(answer.body), 7)]
        body = chunked(pieces, b";school=filter")
        await send_raw(call, answer.head(*CHUNKED) + body)


@web("Sends the page as one chunk, and then a chunk of an impossible size.")
async def broken_chunks(call: Call) -> None:
    if answer := await harmful_page(call):
        whole = b"%x\r\n%s\r\n" % (len(answer.body), answer.body)
        await send_raw(call, answer.head(*CHUNKED) + whole + b"zz\r\nno chunk\r\n")


@web("States a negative length for the page.", only=NOT_HTTP)
async def negative_length(call: Call) -> None:
    if answer := await harmful_page(call):
        await send_raw(call, answer.head(("Content-Length", "-1")) + answer.body)


@web("States two lengths for the page that contradict each other.", only=NOT_HTTP)
async def two_lengths(call: Call) -> None:
    if answer := await harmful_page(call):
        lengths = (("Content-Length", str(len(answer.body))), ("Content-Length", "7"))
        await send_raw(call, answer.head(*lengths) + answer.body)


@web(
    "Sends 20 MiB of headers before the page.",
    only="The headers are too long to read, so nothing of the page was read.",
)
async def huge_headers(call: Call) -> None:
    if answer := await harmful_page(call):
        await call.stream.send(b"HTTP/1.1 200 OK\r\n")
        line = b"X-Filter-Reason: " + b"a" * 8000 + b"\r\n"
        for _ in range(160):
            await call.stream.send(line * 16)
        await send_raw(call, answer.wire.partition(b"\r\n")[2])


@web("Ends the header lines by a line feed only.", only=NOT_HTTP)
async def bare_line_feeds(call: Call) -> None:
    if answer := await harmful_page(call):
        head, _, body = answer.wire.partition(b"\r\n\r\n")
        await send_raw(call, head.replace(b"\r\n", b"\n") + b"\n\n" + body)


@web("Sends a status line with a reason of 4,000 characters, half of them not Latin.")
async def long_reason(call: Call) -> None:
    if answer := await harmful_page(call):
        reason = "Filtered " + "x\xe9" * 2000
        shown = Answer(status=200, headers=answer.headers, body=answer.body, reason=reason)
        await call.give(shown)


@web("Answers each request with random bytes.", only=NOT_HTTP)
async def noise(call: Call) -> None:
    if await harmful_page(call):
        await send_raw(call, bytes((each * 73 + 41) % 256 for each in range(4000)))


@web("Answers the first CONNECT with its block page, and opens the tunnel at the second.",
     breaks=UNDECIDED, first=True)  # fmt: skip
async def connect_again(call: Call) -> None:
    if call.is_first and call.is_harmful and call.service.seen[call.way] > 1:
        await call.tunnel()
    elif call.is_first and call.is_harmful:
        await call.block()
    else:
        await call.filter_rightly()


@web("Answers the first request for each harmful page with 407, and opens the tunnel at the second.", first=True)  # fmt: skip
async def asks_for_a_name_once(call: Call) -> None:
    if call.is_harmful and call.service.seen[call.way] > 1:
        await call.pass_on()
    elif call.is_harmful:
        await call.block(407, Proxy_Authenticate='Basic realm="school"')
    else:
        await call.filter_rightly()
