"""Chromium visits pages over a line: what a pupil would see, and nothing beside it."""

from __future__ import annotations

import asyncio
import io
import socket
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from PIL import Image

from harness.model.marker import carrier_for
from harness.model.observation import Failure
from probes.range.authority import Authority
from test_suites.browser.small_internet import (
    KEY,
    ORIGIN,
    LineTo,
    SmallInternet,
    attempt_at,
    facts,
    html,
    visited,
)
from test_suites.kit.processes.product import require

pytest.importorskip("playwright", reason="needs the extra: pip install 'isp-accredit[browser]'")
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]

SITE = "site.example"
CANARY = "gamb-001.canary.accredit.test"
BY_COOKIE, BY_HEADER = (
    next(run for run in map(str, range(100)) if carrier_for(KEY, run).is_cookie is is_cookie)
    for is_cookie in (True, False)
)


@pytest.fixture(scope="module")
def trusted() -> Authority:
    return Authority()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def line(
    trusted: Authority, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[LineTo]:
    """One line for all tests, and so one browser."""
    require("chromium")
    file = tmp_path_factory.mktemp("trust") / "authority.pem"
    file.write_bytes(trusted.pem)
    async with SmallInternet() as internet, LineTo(internet, str(file)) as opened:
        await internet.secure(443, trusted.context("secure.example"))
        await internet.secure(8443, Authority("Another CA").context("secure.example"))
        yield opened


@pytest.fixture(autouse=True)
def _fresh(line: LineTo) -> None:
    line.dialled.clear()
    line.failures.clear()
    line.internet.answers.clear()
    line.internet.heads.clear()


async def test_scripts_frames_and_shadow_trees_are_read_as_they_are_shown(line: LineTo) -> None:
    script = """<title>Loading</title><p id=a>Wait</p><p style="display:none">Hidden words</p>
    <iframe src="http://frame.example/"></iframe><div id=b></div><script>
    fetch('/data').then(found => found.json()).then(found => {
      document.getElementById('a').textContent = found.text; document.title = 'Loaded';
      document.getElementById('b').attachShadow({mode: 'open'}).innerHTML = '<p>In the shade</p>';
    });
    Object.defineProperty(document.body, 'innerText', {get: () => 'forged'});
    </script>"""
    line.internet.at(f"{SITE}/", html(script))
    line.internet.at(f"{SITE}/data", html('{"text": "Brought by a script"}'))
    line.internet.at("frame.example/", html("<p>In a frame</p>"))

    seen = facts(await visited(f"http://{SITE}/", line))

    assert (seen.status, seen.title, seen.net_error) == (200, "Loaded", "")
    for shown in ("Brought by a script", "In the shade", "In a frame"):
        assert shown in seen.text
    assert "Hidden" not in seen.text
    assert "forged" not in seen.text
    assert seen.browser.startswith("chromium-")


async def test_a_token_that_a_script_brings_is_seen(line: LineTo) -> None:
    of = attempt_at(f"http://{CANARY}/")
    assert of.marker is not None
    token = of.marker.token
    halves = f"'{token[:8]}' + '{token[8:]}'"
    shell = f"<p id=a>Wait</p><script>document.getElementById('a').textContent = {halves}</script>"
    line.internet.at(f"{CANARY}/", html(shell))
    assert token not in shell

    result = await visited(f"http://{CANARY}/", line)

    assert facts(result).canary == "seen"
    assert result.evidence == ()


async def test_a_page_in_the_place_of_another_is_kept_with_a_screenshot(line: LineTo) -> None:
    line.internet.at(f"{CANARY}/", html("<h1>Blocked</h1>", "403 Forbidden"))

    result = await visited(f"http://{CANARY}/", line)

    page, picture = result.evidence
    assert (facts(result).canary, facts(result).text) == ("absent", "Blocked")
    assert page.body == b"<h1>Blocked</h1>"
    assert picture.media_type == "image/png"
    assert Image.open(io.BytesIO(picture.body)).size == (1280, 800)


@pytest.mark.parametrize("sensitivity", ["S3", "S4"])
async def test_nothing_is_kept_of_sensitive_items_wherever_they_lead(
    line: LineTo, sensitivity: str
) -> None:
    line.internet.at(f"{CANARY}/", html("", "302 Found", "Location: http://block.example/\r\n"))
    line.internet.at("block.example/", html("<title>Blocked</title><h1>Blocked</h1>"))

    result = await visited(f"http://{CANARY}/", line, sensitivity=sensitivity)

    assert result.evidence == ()
    assert (facts(result).title, facts(result).text) == ("", "")
    assert [hop.location for hop in facts(result).hops] == ["http://block.example/"]


async def test_no_screenshot_is_taken_on_the_control_line(line: LineTo) -> None:
    line.internet.at(f"{SITE}/", html("<h1>A page</h1>"))
    line.name = "control"
    try:
        result = await visited(f"http://{SITE}/", line)
    finally:
        line.name = "service"

    assert (facts(result).text, result.evidence) == ("A page", ())


async def test_redirects_of_every_kind_are_followed(line: LineTo) -> None:
    line.internet.at(f"{SITE}/", html("", "302 Found", "Location: /second\r\n"))
    line.internet.at(f"{SITE}/second", html("<script>location.href = '/third'</script>"))
    line.internet.at(f"{SITE}/third", html("<p>At last</p>", headers="X-Cache: HIT\r\n"))

    seen = facts(await visited(f"http://{SITE}/", line))

    assert (seen.url, seen.text) == (f"http://{SITE}/third", "At last")
    assert [(hop.url, hop.status) for hop in seen.hops] == [
        (f"http://{SITE}/", 302),
        (f"http://{SITE}/second", 200),
    ]
    assert ("x-cache", "HIT") in seen.headers


@pytest.mark.parametrize("run", [BY_COOKIE, BY_HEADER])
async def test_marks_go_to_the_origin_alone(line: LineTo, run: str) -> None:
    line.internet.at(f"{CANARY}/", html("", "302 Found", f"Location: http://b.{CANARY}/\r\n"))
    line.internet.at(f"b.{CANARY}/", html("", "302 Found", "Location: http://block.example/\r\n"))
    line.internet.at("block.example/", html("<img src='http://other.example/image'>"))

    await visited(f"http://{CANARY}/", line, run=run)

    marker = attempt_at(f"http://{CANARY}/", run=run).marker
    assert marker is not None
    name, value = marker.carrier.header(marker.nonce)
    sent = f"\r\n{name}: {value}\r\n".encode()
    heads = line.internet.heads
    assert all(sent in head for head in (*heads[CANARY], *heads[f"b.{CANARY}"]))
    assert marker.nonce.encode() not in b"".join((*heads["block.example"], *heads["other.example"]))
    assert ORIGIN.nonce_in([value]) == marker.nonce


async def test_requests_are_those_of_a_browser_and_go_to_the_pages_hosts_alone(
    line: LineTo,
) -> None:
    line.internet.at(f"{SITE}/", html("<p>A page</p>"))
    line.internet.at("secure.example/", html("<p>A page</p>"))

    await visited(f"http://{SITE}/", line)
    await visited("https://secure.example/", line)

    first = line.internet.heads[SITE][0].decode().split("\r\n")
    assert first[0] == "GET / HTTP/1.1"
    assert [each.partition(":")[0] for each in first[1:]] == [
        *("Host", "Connection", "Upgrade-Insecure-Requests", "User-Agent", "Accept"),
        *("Accept-Encoding", "Accept-Language", "", ""),
    ]
    assert "Accept-Language: en-GB,en-US;q=0.9,en;q=0.8" in first
    assert "Headless" not in "".join(first)
    assert {(each.host, each.port) for each in line.dialled} == {
        (SITE, 80),
        ("secure.example", 443),
    }
    tunnel = next(each for each in line.dialled if each.port == 443).tunnel_headers
    assert [name for name, _ in tunnel] == ["Host", "Proxy-Connection", "User-Agent"]


async def test_certificates_are_verified_by_the_lines_authorities(line: LineTo) -> None:
    line.internet.at("secure.example/", html("<p>A page</p>"))
    line.internet.at("secure.example/", html("<p>A page</p>"))

    good = await visited("https://secure.example/", line)
    false = await visited("https://secure.example:8443/", line)
    wrong = await visited("https://another.example/", line)

    assert facts(good).certificate is not None
    assert facts(good).certificate.trusted  # type: ignore[union-attr]
    assert len(facts(good).certificate.chain) == 2  # type: ignore[union-attr]
    assert (facts(good).text, good.failure) == ("A page", None)
    for result, error, name in (
        (false, "ERR_CERT_AUTHORITY_INVALID", "ssl_unknown_authority"),
        (wrong, "ERR_CERT_COMMON_NAME_INVALID", "ssl_invalid_hostname"),
    ):
        assert facts(result).net_error == error
        assert (facts(result).status, facts(result).text) == (None, "")
        assert result.failure is not None
        assert (result.failure.name, result.failure.stage) == (name, "tls")
        assert [each.media_type for each in result.evidence] == ["image/png"]
    assert line.internet.heads.keys() == {"secure.example"}
    assert {each.host for each in line.dialled} == {"secure.example", "another.example"}


async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """End with a reset."""
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


async def close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """End without a word."""


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (Failure(name="dns_nxdomain_error", stage="resolve"), "ERR_NAME_NOT_RESOLVED"),
        (Failure(name="connection_refused", stage="connect"), "ERR_CONNECTION_REFUSED"),
        (Failure(name="generic_timeout_error", stage="connect"), "ERR_TIMED_OUT"),
        (Failure(name="host_unreachable", stage="connect"), "ERR_ADDRESS_UNREACHABLE"),
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_what_the_line_cannot_reach_is_shown_as_by_a_browser_of_its_own(
    line: LineTo, scheme: str, failure: Failure, error: str
) -> None:
    line.failures["dead.example"] = failure

    result = await visited(f"{scheme}://dead.example/", line)

    assert (result.failure, facts(result).net_error) == (failure, error)
    assert (facts(result).text, facts(result).canary) == ("", "not_applicable")
    assert [each.media_type for each in result.evidence] == ["image/png"]
    assert len(line.dialled) == 1


@pytest.mark.parametrize(
    ("ending", "error", "name"),
    [
        (cut, "ERR_CONNECTION_RESET", "connection_reset"),
        (close, "ERR_CONNECTION_CLOSED", "eof_error"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
            "ERR_RESPONSE_HEADERS_MULTIPLE_CONTENT_LENGTH",
            "http_invalid_response",
        ),
    ],
)
async def test_connections_that_end_badly(
    line: LineTo, ending: object, error: str, name: str
) -> None:
    line.internet.answers[SITE, "/"] = ending  # type: ignore[assignment]  # a talk or bytes

    result = await visited(f"http://{SITE}/", line)

    assert facts(result).net_error == error
    assert result.failure is not None
    assert (result.failure.name, result.failure.stage) == (name, "response")
    assert len(line.internet.heads[SITE]) == 1


async def test_a_page_that_leads_to_this_machine_does_not_reach_it(line: LineTo) -> None:
    refused = Failure(name="private_address", stage="connect", detail="127.0.0.1 is private")
    line.failures["127.0.0.1"] = refused
    line.internet.at(f"{SITE}/", html("", "302 Found", "Location: http://127.0.0.1:631/\r\n"))
    line.internet.at(f"{CANARY}/", html("<script>fetch('http://localhost:631/')</script>"))
    line.failures["localhost"] = refused

    result = await visited(f"http://{SITE}/", line)
    await visited(f"http://{CANARY}/", line)

    assert result.failure == refused
    assert result.evidence == ()
    asked = [(each.host, each.port) for each in line.dialled]
    assert ("127.0.0.1", 631) in asked
    assert ("localhost", 631) in asked


async def test_a_page_that_never_ends_is_read_when_the_time_is_up(line: LineTo) -> None:
    never = asyncio.Event()

    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await never.wait()

    line.internet.at(f"{SITE}/", html("<p>A page</p><img src='/never'>"))
    line.internet.at(f"{SITE}/never", wait)
    line.internet.at("silent.example/", wait)

    page = await visited(f"http://{SITE}/", line, timeout=3.0)
    silence = await visited("http://silent.example/", line, timeout=3.0)
    never.set()

    assert (facts(page).text, page.failure) == ("A page", None)
    assert silence.failure is not None
    assert (silence.failure.name, silence.failure.stage) == ("generic_timeout_error", "response")


async def test_visits_at_once_share_nothing(line: LineTo, tmp_path: Path) -> None:
    """Two profiles: the same host has another page on each line, and no cookie crosses over."""
    page = "<p>%s</p><script>document.cookie = 'seen=%s'</script>"
    async with SmallInternet() as internet, LineTo(internet, line.authorities[0], "staff") as other:
        for each, name in ((line, "pupils"), (other, "staff")):
            each.internet.at(f"{SITE}/", html(page % (name, name)))

        results = await asyncio.gather(
            *(visited(f"http://{SITE}/", each) for each in (line, other, line, other))
        )

        assert [facts(each).text for each in results] == ["pupils", "staff", "pupils", "staff"]
        assert b"seen=" not in b"".join((*line.internet.heads[SITE], *internet.heads[SITE]))


async def test_a_cancelled_visit_leaves_nothing_open(line: LineTo) -> None:
    arrived, never = asyncio.Event(), asyncio.Event()

    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrived.set()
        assert await reader.read() == b""  # until the browser has gone
        never.set()

    line.internet.at(f"{SITE}/", wait)
    visit = asyncio.create_task(visited(f"http://{SITE}/", line))
    await arrived.wait()
    visit.cancel()
    with pytest.raises(asyncio.CancelledError):
        await visit
    await never.wait()

    line.internet.at(f"{SITE}/", html("<p>Again</p>"))
    assert facts(await visited(f"http://{SITE}/", line)).text == "Again"
