"""The client of a school's own check: what it sends, and what it records."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import dns.flags
import dns.message
import dns.rrset
import pytest

from harness.model.campaign import Limits
from harness.model.school_check import CheckTarget, Method
from probes.clients import school_check
from probes.clients.school_check import SchoolCheckClient
from probes.lines.direct import ResolverLine, ResolverOptions
from probes.range.authority import Authority
from probes.range.name_server import NameServer, Reply

Zone = dict[tuple[str, str], list[str]]
HOME = "127.0.0.1"


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = Limits(timeout=2.0, confirmation_timeout=3.0, redirects=4, body_bytes=65536)
    monkeypatch.setattr(school_check, "LIMITS", limits)


def replies(zone: Zone, **others: Any) -> Callable[[dns.message.Message], Reply]:
    """A name server of these records; other names are at home, except those of ``others``."""

    def reply(query: dns.message.Message) -> Reply:
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(question.rdtype)
        response = dns.message.make_response(query, recursion_available=True)
        if name in others.get("refused", ()) or (kind, name) in others.get("refused", ()):
            response.set_rcode(dns.rcode.REFUSED)
        elif ("CNAME", name) in zone:
            target = zone["CNAME", name][0]
            response.answer.append(dns.rrset.from_text(name + ".", 60, "IN", "CNAME", target))
            name = target.rstrip(".")
        found = zone.get((kind, name), [HOME] if kind == "A" and not zone else [])
        if found and not response.rcode():
            response.answer.append(dns.rrset.from_text_list(name + ".", 60, "IN", kind, found))
        return Reply(message=response)

    return reply


@asynccontextmanager
async def client(
    zone: Zone, https: int = 0, dot: int = 0, authority: str = "", **others: Any
) -> AsyncIterator[SchoolCheckClient]:
    """A client on a line whose name server knows a zone, and whose ports are those of a test."""
    ports = {443: https, 853: dot} if https or dot else None
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(NameServer(replies(zone, **others)))
        options = ResolverOptions(server=server.address, ports=ports, authority=authority)
        line = await stack.enter_async_context(
            ResolverLine("laptop", options, None, school_check.LIMITS)
        )
        yield SchoolCheckClient(line, "run", authority)


def target(method: Method, address: str, mark: str = "") -> CheckTarget:
    return CheckTarget(
        id="T",
        part="agency",
        method=method,
        address=address,
        what="a page",
        mark=mark,
    )


def cutting(
    names: set[str], seen: list[str], *, times: int = 9, alert: bool = False
) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    """A server behind a filter that reads the SNI and cuts off some names, a few times each.

    With ``alert`` the server itself says by a TLS alert that it does not know the name.
    """
    context = Authority().context("example.com")

    def choose(tls: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> int | None:
        seen.append(name or "")
        is_cut = name in names and seen.count(name or "") <= times
        return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME if is_cut else None

    context.sni_callback = choose

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received, sent = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(received, sent, server_side=True)
        while data := await reader.read(65536):
            received.write(data)
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError:
                writer.write(sent.read() if alert else b"")
                await writer.drain()
                return
            writer.write(sent.read())

    return play


async def nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


CUT, OTHER = "cut.example", school_check.OTHER_NAME


async def test_a_name_that_alone_is_cut_off_is_compared_with_another(serve: Any) -> None:
    seen: list[str] = []
    port = await serve(cutting({CUT}, seen))

    async with client({}, https=port) as checking:
        tried = await checking.try_target(target("page", "https://cut.example/"))

    assert tried.other_name_answered
    assert [CUT, CUT, OTHER, CUT] == seen
    assert tried.failure is not None
    assert "tls" == tried.failure.stage


async def test_a_server_that_cuts_off_every_name_shows_nothing(serve: Any) -> None:
    seen: list[str] = []
    port = await serve(cutting({CUT, OTHER}, seen))

    async with client({}, https=port) as checking:
        tried = await checking.try_target(target("page", "https://cut.example/"))

    assert not tried.other_name_answered
    assert 3 == len(seen)


async def test_a_name_that_is_not_cut_off_again_after_the_other_shows_nothing(serve: Any) -> None:
    seen: list[str] = []
    port = await serve(cutting({CUT}, seen, times=2))

    async with client({}, https=port) as checking:
        tried = await checking.try_target(target("page", "https://cut.example/"))

    assert not tried.other_name_answered
    assert [CUT, CUT, OTHER, CUT] == seen[:4]


async def test_a_servers_own_alert_is_no_cut_off(serve: Any) -> None:
    """A server that does not have the name says so by an alert, and accepts other names."""
    seen: list[str] = []
    port = await serve(cutting({CUT}, seen, alert=True))

    async with client({}, https=port) as checking:
        tried = await checking.try_target(target("page", "https://cut.example/"))

    assert not tried.other_name_answered
    assert tried.failure is not None
    assert "tls_alert" == tried.failure.name


async def test_of_a_hidden_name_no_byte_is_sent_after_the_handshake(
    serve: Any, tmp_path: Path
) -> None:
    authority, received = Authority("DigiCert Test Root"), list[bytes]()
    (tmp_path / "ca.pem").write_bytes(authority.pem)

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await reader.read())

    port = await serve(listen, tls=authority.context("bad.example"))
    async with client({}, https=port, authority=str(tmp_path / "ca.pem")) as checking:
        tried = await checking.try_target(target("name", "bad.example"))
        await asyncio.sleep(0)

    assert tried.connected
    assert tried.certificate is not None
    assert "DigiCert" in tried.certificate.issuer
    assert b"" == b"".join(received) == tried.body


async def test_a_name_with_another_partys_certificate_is_not_connected(
    serve: Any, tmp_path: Path
) -> None:
    port = await serve(nothing, tls=Authority().context("bad.example"))

    async with client({}, https=port) as checking:
        tried = await checking.try_target(target("name", "bad.example"))

    assert not tried.connected
    assert tried.failure is not None
    assert "ssl_unknown_authority" == tried.failure.name


def dns_answer(query: bytes) -> bytes:
    message = dns.message.from_wire(query)
    response = dns.message.make_response(message)
    response.answer.append(dns.rrset.from_text("example.com.", 60, "IN", "A", "192.0.2.1"))
    return response.to_wire()


@pytest.mark.parametrize(
    ("garbled", "answered"), [(False, True), (True, False)], ids=["answer", "noise"]
)
async def test_a_name_server_over_tls_counts_by_its_answer(
    garbled: bool, answered: bool, serve: Any, tmp_path: Path
) -> None:
    authority = Authority()
    (tmp_path / "ca.pem").write_bytes(authority.pem)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        length = int.from_bytes(await reader.readexactly(2))
        wire = dns_answer(await reader.readexactly(length))
        wire = wire[:8] if garbled else wire
        writer.write(len(wire).to_bytes(2) + wire[:5])
        await writer.drain()
        writer.write(wire[5:])
        await writer.drain()

    port = await serve(answer, tls=authority.context("dns.example"))
    async with client({}, dot=port, authority=str(tmp_path / "ca.pem")) as checking:
        tried = await checking.try_target(target("dns_over_tls", "tls://dns.example:853"))

    assert answered is tried.answered


@pytest.mark.parametrize(
    ("kind", "body", "answered"),
    [
        ("application/dns-message", dns_answer(school_check._query()), True),
        ("application/dns-message", school_check._query(), False),
        ("application/dns-message", b"", False),
        ("text/html", dns_answer(school_check._query()), False),
    ],
    ids=["answer", "echo", "empty", "page"],
)
async def test_a_name_server_over_https_counts_by_its_answer(
    kind: str, body: bytes, answered: bool, serve: Any, tmp_path: Path
) -> None:
    authority, heads = Authority(), list[bytes]()
    (tmp_path / "ca.pem").write_bytes(authority.pem)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()

    port = await serve(answer, tls=authority.context("dns.example"))
    async with client({}, https=port, authority=str(tmp_path / "ca.pem")) as checking:
        address = "https://dns.example/dns-query"
        tried = await checking.try_target(target("dns_over_https", address))

    assert answered is tried.answered
    assert heads[0].startswith(b"GET /dns-query?dns=AAAB")


async def test_a_forced_name_is_asked_for_beside_the_name_over_both_families() -> None:
    zone: Zone = {
        ("CNAME", "www.e.example"): ["safe.e.example."],
        ("A", "safe.e.example"): ["198.51.100.9"],
        ("AAAA", "safe.e.example"): ["2001:db8::9"],
    }
    async with client(zone) as checking:
        tried = await checking.try_target(target("forced_name", "www.e.example", "safe.e.example"))

    assert ["A", "AAAA"] == [facts.type for facts in tried.dns]
    assert all("safe.e.example" in facts.chain for facts in tried.dns)
    assert ["198.51.100.9", "2001:db8::9"] == [each.addresses[0] for each in tried.forced]
    assert tried.failure is None


async def test_a_refused_search_engine_is_a_refusal() -> None:
    async with client({("A", "x"): []}, refused=("www.e.example",)) as checking:
        tried = await checking.try_target(target("forced_name", "www.e.example", "safe.e.example"))

    assert tried.failure is not None
    assert "dns_refused_error" == tried.failure.name


@pytest.mark.parametrize("kind", ["A", "AAAA"])
async def test_a_family_that_was_refused_is_unknown_though_the_other_gave_addresses(
    kind: str,
) -> None:
    zone: Zone = {
        ("A", "www.e.example"): ["198.51.100.9"],
        ("AAAA", "www.e.example"): ["2001:db8::9"],
    }
    async with client(zone, refused=((kind, "www.e.example"),)) as checking:
        tried = await checking.try_target(target("forced_name", "www.e.example", "safe.e.example"))

    assert tried.failure is not None
    assert "dns_refused_error" == tried.failure.name
    assert [1] == [len(facts.addresses) for facts in tried.dns if facts.addresses]


async def test_a_family_without_addresses_is_known_to_have_none() -> None:
    async with client({("A", "www.e.example"): ["198.51.100.9"]}) as checking:
        tried = await checking.try_target(target("forced_name", "www.e.example", "safe.e.example"))

    assert tried.failure is None
