"""``accredit origin check`` finds each fault of an origin, and of the ways to it."""

from __future__ import annotations

import asyncio
import errno
import json
import socket
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from harness.model.campaign import Limits
from harness.model.origin_zone import OriginZone
from harness.ports.network import Line
from probes.lines.direct import Control, ControlOptions
from probes.lines.explicit_proxy import ExplicitProxy, ExplicitProxyOptions
from probes.net.route import Address
from probes.range import origin_check
from probes.range.authority import Authority
from probes.range.connection import Connection, Request
from probes.range.listener import Listener
from probes.range.origin_pages import block_page
from probes.range.zone import ZoneNames
from test_suites.kit.networks.public_origin import TWINS, ZONE
from test_suites.kit.processes.product import LOOPBACK, free_port
from test_suites.products.checked_origin import (
    APART,
    PASSES,
    SECOND,
    StartWorld,
    problems,
    start_origin,
    start_parent,
)

__all__ = ["start_origin", "start_parent"]


async def test_a_parent_that_does_not_answer_is_a_problem_and_no_pass(
    start_origin: StartWorld,
) -> None:
    world = await start_origin()
    with socket.socket(type=socket.SOCK_DGRAM) as silent:
        silent.bind((LOOPBACK, 0))
        port = silent.getsockname()[1]
        results = await world.check(parents=(Address(host=LOOPBACK, port=port),), patience=0.5)

    found = problems(results)
    for zone in (ZONE, SECOND, TWINS):
        assert "no name server of the zone above answered" in found[f"delegation {zone}"].seen
    assert not any(each.check == "glue" for each in results)


async def test_a_resolver_that_finds_another_place_or_nothing_is_told(
    start_origin: StartWorld,
) -> None:
    world = await start_origin()
    away = OriginZone(zone=ZONE, addresses=("192.0.2.99",), nameservers=(f"ns1.{ZONE}",))
    world.found = ZoneNames(zones=(away,))

    found = problems(await world.check(patience=2.0))

    assert "is at 192.0.2.99" in found[f"resolution {ZONE}"].seen
    assert f"the origin's addresses are {LOOPBACK}" in found[f"resolution {ZONE}"].fix
    for zone in (SECOND, TWINS):
        assert "finds no address of" in found[f"resolution {zone}"].seen


async def test_closed_ports_are_named(start_origin: StartWorld) -> None:
    world = await start_origin()
    http, https, dns_port = (free_port() for _ in range(3))
    closed = replace(world.origin, ports={80: http, 443: https}, resolver=f"{LOOPBACK}:{dns_port}")

    found = problems(await world.check(origin=closed, patience=2.0))

    for zone, address in ((ZONE, LOOPBACK), (TWINS, APART)):
        for check, port in (
            (f"http page at {address}", http),
            (f"https page at {address}", https),
            ("name server by TCP", dns_port),
            ("name server by UDP", dns_port),
        ):
            told = found[f"{check} {zone}"]
            silence = "refused" if "UDP" not in check else "no answer within 2 s"
            assert silence in told.seen.lower(), told
            assert f"port {port} of {address}" in told.fix
    assert "health and clock " + ZONE in found
    assert "path control" in found


async def test_the_key_of_another_origin_is_told(start_origin: StartWorld) -> None:
    world = await start_origin()

    found = problems(await world.check(origin=replace(world.origin, key=b"x" * 32)))

    pages = [each for name, each in found.items() if " page at " in name]
    assert 8 == len(pages)
    assert all("not a page with this origin's mark" in each.seen for each in pages)
    assert all("its key differs" in each.fix for each in pages)
    assert "status 200" in found["path control"].seen
    assert len(found) == 9


@pytest.mark.parametrize("seconds", [3600, -3600])
async def test_a_clock_that_is_off_is_told(start_origin: StartWorld, seconds: int) -> None:
    world = await start_origin(now=lambda: datetime.now(UTC) + timedelta(seconds=seconds))

    (told,) = (problems(await world.check())).values()

    assert "health and clock" == told.check
    side = "ahead of" if seconds > 0 else "behind"
    assert f" seconds {side} this machine's" in told.seen
    assert "3,59" in told.seen or "3,60" in told.seen
    assert "NTP" in told.fix


async def test_the_largest_difference_of_the_clocks_that_is_possible_is_told(
    start_origin: StartWorld,
) -> None:
    moment = datetime(2026, 11, 27, 12, tzinfo=UTC)
    world = await start_origin(now=lambda: moment)
    moments = iter([moment - timedelta(seconds=20), moment + timedelta(seconds=5)])

    options = origin_check.CheckOptions(resolver=world.resolver, now=lambda: next(moments))
    told = await origin_check._WebChecks(world.origin, options)._clock()

    assert ("ok", "nothing is wrong; the clocks differ by at most 21.0 s") == (
        told.state, told.seen,
    )  # fmt: skip


async def test_a_clock_at_an_address_that_this_machine_cannot_reach_is_unseen(
    start_origin: StartWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await start_origin()
    zone = OriginZone(zone=ZONE, addresses=("::1",), nameservers=(f"ns1.{ZONE}",))
    away = replace(world.origin, zones=(zone,), twins=None)

    async def unreachable(*_: object, **__: object) -> None:
        raise OSError(errno.ENETUNREACH, "no way")

    monkeypatch.setattr(origin_check._WebChecks, "_fetched", unreachable)
    results = await world.check(origin=away, lines={}, patience=0.2)

    (told,) = [each for each in results if each.check == "health and clock"]
    assert ("unseen", "::1: this machine has no IPv6") == (told.state, told.seen)


ALTERNATIVE_NAMES = x509.ObjectIdentifier("2.5.29.17")
FIRST, OTHER = x509.ObjectIdentifier("1.2.3.4"), x509.ObjectIdentifier("1.2.3.5")


def odd_certificate(*extensions: x509.UnrecognizedExtension) -> bytes:
    """A certificate with unusual extensions; ``OTHER`` becomes ``FIRST``, so that it has two."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "odd")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 7, now, now + timedelta(days=9))
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    signed = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
    return signed.replace(b"\x06\x03\x2a\x03\x05", b"\x06\x03\x2a\x03\x04")


@pytest.mark.parametrize(
    "certificate",
    [
        odd_certificate(
            x509.UnrecognizedExtension(FIRST, b"\x05\x00"),
            x509.UnrecognizedExtension(OTHER, b"\x05\x00"),
        ),
        odd_certificate(x509.UnrecognizedExtension(ALTERNATIVE_NAMES, b"\x30\x04\xa5\x02\x30\x00")),
        b"\x30\x00",
    ],
)
def test_an_odd_certificate_is_described_whatever_it_holds(certificate: bytes) -> None:
    assert "one that cannot be read" == origin_check._described(certificate)


async def test_a_log_that_cannot_be_written_is_told(start_origin: StartWorld) -> None:
    world = await start_origin(log="/dev/full")
    await world.check()

    found = problems(await world.check())

    assert "the log cannot be written" in found[f"health and clock {ZONE}"].seen


def given(folder: Path, leaf: Callable[[Authority], Any]) -> dict[str, Any]:
    """Settings with a given certificate, whose authority campaigns trust."""
    folder.mkdir()
    authority = Authority()
    pem = authority.pem_with_key(leaf(authority))
    split = pem.index(b"-----BEGIN CERTIFICATE")
    (folder / "chain.pem").write_bytes(pem[split:])
    (folder / "key.pem").write_bytes(pem[:split])
    (folder / "trust.pem").write_bytes(authority.pem)
    files = {name: str(folder / f"{name}.pem") for name in ("chain", "key")}
    return {"authority": "", "certificate": files["chain"], "certificate_key": files["key"]}


@pytest.mark.parametrize(
    ("host", "days", "seen", "fix"),
    [
        (
            "elsewhere.example",
            30,
            "it shows one for elsewhere.example, by CN=",
            "a certificate for",
        ),
        (f"*.{ZONE}", -1, "expired", "a certificate for"),
    ],
)
async def test_a_wrong_certificate_is_told_with_what_it_is_for(
    start_origin: StartWorld, tmp_path: Path, host: str, days: int, seen: str, fix: str
) -> None:
    world = await start_origin(
        **given(
            tmp_path / "t", lambda made: made.leaf(host, lifetime=timedelta(days=days, hours=1))
        )
    )
    trusting = replace(world.origin, authority=str(tmp_path / "t/trust.pem"))

    found = problems(await world.check(origin=trusting))

    for zone in (ZONE, SECOND):
        told = found[f"https page at {LOOPBACK} {zone}"]
        assert seen in told.seen
        assert fix in told.fix
        assert f"no valid certificate for {zone}" in found[f"certificate names {zone}"].seen
    assert f"http page at {LOOPBACK} {ZONE}" not in found


async def test_a_chain_that_nobody_trusts_is_told(start_origin: StartWorld, tmp_path: Path) -> None:
    world = await start_origin()
    (tmp_path / "other.pem").write_bytes(Authority().pem)
    distrusting = replace(world.origin, authority=str(tmp_path / "other.pem"))

    found = problems(await world.check(origin=distrusting))

    told = found[f"https page at {LOOPBACK} {ZONE}"]
    assert "self-signed certificate in certificate chain" in told.seen
    assert "until 20" in told.seen


async def test_a_certificate_that_ends_soon_is_told(start_origin: StartWorld) -> None:
    world = await start_origin()
    later = datetime.now(UTC) + timedelta(days=20)

    found = problems(await world.check(now=lambda: later))

    told = found[f"https page at {LOOPBACK} {ZONE}"]
    assert ", 9 days" in told.seen or ", 10 days" in told.seen
    assert "renew the certificate" in told.fix
    assert f"authority {world.origin.authority}" not in found


async def test_twins_without_a_certificate_are_no_problem(start_origin: StartWorld) -> None:
    world = await start_origin(twins={"zone": TWINS, "addresses": (APART,)})

    results = await world.check()

    (told,) = [each for each in results if each.state == "unseen"]
    assert (f"https page at {APART}", TWINS) == (told.check, told.of)
    assert not [name for name in problems(results) if name.endswith(f" page at {APART} {TWINS}")]


class Blocking(Connection):
    """A proxy that blocks every page."""

    def on_request(self, request: Request) -> None:
        self.answer(block_page(request.host, ""))


async def test_the_way_over_each_line_is_told(start_origin: StartWorld) -> None:
    world = await start_origin()
    async with Listener(lambda: Blocking(None)) as blocking:
        lines: dict[str, Line] = {
            "control": Control("control", ControlOptions(), world.origin, Limits())
        }
        for name, port in (("blocks", blocking.port), ("dead", free_port())):
            options = ExplicitProxyOptions(proxy=f"http://{LOOPBACK}:{port}")
            lines[name] = ExplicitProxy(name, options, world.origin, Limits())
        results = await world.check(lines=lines)

    states = {each.of: each for each in results if each.check == "path"}
    assert ["ok", "problem", "problem"] == [each.state for each in states.values()]
    assert "no page of ours: status 403" in states["blocks"].seen
    assert f"{PASSES} must be allowed" in states["blocks"].fix
    assert "connection_refused" in states["dead"].seen


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
UNMARKED = "not a page with this origin's mark"


def dated(time: str) -> bytes:
    """A health page that anybody on the way can answer."""
    return HEAD + json.dumps({"status": "ok", "time": time}).encode()


@pytest.mark.parametrize(
    ("sent", "pause", "seen", "said"),
    [
        (HEAD + b"x" * 200, 0.02, "no answer in time", "no answer in time"),
        (b"\x00\xff" * 200, 0.0, "harbour-", ""),
        (HEAD + b"[" * 100_000, 0.0, UNMARKED, "no health page"),
        (dated("never"), 0.0, UNMARKED, "no health page"),
        (dated("2026-11-27T12:00:00"), 0.0, UNMARKED, "no health page"),
        (dated("9999-12-31T23:59:59Z"), 0.0, UNMARKED, "seconds ahead of this machine's"),
        (dated("9999-12-31T23:59:59-23:59"), 0.0, UNMARKED, ""),
        (dated("0001-01-01T00:00:00Z"), 0.0, UNMARKED, "seconds behind this machine's"),
        (dated("0001-01-01T00:00:00+23:59"), 0.0, UNMARKED, ""),
        (b"", 0.0, "harbour-", ""),
    ],
)
async def test_a_hostile_server_at_the_address_is_a_problem_and_no_end(
    start_origin: StartWorld, sent: bytes, pause: float, seen: str, said: str
) -> None:
    world = await start_origin()

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        step = 1 if pause else len(sent) or 1
        try:
            for place in range(0, len(sent), step):
                writer.write(sent[place : place + step])
                await writer.drain()
                await asyncio.sleep(pause)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, LOOPBACK, 0)
    port = server.sockets[0].getsockname()[1]
    hostile = replace(world.origin, ports={80: port, 443: port})
    async with server:
        found = problems(await world.check(origin=hostile, patience=0.5, lines={}))

    assert said in found[f"health and clock {ZONE}"].seen
    for name in (f"http page at {LOOPBACK} {ZONE}", f"health and clock {ZONE}"):
        assert name in found
    assert seen in found[f"http page at {LOOPBACK} {ZONE}"].seen
    assert f"https page at {LOOPBACK} {ZONE}" in found
