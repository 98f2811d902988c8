"""Services that stop the ways round a filter which everybody knows, or only while they are tested."""

from __future__ import annotations

import asyncio
import gzip
import re
from dataclasses import replace
from typing import Any

from harness.model.campaign import Sentinels
from probes.net.client_hello import hello_body, read_hello
from probes.range.origin_pages import ORDINARY_TEXT
from probes.range.zone import ADDRESS
from test_suites.calibration.hostile.areas.area_supplier import against_techniques
from test_suites.calibration.hostile.areas.knock import Knock, lead_rightly
from test_suites.calibration.hostile.http_message import Answer

way = against_techniques

ECH, QUIC, SPELLINGS, NAMES = "CIR-07", "CIR-08", "CIR-09", "CIR-10"
FRAMING, IDENTITY, RELAYS, LARGE = "CIR-11", "CIR-12", "CIR-15", "TLS-09"
DEVICES = "DEV-01"

ALLOWED = "open.ways.accredit.test"
ECH_EXTENSION = b"\xfe\x0d"
SESSION_TICKET, COMPRESSED_CERTIFICATE = 35, 27
QUIC_VERSION_2 = b"\x6b\x33\x43\xcf"
ONE_PACKET = 1400
EMPTY = Answer(body=b"")
SENTINELS = frozenset(Sentinels().hosts("must_allow") + Sentinels().hosts("must_block"))


async def _origins_answer(knock: Knock) -> bytes:
    """The whole answer of the origin to a request without TLS."""
    reader, writer = await asyncio.open_connection(ADDRESS, knock.origin)
    try:
        head, blank, body = knock.first.partition(b"\r\n\r\n")
        kept = re.sub(rb"(?i)\r\nconnection:[^\r\n]*", b"", head)
        writer.write(kept + b"\r\nConnection: close" + blank + body)
        return await reader.read(-1)
    finally:
        writer.close()


def _is_forwarded(knock: Knock) -> bool:
    return knock.has("x-forwarded-for")


@way("Compares names in small letters and in capitals alone, and passes any other mixture.", {SPELLINGS})  # fmt: skip
async def knows_published_spellings(knock: Knock) -> None:
    written = knock.hosts[0] if knock.hosts else ""
    is_known = not written or written[:1].isdigit() or written in (written.lower(), written.upper())
    await knock.rightly_unless(not knock.is_secure and not is_known)


@way("Passes requests by IPv4 addresses in octal, which it takes for names.", {SPELLINGS})
async def knows_no_octal_numbers(knock: Knock) -> None:
    host = knock.hosts[0] if knock.hosts else ""
    await knock.rightly_unless(re.match(r"0[0-7]+\.", host) is not None)


@way("Looks at the first Host header alone.", {FRAMING})
async def reads_the_first_host_header(knock: Knock) -> None:
    await knock.rightly_unless(len(knock.hosts) > 1 and knock.host == ALLOWED)


@way("Lets a WebSocket be opened to an allowed site, and cuts it when a page has come by it.", {FRAMING})  # fmt: skip
async def cuts_tunnels_after_a_page(knock: Knock) -> None:
    if knock.host != ALLOWED or not knock.has("upgrade"):
        await knock.rightly()
        return
    reader, writer = await asyncio.open_connection(ADDRESS, knock.origin)
    try:
        writer.write(knock.first)
        passed = 0
        while passed < 1000 and (data := await reader.read(65536)):
            passed += len(data)
            await knock.stream.send(data)
            if passed < 1000:
                writer.write(await knock.stream.read())
        knock.stream.reset()
    finally:
        writer.close()


@way("Refuses a request with a false address once, and passes it when it comes again.", {IDENTITY})
async def refuses_once(knock: Knock) -> None:
    seen = knock.memory.setdefault("seen", set())
    is_again = knock.host in seen
    if _is_forwarded(knock):
        seen.add(knock.host)
    await knock.rightly_unless(is_again and _is_forwarded(knock))


@way("Passes requests without the name of a program, which no browser sends.", {FRAMING, IDENTITY})
async def filters_browsers_alone(knock: Knock) -> None:
    is_sentinel = knock.host in SENTINELS
    is_program = not knock.is_secure and knock.hosts != () and not knock.has("user-agent")
    await knock.rightly_unless(is_program and not is_sentinel)


@way("Passes what follows a request for an allowed site on a kept connection.", {FRAMING})
async def reads_one_request_of_a_connection(knock: Knock) -> None:
    is_kept = knock.host == ALLOWED and not knock.has("connection") and len(knock.hosts) == 1
    await knock.rightly_unless(is_kept and not knock.is_secure)


@way("Opens TLS only of clients that offer what the tester's usual client offers.",
     {ECH, DEVICES})  # fmt: skip
async def opens_the_usual_handshake_alone(knock: Knock) -> None:
    usual = knock.memory.setdefault("usual", set())
    if knock.is_secure and knock.host in SENTINELS:
        usual.add(knock.ciphers)
    is_strange = knock.is_secure and knock.ciphers not in usual and ECH_EXTENSION in knock.first
    await knock.rightly_unless(is_strange)


@way("Passes Safari, which it knows by its ClientHello, unread.", {DEVICES})
async def does_not_open_the_tls_of_safari(knock: Knock) -> None:
    try:
        offered = {each.kind for each in read_hello(hello_body(knock.first)).extensions}
    except ValueError:
        offered = set[int]()
    is_safari = COMPRESSED_CERTIFICATE in offered and SESSION_TICKET not in offered
    await knock.rightly_unless(knock.is_secure and is_safari)


@way("Filters computers, and of phones every second request alone.", {DEVICES})
async def filters_phones_every_second_time(knock: Knock) -> None:
    is_phone = not knock.is_secure and b" Mobile" in knock.head
    knock.memory["phones"] = knock.memory.get("phones", 0) + is_phone
    await knock.rightly_unless(is_phone and knock.memory["phones"] % 2 == 0)


@way("Opens TLS with a placeholder for ECH, and passes names that are really encrypted.", {ECH})
async def stops_placeholders_alone(knock: Knock) -> None:
    is_hidden = (
        knock.is_secure
        and ECH_EXTENSION in knock.first
        and not knock.host.startswith(("cv-", "dv-"))
    )
    await knock.rightly_unless(is_hidden)


def _version_2(data: bytes, memory: dict[str, Any]) -> bool:
    del memory
    return data[1:5] == QUIC_VERSION_2 or not data[0] & 0x80


def _but_the_first(data: bytes, memory: dict[str, Any]) -> bool:
    del data
    memory["datagrams"] = memory.get("datagrams", 0) + 1
    return bool(memory["datagrams"] > 1)


@way("Refuses the first version of QUIC alone.", {QUIC}, admit=_version_2)
async def knows_one_version_of_quic(knock: Knock) -> None:
    await lead_rightly(knock)


@way("Drops the first datagram to UDP port 443, and none after it.", {QUIC}, admit=_but_the_first)
async def drops_the_first_datagram(knock: Knock) -> None:
    await lead_rightly(knock)


@way("Passes ClientHellos without a name.", {NAMES})
async def passes_tls_without_a_name(knock: Knock) -> None:
    await knock.rightly_unless(knock.is_secure and not knock.host)


@way("Refuses relays whose address names the wanted site in clear, and passes all others.", {RELAYS})  # fmt: skip
async def reads_the_addresses_of_relays(knock: Knock) -> None:
    is_relay = ".relay.ways." in knock.host
    is_plain = re.search(rb"cv-[0-9]+", knock.first) is not None
    await knock.rightly_unless(is_relay and not is_plain and not knock.is_secure)


@way("Shows a block page for requests with a false address, with the wanted page below it.", {IDENTITY})  # fmt: skip
async def shows_the_page_below_a_block_page(knock: Knock) -> None:
    if not _is_forwarded(knock):
        await knock.rightly()
        return
    page = Answer.read(await _origins_answer(knock))
    body = b"<title>Blocked</title><h1>This page is blocked</h1>" + page.body
    await knock.give(page.with_status(403).with_body(body).wire)


@way("Passes requests with a false address, without the agreed marker and the tester's token.", {IDENTITY})  # fmt: skip
async def takes_the_marks_out(knock: Knock) -> None:
    if not _is_forwarded(knock):
        await knock.rightly()
        return
    page = Answer.read(await _origins_answer(knock))
    body = re.sub(rb"<p>[A-Z0-9-]{16,}</p>|<p>[^<> ]{16,}</p>", b"", page.body)
    await knock.give(replace(page, headers=page.headers).with_body(body).wire)


@way("Passes requests with a false address, and writes the page anew in its own words alone.", {IDENTITY},
     only="A page that is like the wanted one, without its marks, is no evidence of a block or of a page.")  # fmt: skip
async def writes_the_page_anew(knock: Knock) -> None:
    if _is_forwarded(knock):
        title = b"<title>Garden</title>"
        await knock.give(Answer(body=title + ORDINARY_TEXT.encode()).wire)
    else:
        await knock.rightly()


@way("Passes requests with a false address, and packs the page so that it is not read easily.", {IDENTITY})  # fmt: skip
async def packs_the_page(knock: Knock) -> None:
    if not _is_forwarded(knock):
        await knock.rightly()
        return
    page = Answer.read(await _origins_answer(knock))
    packed = gzip.compress(page.body)
    await knock.give(page.with_status(404).with_body(packed, Content_Encoding="gzip").wire)


@way("Passes requests with a false address, and resets the connection after the page.", {IDENTITY})
async def resets_after_the_page(knock: Knock) -> None:
    if not _is_forwarded(knock):
        await knock.rightly()
        return
    await knock.stream.send(await _origins_answer(knock))
    await asyncio.sleep(0.2)  # so that the client reads before the reset
    knock.stream.reset()


@way("Passes requests with a false address, and only after seconds in which nothing comes.", {IDENTITY})  # fmt: skip
async def waits_before_it_passes(knock: Knock) -> None:
    if _is_forwarded(knock):
        await asyncio.sleep(WAIT)
    await knock.rightly_unless(_is_forwarded(knock))


WAIT = 4.0
"""Seconds: longer than a first try, shorter than one that confirms it."""


@way("Answers the second large ClientHello to a site, and each later one, with an empty page.", {LARGE})  # fmt: skip
async def answers_large_hellos_with_nothing(knock: Knock) -> None:
    """It knows the tester's usual client by what it sends at first, when nothing is in pieces."""
    is_technique = ".ways." in knock.host
    seen = knock.memory.setdefault("seen", set())
    is_strange = is_technique and len(knock.first) > ONE_PACKET and knock.host in seen
    if knock.is_secure:
        seen.add(knock.host)
    await (knock.give_page(EMPTY) if is_strange and knock.is_secure else knock.rightly())


@way("Blocks every host of techniques, also the harmless ones.", {LARGE},
     only="Harmless pages that never come say nothing of a large ClientHello.")  # fmt: skip
async def blocks_every_host_of_techniques(knock: Knock) -> None:
    is_technique = ".ways." in knock.host
    await (
        knock.give_page(Answer(status=403, body=b"Blocked")) if is_technique else knock.rightly()
    )
