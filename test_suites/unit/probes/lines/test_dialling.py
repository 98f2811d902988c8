"""Byte streams and datagrams over every line that gives them, to a far end whose truth is known."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Any

import dns.message
import pytest

from harness.model.campaign import Limits
from harness.plugins import LINES
from harness.ports.streams import ByteStream, DialRequest, DialsStreams, SendsDatagrams
from probes.lines.direct import Control, ControlOptions
from probes.lines.explicit_proxy import ExplicitProxy, ExplicitProxyOptions
from probes.lines.pac import Pac, PacOptions
from probes.net.route import client_tls_context, parse_address
from probes.range.authority import Authority
from probes.range.testbed import GATEWAY_FILE, RangeTestbed

HOST = "amber-lantern.accredit.test"
BLOCKED = "copper-meadow.accredit.test"
ASKED = f"GET / HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode()
TO_80 = DialRequest(host=HOST, port=80)
TO_443 = DialRequest(host=HOST, port=443)


async def talk(stream: ByteStream, trust: ssl.SSLContext | None = None) -> bytes:
    """Ask for the page by hand, and read all that comes."""
    if trust is not None:
        await stream.start_tls(trust, HOST)
    await stream.write(ASKED)
    answer = b""
    while part := await stream.read():
        answer += part
    stream.close()
    return answer


async def test_a_direct_line_connects_to_the_host_itself(tmp_path: Path) -> None:
    async with (
        RangeTestbed(tmp_path) as testbed,
        Control("control", ControlOptions(), testbed.origin, Limits()) as line,
    ):
        plain = await line.dial(TO_80)
        sealed = await line.dial(TO_443)
        assert plain.opened is not None
        assert sealed.opened is not None
        pages = [
            await talk(plain.opened),
            await talk(sealed.opened, client_tls_context(testbed.origin.authority)),
        ]

    assert [True, True] == [page.startswith(b"HTTP/1.1 200") for page in pages]
    assert (None, "127.0.0.1", None) == (plain.failure, plain.peer, plain.tunnel_status)
    assert plain.timings.resolve is not None
    assert plain.timings.connect is not None


async def test_a_proxy_opens_a_tunnel_or_says_that_it_does_not(tmp_path: Path) -> None:
    async with RangeTestbed(tmp_path) as testbed:
        proxy = testbed.origin.services["reference"]["proxy"]["ks2"]
        line = ExplicitProxy("p", ExplicitProxyOptions(proxy=proxy), testbed.origin, Limits())
        line.declare("", Control("control", ControlOptions(), testbed.origin, Limits()))
        async with line:
            through = await line.dial(TO_443)
            assert through.opened is not None
            page = await talk(through.opened, client_tls_context(testbed.origin.authority))
            blocked = await line.dial(DialRequest(host=BLOCKED, port=443))

    assert page.startswith(b"HTTP/1.1 200")
    assert (200, None) == (through.tunnel_status, through.failure)
    assert blocked.opened is None
    assert blocked.failure is not None
    assert "tunnel" == blocked.failure.stage


@pytest.mark.parametrize("secure", [True, False])
async def test_socks_leads_there_as_well(
    tmp_path: Path, serve: Any, socks: Any, secure: bool
) -> None:
    heard: list[bytes] = []
    async with RangeTestbed(tmp_path) as testbed:
        port = await serve(socks(testbed.origin.ports[443 if secure else 80], heard))
        options = ExplicitProxyOptions(proxy=f"socks5://ann:pw@127.0.0.1:{port}")
        async with ExplicitProxy("p", options, testbed.origin, Limits()) as line:
            dialled = await line.dial(TO_443 if secure else TO_80)
            assert dialled.opened is not None
            trust = client_tls_context(testbed.origin.authority) if secure else None
            page = await talk(dialled.opened, trust)

    assert page.startswith(b"HTTP/1.1 200")
    assert any(HOST.encode() in part for part in heard)


async def test_a_pac_file_chooses_the_way_of_a_stream(tmp_path: Path) -> None:
    async with RangeTestbed(tmp_path) as testbed:
        proxy = testbed.origin.services["reference"]["proxy"]["ks2"].removeprefix("http://")
        script = tmp_path / "proxy.pac"
        script.write_text(
            "function FindProxyForURL(url, host) { return url.indexOf(':8443') > 0 ? "
            f"'DIRECT' : 'PROXY {proxy}'; }}"
        )
        options = PacOptions(file=str(script), resolver=testbed.origin.resolver)
        async with Pac("site", options, testbed.origin, Limits()) as line:
            through = await line.dial(TO_443)
            assert through.opened is not None
            page = await talk(through.opened, client_tls_context(testbed.origin.authority))

    assert (200, True) == (through.tunnel_status, page.startswith(b"HTTP/1.1 200"))


async def test_datagrams_go_to_one_far_end_and_come_back(tmp_path: Path) -> None:
    async with RangeTestbed(tmp_path) as testbed:
        server = parse_address(testbed.origin.resolver, "the name server")
        options = ControlOptions(ports={53: server.port})
        async with Control("control", options, testbed.origin, Limits()) as line:
            socket = await line.datagrams(DialRequest(host=HOST, port=53))
        assert socket.opened is not None
        await socket.opened.send(dns.message.make_query(HOST, "A").to_wire())
        answer = dns.message.from_wire(await socket.opened.receive())
        socket.opened.close()

    assert "127.0.0.1" in str(answer.answer)


async def test_trouble_is_a_result_and_never_raised(tmp_path: Path) -> None:
    async with (
        RangeTestbed(tmp_path) as testbed,
        Control("control", ControlOptions(), testbed.origin, Limits()) as line,
    ):
        nowhere = await line.dial(DialRequest(host="no.such.name.accredit.invalid", port=25))
        private = await line.datagrams(DialRequest(host="192.168.7.7", port=53))

    assert (None, "resolve") == (nowhere.opened, nowhere.failure and nowhere.failure.stage)
    assert (None, "private_address") == (private.opened, private.failure and private.failure.name)


def test_each_line_has_what_it_says_it_carries() -> None:
    for name, line in LINES.load().items():
        kind: Any = line
        assert ("dial" in kind.carries) <= issubclass(kind, DialsStreams), name
        assert ("datagrams" in kind.carries) <= issubclass(kind, SendsDatagrams), name
        assert all(hasattr(kind, method) for method in kind.carries), name


async def test_a_plain_stream_leads_to_the_proxy_itself(tmp_path: Path) -> None:
    async with RangeTestbed(tmp_path) as testbed:
        url = testbed.origin.services["reference"]["proxy"]["ks2"]
        options = ExplicitProxyOptions(proxy=url, username="ann", password="secret")
        async with ExplicitProxy("p", options, testbed.origin, Limits()) as line:
            dialled = await line.dial(DialRequest(host=HOST, port=80, plain=True))
            assert dialled.opened is not None
            await dialled.opened.write(ASKED.replace(b"GET /", f"GET http://{HOST}/".encode()))
            answer = await dialled.opened.read()
            dialled.opened.close()
        async with Control("control", ControlOptions(), testbed.origin, Limits()) as line:
            direct = await line.dial(DialRequest(host=HOST, port=80, plain=True))
            assert direct.opened is not None
            direct.opened.close()

    assert (dialled.is_proxied, dialled.tunnel_status) == (True, None)
    assert dialled.authorization.startswith("Basic ")
    assert "secret" not in repr(dialled)
    assert dialled.authorization not in repr(dialled)
    assert answer.startswith(b"HTTP/1.1 200")
    assert (direct.is_proxied, direct.authorization) == (False, "")


@pytest.mark.parametrize(
    ("address", "failure"),
    [("192.168.1.5", "private_address"), ("127.0.0.9", "private_address")],
)
async def test_a_proxy_is_told_no_private_address_but_the_origin_s(
    tmp_path: Path, address: str, failure: str
) -> None:
    """A name server elsewhere may answer with any address."""
    async with RangeTestbed(tmp_path) as testbed:
        url = testbed.origin.services["reference"]["proxy"]["ks2"]
        async with ExplicitProxy(
            "p", ExplicitProxyOptions(proxy=url), testbed.origin, Limits()
        ) as line:
            refused = await line.dial(
                DialRequest(host=HOST, port=443, address=address, guarded=HOST)
            )
            asked = await line.dial(
                DialRequest(host=HOST, port=443, address="127.0.0.1", guarded=HOST)
            )

    assert refused.failure is not None
    assert refused.failure.name == failure
    assert asked.failure is None or asked.failure.name != failure


async def test_another_spelling_is_guarded_as_the_host_that_is_meant(tmp_path: Path) -> None:
    spelled = "AMBER-lantern.accredit.test."
    async with (
        RangeTestbed(tmp_path) as testbed,
        Control("control", ControlOptions(), testbed.origin, Limits()) as line,
    ):
        meant = await line.dial(DialRequest(host=spelled, port=80, guarded=HOST))
        elsewhere = await line.dial(
            DialRequest(host="x.test", port=80, address="127.0.0.1", guarded="x.test")
        )
        if meant.opened is not None:
            meant.opened.close()

    assert meant.failure is None
    assert elsewhere.failure is not None
    assert elsewhere.failure.name == "private_address"


async def test_a_tunnel_is_asked_for_with_the_headers_that_are_given(serve: Any) -> None:
    heads: list[bytes] = []

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    options = ExplicitProxyOptions(proxy=f"http://127.0.0.1:{await serve(refuse)}")
    async with ExplicitProxy("p", options, None, Limits()) as line:
        headers = (("Host", ""), ("User-Agent", "A browser"))
        await line.dial(DialRequest(host="a.example", port=443, tunnel_headers=headers))

    sent = b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\nUser-Agent: A browser\r\n\r\n"
    assert heads == [sent]


async def test_lines_name_their_authorities_and_end_what_serves_them(tmp_path: Path) -> None:
    async with RangeTestbed(tmp_path) as testbed:
        origin = testbed.origin
        own, supplier = origin.authority, str(tmp_path / GATEWAY_FILE)
        (tmp_path / GATEWAY_FILE).write_bytes(Authority().pem)
        proxy = ExplicitProxyOptions(proxy="http://127.0.0.1:1", authority=supplier)
        for line, authorities in (
            (Control("control", ControlOptions(), origin, Limits()), (own,)),
            (Control("control", ControlOptions(authority=supplier), origin, Limits()), (own, supplier)),
            (ExplicitProxy("p", proxy, origin, Limits()), (own, supplier)),
            (ExplicitProxy("p", ExplicitProxyOptions(proxy=proxy.proxy), None, Limits()), ()),
        ):  # fmt: skip
            ended: list[str] = []

            async def end(ended: list[str] = ended) -> None:
                ended.append("here")

            async with line:
                line.at_close(end)
                assert (line.authorities, ended) == (authorities, [])
            assert ended == ["here"]
