"""Tunnels by real programs: the page comes through each, and nothing of them is left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from harness.model.campaign import Limits
from harness.model.facts import TechniqueFacts
from probes.lines.direct import Control, ControlOptions
from probes.lines.explicit_proxy import ExplicitProxy, ExplicitProxyOptions
from probes.range.bound_socket import bound_socket
from probes.range.testbed import RangeTestbed
from probes.tunnels.table import TUNNELS
from test_suites.kit.campaigns.techniques import HOST, PAGE, tried
from test_suites.kit.networks.tunnel_programs import require_tunnels

PATIENCE = 60.0
"""Seconds for a tunnel, which needs 0.3 s on an idle machine, and for the end of its processes."""


@pytest.fixture
async def bed(tmp_path: Path) -> AsyncIterator[RangeTestbed]:
    async with RangeTestbed(tmp_path) as testbed:
        yield testbed


@pytest.fixture
async def control(bed: RangeTestbed) -> AsyncIterator[Control]:
    async with Control("control", ControlOptions(), bed.origin, Limits()) as line:
        yield line


@pytest.mark.parametrize("name", TUNNELS)
@pytest.mark.parametrize("at", ["{ip}", "{allowed}"])
async def test_the_page_comes_through_a_tunnel(
    bed: RangeTestbed, control: Control, name: str, at: str
) -> None:
    require_tunnels([name])
    result = await tried(f"tunnel-by {name} at={at} | {PAGE}", control, PATIENCE)

    assert isinstance(result.facts, TechniqueFacts), result.failure
    assert (result.facts.canary, result.facts.obstacle) == ("seen", ""), result.failure
    assert [each.step for each in result.facts.sent] == ["tunnel-by", "http1"]
    [arrival] = bed.log.arrivals(HOST)
    assert (arrival.over, arrival.method) == ("http", "GET")


@pytest.mark.parametrize("name", [name for name, each in TUNNELS.items() if each.over == "tcp"])
async def test_a_proxy_that_lets_a_tunnel_pass_carries_it(bed: RangeTestbed, name: str) -> None:
    require_tunnels([name])
    options = ExplicitProxyOptions(proxy=bed.origin.services["reference"]["proxy"]["ks2"])
    async with ExplicitProxy("service", options, bed.origin, Limits()) as line:
        result = await tried(f"tunnel-by {name} at={{allowed}} | {PAGE}", line, PATIENCE)

    assert isinstance(result.facts, TechniqueFacts), result.failure
    assert (result.facts.canary, result.facts.tunnel_status) == ("seen", 200), result.failure


@pytest.mark.parametrize("name", [name for name, each in TUNNELS.items() if each.over == "udp"])
async def test_a_refused_datagram_is_the_failure_at_once(bed: RangeTestbed, name: str) -> None:
    require_tunnels([name])
    with bound_socket(socket.SOCK_DGRAM, "127.0.0.1", 0) as unused:
        port = unused.getsockname()[1]
    ports = bed.origin.ports | dict.fromkeys(TUNNELS[name].ports, port)
    origin = replace(bed.origin, ports=ports)
    async with Control("control", ControlOptions(), origin, Limits()) as line:
        result = await tried(f"tunnel-by {name} | {PAGE}", line, 600)

    assert result.failure is not None
    assert (result.failure.name, result.failure.stage) == ("connection_refused", "tunnel")


@pytest.mark.parametrize("name", ["ssh", "openvpn-tcp", "obfs"])
async def test_a_connection_that_ends_is_the_failure_at_once(bed: RangeTestbed, name: str) -> None:
    """Also of a client that would try again."""
    require_tunnels([name])

    async def close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.close()

    async with await asyncio.start_server(close, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        ports = bed.origin.ports | dict.fromkeys(TUNNELS[name].ports, port)
        origin = replace(bed.origin, ports=ports)
        async with Control("control", ControlOptions(), origin, Limits()) as line:
            result = await tried(f"tunnel-by {name} | {PAGE}", line, 600)

    assert result.failure is not None
    assert result.failure.name in ("eof_error", "connection_reset")
    assert result.failure.stage == "tunnel"


@pytest.mark.parametrize("name", ["ssh", "openvpn-udp", "wireguard", "ikev2", "sstp"])
async def test_a_tunnel_leaves_nothing_behind(
    bed: RangeTestbed, control: Control, name: str
) -> None:
    """The far end goes on until the range ends; all that the client had is gone."""
    require_tunnels([name])
    devices = _devices()
    before = _networks(os.getpid())
    await tried(f"tunnel-by {name} | {PAGE}", control, PATIENCE)
    await tried(f"tunnel-by {name} | {PAGE}", control, PATIENCE)

    assert _networks(os.getpid()) == before + 1
    assert _devices() == devices


async def test_the_far_ends_end_with_the_range(tmp_path: Path) -> None:
    require_tunnels(["ssh"])
    own = set(_descendants(os.getpid()))
    async with (
        RangeTestbed(tmp_path) as bed,
        Control("control", ControlOptions(), bed.origin, Limits()) as line,
    ):
        await tried(f"tunnel-by ssh | {PAGE}", line, PATIENCE)
        assert set(_descendants(os.getpid())) - own
    assert set(_descendants(os.getpid())) <= own


PROGRAM = """
import asyncio, sys
from pathlib import Path
from harness.model.campaign import Limits
from probes.lines.direct import Control, ControlOptions
from probes.range.bound_socket import bound_socket
from probes.range.testbed import RangeTestbed
from test_suites.kit.campaigns.techniques import tried

async def main():
    async with (
        RangeTestbed(Path(sys.argv[1])) as bed,
        Control("control", ControlOptions(), bed.origin, Limits()) as line,
    ):
        print("begun", flush=True)
        await tried(f"tunnel-by {sys.argv[2]} | http1 POST / HTTP/1.1{{answer}}", line, 600.0)

asyncio.run(main())
"""
"""Opens a tunnel, and waits for an answer that never comes."""


@pytest.mark.parametrize(
    ("name", "program"),
    [
        ("ssh", "ssh"),
        ("wireguard", "wireguard-go"),
        ("openvpn-tcp", "openvpn"),
        ("iodine", "iodine"),
    ],
)
def test_nothing_outlives_a_process_that_is_killed(tmp_path: Path, name: str, program: str) -> None:
    require_tunnels([name])
    argv = [sys.executable, "-c", PROGRAM, str(tmp_path), name]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"begun\n"
            _wait(lambda: _networks(process.pid) == BOTH_ENDS)
            _wait(lambda: program in map(_name_of, _descendants(process.pid)))
            descendants = list(_descendants(process.pid))
        finally:
            process.send_signal(signal.SIGKILL)
    _wait(lambda: not any(map(_is_alive, descendants)))


def _wait(condition: object) -> None:
    """Wait until a condition holds; fail if it never does."""
    assert callable(condition)
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it never came to pass"
        time.sleep(0.02)


def _descendants(pid: int) -> Iterator[int]:
    """The processes that a process has started, and those that they have, also in namespaces."""
    with suppress(OSError):
        for path in Path(f"/proc/{pid}/task").glob("*/children"):
            for child in path.read_text(encoding="ascii").split():
                if _is_alive(int(child)):
                    yield int(child)
                yield from _descendants(int(child))


def _devices() -> set[str]:
    return {each.name for each in Path("/sys/class/net").iterdir()}


BOTH_ENDS = 2


def _networks(pid: int) -> int:
    """How many private networks a process has: each ends with its first process."""
    return [*map(_name_of, _descendants(pid))].count("unshare")


def _name_of(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
    return ""


def _is_alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not waited for does not."""
    with suppress(OSError):
        return (
            Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
            != "Z"
        )
    return False
