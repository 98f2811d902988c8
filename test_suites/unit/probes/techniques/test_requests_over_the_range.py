"""Statements of requests reach the page without a filter; a proxy that reads strictly stops them."""

from __future__ import annotations

import pytest

from harness.model.arrivals import arrivals_path, read_arrivals
from harness.model.campaign import Limits
from harness.ports.network import ProbeResult, Request
from harness.ports.streams import ByteStream, Dialled, DialRequest
from probes.kinds.techniques import Techniques
from probes.lines.direct import Control, ControlOptions
from probes.range.testbed import RangeTestbed
from test_suites.unit.probes.techniques.conftest import HOST, Try, attempt_of, facts_of

END = r"\r\n{marks}\r\n"
GET, NAMED = "http1 GET {target} HTTP/1.1", r"\r\nHost: {host}"
ALLOWED = r"GET {allowed-target} HTTP/1.1\r\nHost: {allowed}" + END
WANTED = r"GET {target} HTTP/1.1\r\nHost: {host}" + END
POST = r"http1 POST {target} HTTP/1.1\r\nHost: {host}\r\n{marks}"

SPELLINGS = (
    "url http://{host:upper}/",
    "url https://{host:alternate}/",
    "url http://{host}./",
    "url https://{host}./",
    "url http://{host}../",
    "url http://www.bbc.co.uk%40x@{host}/",
    "url http://{ip}{at}",
    "url http://{ip:decimal}{at}",
    "url http://{ip:octal}{at}",
    "url http://{ip:hex}{at}",
    "url http://{ip:spelled}{at}",
    "url http://[{ip6}]{at}",
    "url http://[{ip6:exploded}%25lo]{at}",
    "url http://{host:percent}/",
    "url https://{host:percent-lower}/",
    "url http://{host:fullwidth}/",
    "url http://{host:circled}/",
    "url http://{host:ideographic-dots}/",
    "url http://{host:joiner}/",
    "url http://{host:spelled}/",
    "url https://{host:spelled}/",
    "url http://{host}:00080/",
    "url https://{host}:8443/",
    "url //{host}/",
    r"url http:\\\\{host}//",
    "url http://{host}/?#",
    "url http://{host}/?pad={pad:64000}",
    "to address={ip} | url http://www.example.org{at}",
)
STOPPED = (
    "http1 GET  {target} HTTP/1.1" + NAMED + END,
    "http1 GET {target} HTP/1.1" + NAMED + END,
    "http1 GET {target} HTTP/3.0" + NAMED + END,
    "http1 GET * HTTP/1.1" + NAMED + END,
    "http1 GET {base}{at} HTTP/1.1" + r"\r\nHost: {allowed}" + NAMED + END,
    "http1 GET {base}{at} HTTP/1.1" + NAMED + r"\r\nHost: {allowed}" + END,
    "http1 GET http://{host}/ HTTP/1.1" + r"\r\nHost: {allowed}" + END,
    POST + r"\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\na=1",
    POST + r"\r\nTransfer-Encoding: xchunked\r\n\r\n1;x\r\na\r\n0\r\n\r\n",
)
READ = (
    "http1 GeT {target} HTTP/1.1" + NAMED + END,
    GET + r"\r\nhoSt:{host}" + END,
    GET + r"\r\nHost:\r\n {host}" + END,
    "http1 GET {target} HTTP/1.0" + NAMED + END,
    r"http1 GET {base}/{nonce} HTTP/1.1\nHost: {host}\n\n",
    f"repeat 99 {ALLOWED} | http1 {WANTED}",
    f"http1 {ALLOWED}{{answer}}{WANTED}",
    POST + r"\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na=1\r\n0\r\n\r\n",
    POST + r"\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n{wait}a=1",
    GET + NAMED + r"\r\nRange: bytes=1-" + END,
    GET + NAMED + r"\r\nRange: bytes=0-99,100-" + END,
    GET + NAMED + r"\r\nConnection: Upgrade\r\nUpgrade: websocket"
    r"\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" + END,
    GET + NAMED + r"\r\nX-Forwarded-For: 10.0.0.1\r\nX-Original-URL: /" + END,
)  # fmt: skip
BESIDES = (
    "http1 GET http://{allowed}{at} HTTP/1.1" + NAMED + END,
    r"http1 GET {base}{at}/{nonce}\r\n",
    r"http1 GET {base}/{nonce} HTTP/1.1\rHost: {host}\r\r",
    f"http1 {ALLOWED}{WANTED}{{answer}}",
    r"http1 POST {allowed-target} HTTP/1.1\r\nHost: {allowed}\r\nContent-Length: 2000"
    r"\r\nTransfer-Encoding: chunked\r\n{marks}\r\n0\r\n\r\n" + WANTED + "{answer}",
)  # fmt: skip
RELAYED = (
    "url http://{random}.{host}/",
    "url http://{host:dashes}.translate.{relay}/?_x_tr_sl=auto",
    "url http://{relay}/p/{host:rot13}/",
    "url https://{relay}/?q={host:reversed}",
    "url http://{random}.workers.{relay}/?url=http://{host}/",
    "url http://{relay}/thumb/{host:base64}",
    "url http://{relay}/read/{host:base64}",
    "url http://{relay}/oembed?url=http://{host}/",
    "url http://{relay}/file/d/{host:base64}/view",
    "url http://{host:base32}.ipfs.{relay}/",
    r"to host={relay} port=8080 | tunnel | http1 GET http://{host}/ HTTP/1.1" + NAMED + END,
)


def canary_of(result: ProbeResult) -> str:
    return facts_of(result).canary


@pytest.mark.parametrize("statement", [*SPELLINGS, *STOPPED, *READ, *BESIDES, *RELAYED])
async def test_every_statement_reaches_the_page_without_a_filter(
    over_control: Try, statement: str
) -> None:
    assert canary_of(await over_control(statement)) == "seen"


@pytest.mark.parametrize("statement", [*SPELLINGS[:-1], *STOPPED, *READ])
async def test_a_proxy_that_reads_strictly_stops_it(over_proxy: Try, statement: str) -> None:
    facts = facts_of(await over_proxy(statement))

    assert facts.canary == "absent"
    assert facts.status in {400, 403, 503} or facts.tunnel_status in {400, 403}


async def test_a_proxy_refuses_a_name_whose_first_label_alone_is_encoded(
    over_control: Try, over_proxy: Try
) -> None:
    """The rest names the zone in clear, so that the proxy would find an address for it."""
    statement = "url http://{label:percent-first}.{parent}/"

    assert canary_of(await over_control(statement)) == "seen"
    facts = facts_of(await over_proxy(statement))
    assert (facts.status, facts.canary) == (400, "absent")


class Counting(Control):
    """The control line, which counts the connections that are dialled."""

    dialled = 0

    async def dial(self, request: DialRequest) -> Dialled[ByteStream]:
        self.dialled += 1
        return await super().dial(request)


async def test_a_hundred_requests_have_one_connection(bed: RangeTestbed) -> None:
    """Else the step would open a new one for each, and the technique would be none."""
    async with Counting("control", ControlOptions(), bed.origin, Limits()) as line:
        statement = f"repeat 99 {ALLOWED} | http1 {WANTED}"
        result = await Techniques().try_item(attempt_of(bed.origin, line, statement), line)

    assert (canary_of(result), line.dialled) == ("seen", 1)


async def test_a_proxy_shows_the_page_that_it_decided_about(over_proxy: Try) -> None:
    """Whatever Host says beside an absolute target (RFC 9112 section 3.2.2)."""
    facts = facts_of(await over_proxy("http1 GET http://{allowed}{at} HTTP/1.1" + NAMED + END))

    assert (facts.status, facts.canary) == (200, "absent")


async def test_a_short_link_is_followed_to_the_blocked_page(
    over_control: Try, over_proxy: Try
) -> None:
    statement = "url http://{relay}/s/{host:base64} | follow"

    assert canary_of(await over_control(statement)) == "seen"
    assert facts_of(await over_proxy(statement)).status == 403


async def test_a_redirect_to_another_site_is_not_followed(over_control: Try) -> None:
    facts = facts_of(await over_control("url http://redirect-1.special.{zone}/ | follow"))
    plain = facts_of(await over_control("url http://{host}/ | follow"))

    assert facts.status == 302
    assert (plain.status, plain.canary) == (200, "seen")


async def test_parts_of_a_page_are_parts(over_control: Try) -> None:
    part = facts_of(await over_control(GET + NAMED + r"\r\nRange: bytes=0-99" + END))
    none = facts_of(await over_control(GET + NAMED + r"\r\nRange: bytes=99999-" + END))

    assert (part.status, part.canary, none.status) == (206, "absent", 416)


async def test_the_origin_tells_what_arrived_with_a_nonce(
    bed: RangeTestbed, over_control: Try
) -> None:
    await over_control("url http://{host:spelled}/a | url http://{relay}/x")
    async with Control("control", ControlOptions(), bed.origin, Limits()) as line:
        marker = attempt_of(bed.origin, line, "url //{host}/").marker
        assert marker is not None
        path = arrivals_path(bed.origin.key, (marker.nonce, "0" * 32))
        answer = await line.fetch(Request(url=f"http://{bed.origin.zone}{path}"))
        forged = await line.fetch(Request(url=f"http://{bed.origin.zone}{path}0"))

    arrived = read_arrivals(answer.body)
    assert [(one.over, one.host, one.path) for one in arrived][:1] == [("http", HOST, "/a")]
    assert {one.nonce for one in arrived} == {marker.nonce}
    assert b"arrivals" not in forged.body
