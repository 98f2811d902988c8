"""Files that go over a connection of another kind: WebSockets, and the second answer on one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from harness.model.campaign import Limits
from harness.model.content_form import PageContent
from harness.model.corpus import Item
from harness.model.facts import WebFacts
from harness.model.marker import mark
from harness.model.observation import AttemptKey
from harness.model.upload_case import MESSAGE, TEST_FILE
from harness.ports.network import Attempt, Line, ProbeResult
from probes.kinds.download import Download
from probes.kinds.upload import Upload
from probes.lines.direct import Control, ControlOptions
from probes.lines.explicit_proxy import ExplicitProxy, ExplicitProxyOptions
from probes.net.file_contents import eicar
from probes.net.websocket import CLOSE, TEXT, Messages, frame, new_key
from probes.range.arrival_log import Arrival
from probes.range.faults import Fault, FaultKind
from probes.range.testbed import RangeTestbed
from test_suites.unit.probes.conftest import HEAD_END, answering, closing
from test_suites.unit.probes.kinds.test_web import Scripted

SOCKET, PLAIN_SOCKET = "none by WebSocket binary frame", "zip by HTTP WebSocket binary frame"
KEPT, PIPELINED = "none by keep-alive after clean file", "none by HTTP pipelined second response"
WORDS = "my number is 01632 960123"
HOSTS = {
    "ash.sites.accredit.test": ("MALW.MAL", f"file:{SOCKET}", "harmful"),
    "bay.sites.accredit.test": ("MALW.MAL", f"file:{PLAIN_SOCKET}", "harmful"),
    "elm.sites.accredit.test": ("MALW.MAL", f"file:{SOCKET}", ""),
    "fir.sites.accredit.test": ("MALW.MAL", f"file:{KEPT}", "harmful"),
    "oak.sites.accredit.test": ("MALW.MAL", f"file:{PIPELINED}", "harmful"),
    "yew.sites.accredit.test": ("MALW.MAL", f"file:{KEPT}", ""),
    "fig.sites.accredit.test": ("CTRL", f"upload:websocket: {WORDS}", ""),
    "box.sites.accredit.test": ("MALW.MAL", f"upload:websocket: {TEST_FILE}", ""),
}
CONTENTS = {
    host: PageContent(
        service="download" if case.startswith("file:") else "sink", case=case, label=label
    )
    for host, (_, case, label) in HOSTS.items()
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RangeTestbed]:
    folder = tmp_path_factory.mktemp("world")
    with RangeTestbed.running(folder, contents=CONTENTS, gateway=True) as world:
        yield world


@pytest.fixture
def testbed(world: RangeTestbed) -> Iterator[RangeTestbed]:
    yield world
    world.faults.clear()


def requests(testbed: RangeTestbed, host: str) -> list[Arrival]:
    """The HTTP requests for a host, the oldest first."""
    return [one for one in testbed.log.arrivals(host) if one.over != "dns"]


async def tried(line: Any, host: str, scheme: str = "https") -> ProbeResult:
    """Try the file or upload of a host over a line."""
    category, case, _ = HOSTS[host]
    probe: Any = Download() if case.startswith("file:") else Upload()
    path = "files/letter-1.com" if case.startswith("file:") else "inbox/"
    item = Item(
        id="a", value=f"{scheme}://{host}/{path}", labels=(category,), kind="url",
        stratum=f"{category}/{case}", applies_to="content",
    )  # fmt: skip
    key = AttemptKey(campaign="c", item="a", probe="p", line=line.name, profile="ks2")
    made = mark(line.origin.key, key, host)
    asked = Attempt(key=key, item=item, limits=Limits(), timeout=60.0, marker=made)
    result: ProbeResult = await probe.try_item(asked, line)
    return result


def seen(result: ProbeResult) -> WebFacts:
    assert isinstance(result.facts, WebFacts)
    return result.facts


def control(testbed: RangeTestbed, **options: Any) -> Control:
    return Control("control", ControlOptions(**options), testbed.origin, Limits())


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    ("host", "found"),
    [
        ("ash.sites.accredit.test", "test string"),
        ("bay.sites.accredit.test", "test string"),
        ("elm.sites.accredit.test", "content"),
        ("fig.sites.accredit.test", "received"),
        ("box.sites.accredit.test", "test string"),
    ],
)
async def test_a_file_arrives_by_a_websocket(
    testbed: RangeTestbed, host: str, found: str, scheme: str
) -> None:
    async with control(testbed) as line:
        result = await tried(line, host, scheme)

    facts = seen(result)
    assert (facts.status, facts.file, facts.canary) == (101, found, "seen")
    assert facts.asked
    assert result.failure is None
    assert result.evidence == ()
    assert (scheme == "https") is (facts.certificate is not None)
    logged = requests(testbed, host)[-1]
    assert facts.body_sha256 in logged.answer
    assert logged.over == scheme


@pytest.mark.parametrize(
    ("host", "found"),
    [
        ("fir.sites.accredit.test", "test string"),
        ("oak.sites.accredit.test", "test string"),
        ("yew.sites.accredit.test", "content"),
    ],
)
async def test_a_file_is_the_second_answer_on_its_connection(
    testbed: RangeTestbed, host: str, found: str
) -> None:
    async with control(testbed) as line:
        facts = seen(await tried(line, host))

    assert (facts.file, facts.kept, facts.status) == (found, True, 200)
    paths = [one.path for one in requests(testbed, host)]
    assert paths[-2:] == ["/opening-times.txt", "/files/letter-1.com"]


async def test_a_client_that_wants_the_connection_closed_gets_that(testbed: RangeTestbed) -> None:
    asked = b"GET /opening-times.txt HTTP/1.1\r\nHost: fir.sites.accredit.test\r\n%s\r\n"
    answers = []
    for wanted in (b"Connection: close\r\n", b""):
        reader, writer = await asyncio.open_connection("127.0.0.1", testbed.origin.ports[80])
        writer.write(asked % wanted + asked % b"Connection: close\r\n")
        async with asyncio.timeout(60):
            answers.append((await reader.read()).count(b"HTTP/1.1 200"))
        writer.close()

    assert answers == [1, 2]


async def test_a_websocket_for_uploads_answers_the_first_message_alone(
    testbed: RangeTestbed,
) -> None:
    asked = (
        "GET /inbox/ HTTP/1.1\r\nHost: fig.sites.accredit.test\r\nConnection: Upgrade\r\n"
        f"Upgrade: websocket\r\nSec-WebSocket-Key: {new_key()}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    before = len(requests(testbed, "fig.sites.accredit.test"))
    reader, writer = await asyncio.open_connection("127.0.0.1", testbed.origin.ports[80])
    writer.write(asked.encode())
    async with asyncio.timeout(60):
        head = await reader.readuntil(HEAD_END)
        writer.write(frame(TEXT, WORDS.encode(), masked=True) * 2)
        received = Messages(limit=1 << 16).feed(await reader.read())
    writer.close()

    assert head.startswith(b"HTTP/1.1 101 ")
    assert [one.opcode for one in received] == [TEXT, CLOSE]
    logged = requests(testbed, "fig.sites.accredit.test")[before:]
    assert [one.method for one in logged] == ["GET", MESSAGE]


@pytest.mark.parametrize("host", ["fir.sites.accredit.test", "oak.sites.accredit.test"])
async def test_where_no_connection_is_kept_the_file_is_asked_for_on_a_new_one(
    testbed: RangeTestbed, serve: Any, host: str
) -> None:
    file = eicar()
    asked: list[bytes] = []

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(HEAD_END)
        asked.append(head.split(b" ")[1])
        body = file if b"/files/" in asked[-1] else b"clean"
        length = b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body)
        writer.write(b"HTTP/1.1 200 OK\r\n" + length + body)
        await writer.drain()

    port = await serve(play)
    async with control(testbed, ports={80: port}) as line:
        facts = seen(await tried(line, host, "http"))

    assert (facts.file, facts.kept) == ("test string", False)
    assert asked == [b"/opening-times.txt", b"/files/letter-1.com"]


@pytest.mark.parametrize("host", ["ash.sites.accredit.test", "fig.sites.accredit.test"])
async def test_a_block_page_instead_of_a_websocket_is_recorded_as_any(
    testbed: RangeTestbed, serve: Any, host: str
) -> None:
    page = b"<html><title>Blocked</title><p>This file has been blocked.</p></html>"
    head = b"HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n"
    port = await serve(answering(head % len(page) + page))
    async with control(testbed, ports={80: port}) as line:
        result = await tried(line, host, "http")

    facts = seen(result)
    assert (facts.status, facts.title, facts.file) == (403, "Blocked", "")
    assert (facts.canary, result.failure) == ("absent", None)


async def test_a_redirect_instead_of_a_websocket_is_followed(
    testbed: RangeTestbed, serve: Any
) -> None:
    answer = b"HTTP/1.1 302 Found\r\nLocation: http://%s/blocked\r\nContent-Length: 0\r\n\r\n"
    port = await serve(answering(answer % b"ash.sites.accredit.test"))
    async with control(testbed, ports={443: testbed.origin.ports[443], 80: port}) as line:
        facts = seen(await tried(line, "ash.sites.accredit.test", "http"))

    assert [hop.status for hop in facts.hops] == [302] * (Limits().redirects + 1)
    assert facts.file == ""


@pytest.mark.parametrize(
    ("play", "failure"),
    [
        (closing, "eof_error"),
        (answering(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"),
         "http_invalid_response"),
        (answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut"), "eof_error"),
        (answering(b"no HTTP at all\r\n\r\n"), "http_invalid_response"),
    ],
    ids=["closes", "wrong key", "cut off", "no HTTP"],
)  # fmt: skip
async def test_what_goes_wrong_is_named_as_for_other_requests(
    testbed: RangeTestbed, serve: Any, play: Any, failure: str
) -> None:
    async with control(testbed, ports={80: await serve(play)}) as line:
        result = await tried(line, "ash.sites.accredit.test", "http")

    assert result.failure is not None
    assert (result.failure.name, result.failure.stage) == (failure, "response")
    assert seen(result).file == ""


async def test_a_tunnel_that_a_proxy_refuses_is_recorded_with_its_page(
    testbed: RangeTestbed,
) -> None:
    host = "ash.sites.accredit.test"
    testbed.faults.add(Fault(kind=FaultKind.PAGE_403, hosts=frozenset({host})))
    options = ExplicitProxyOptions(proxy=testbed.origin.services["reference"]["proxy"]["ks2"])
    async with ExplicitProxy("p", options, testbed.origin, Limits()) as line:
        line.declare("", control(testbed))
        result = await tried(line, host)

    facts = seen(result)
    assert (facts.status, facts.tunnel_status) == (None, 403)
    assert "blocked" in facts.text
    assert result.failure is not None
    assert result.failure.name == "proxy_refused_tunnel"
    assert len(result.evidence) == 1


async def test_a_line_without_byte_streams_is_the_instruments_fault() -> None:
    line: Line = Scripted({})
    for host in ("ash.sites.accredit.test", "fir.sites.accredit.test", "fig.sites.accredit.test"):
        result = await tried(line, host)

        assert result.failure is not None
        assert result.failure.name == "instrument_error"
        assert "opens no byte streams" in result.failure.detail


async def test_a_certificate_that_is_not_trusted_ends_a_websocket(testbed: RangeTestbed) -> None:
    host = "ash.sites.accredit.test"
    testbed.faults.add(Fault(kind=FaultKind.UNKNOWN_AUTHORITY, hosts=frozenset({host})))
    ports = testbed.origin.services["reference"]["gateway"]["ks2"]
    async with control(testbed, ports={443: ports["443"]}) as line:
        result = await tried(line, host)

    assert result.failure is not None
    assert (result.failure.name, result.failure.stage) == ("ssl_unknown_authority", "tls")
