"""A private network: what is inside it, and how what goes wrong is said."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from probes.net import private_network
from probes.net.private_network import LOOPBACK, PrivateNetwork, PrivateNetworkError, program


@pytest.fixture
async def network() -> AsyncIterator[PrivateNetwork]:
    made = PrivateNetwork()
    try:
        await made.__aenter__()
    except PrivateNetworkError as error:
        pytest.skip(str(error))
    try:
        yield made
    finally:
        await made.__aexit__(None, None, None)


async def test_bytes_go_to_a_listener_inside_and_nowhere_else(network: PrivateNetwork) -> None:
    listening = await network.listen(80)
    loop = asyncio.get_running_loop()
    stream = await network.connect(LOOPBACK, 80)
    accepted, _ = await loop.sock_accept(listening)
    with listening, accepted:
        await stream.write(b"question")
        assert await loop.sock_recv(accepted, 100) == b"question"
        stream.close()
    assert "inet 127.0.0.1/8" in await network.run("ip", "-4", "address")
    assert not (await network.run("ip", "route")).strip()


async def test_a_client_waits_for_a_listener_that_comes_later(network: PrivateNetwork) -> None:
    connecting = asyncio.ensure_future(network.connect(LOOPBACK, 8080))
    await network.run("true")
    listening = await network.listen(8080)
    (await connecting).close()
    listening.close()


async def test_files_and_programs_are_inside_alone(network: PrivateNetwork) -> None:
    path = await network.write("greeting", "hello\n")
    await network.start("cat", ["sh", "-c", f"cat {path} && echo $COLOUR && exec sleep 600"],
                        {"COLOUR": "blue"})  # fmt: skip
    assert await network.wait_for_log("cat", "blue") == "hello\nblue\n"
    await network.wait_for_file("greeting", "cat")
    assert not await asyncio.to_thread(Path(path).exists)


async def test_a_program_that_ended_is_an_error_with_the_end_of_its_log(
    network: PrivateNetwork,
) -> None:
    await network.start("sh", ["sh", "-c", "echo no licence; exit 3"])
    with pytest.raises(PrivateNetworkError, match="sh ended with status 3: no licence"):
        await network.wait_for_log("sh", "ready")
    with pytest.raises(PrivateNetworkError, match="sh ended with status 3"):
        await network.connect(LOOPBACK, 80, "sh")
    with pytest.raises(PrivateNetworkError, match="sh ended with status 3"):
        await network.wait_for_file("absent", "sh")


async def test_commands_and_requests_that_fail_are_errors(
    network: PrivateNetwork, tmp_path: Path
) -> None:
    with pytest.raises(PrivateNetworkError, match="sh: too bad"):
        await network.run("sh", "-c", "echo too bad >&2; exit 1")
    with pytest.raises(PrivateNetworkError, match="No such file"):
        await network.start("none", [str(tmp_path / "absent")])
    with pytest.raises(PrivateNetworkError, match="address"):
        await network.listen(80, "192.0.2.1")
    with pytest.raises(PrivateNetworkError, match="unknown"):
        await network.check("unknown")
    assert await network.run("echo", "still there") == "still there\n"


async def test_who_stops_waiting_leaves_no_answer_to_the_next_request(
    network: PrivateNetwork,
) -> None:
    abandoned = asyncio.ensure_future(network.listen(4000))
    await asyncio.sleep(0)
    abandoned.cancel()
    with pytest.raises(asyncio.CancelledError):
        await abandoned
    assert await network.run("echo", "right") == "right\n"
    (await network.listen(4000)).close()  # the abandoned socket was closed


async def test_a_device_gets_the_packets_that_are_routed_to_it(network: PrivateNetwork) -> None:
    try:
        descriptor = await network.tun("tun7", "10.4.0.1/24")
    except PrivateNetworkError as error:
        pytest.skip(str(error))
    assert "tun7" in await network.run("ip", "address", "show", "dev", "tun7")
    connecting = asyncio.ensure_future(network.connect("10.4.0.2", 80))
    has_come = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(descriptor, has_come.set)
    await has_come.wait()
    loop.remove_reader(descriptor)
    packet = os.read(descriptor, 2000)
    assert packet[0] >> 4 in (4, 6)
    connecting.cancel()
    await asyncio.gather(connecting, return_exceptions=True)
    os.close(descriptor)


async def test_a_network_that_was_ended_is_an_error(network: PrivateNetwork) -> None:
    process = network._process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    await process.wait()
    with pytest.raises(PrivateNetworkError):
        await network.run("true")
    with pytest.raises(PrivateNetworkError):
        await network.connect(LOOPBACK, 80)


def test_a_missing_program_is_named_with_its_package() -> None:
    with pytest.raises(PrivateNetworkError, match=r"'nonesuch' is not installed.*none-such"):
        program("nonesuch", "none-such")
    with pytest.raises(PrivateNetworkError, match="/usr/lib/nonesuch"):
        program("/usr/lib/nonesuch", "none-such")
    assert program("sh", "dash").endswith("/sh")
    assert program("/etc/passwd", "base-passwd") == "/etc/passwd"


async def test_a_machine_that_allows_no_namespaces_is_an_error_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("setpriv", "unshare", "ip"):
        stand_in = tmp_path / name
        stand_in.write_text("#!/bin/sh\necho 'Operation not permitted' >&2; exit 1\n")
        stand_in.chmod(0o755)
    monkeypatch.setattr(private_network, "PATHS", (str(tmp_path),))
    with pytest.raises(PrivateNetworkError, match=r"no private network.*not permitted"):
        async with PrivateNetwork():
            raise AssertionError("not reached")
