"""A device in a network namespace, with two gateways, between which its default route is changed.

Either gateway leads to the proxy of a range; without a route nothing does. The control line of the
device leads past them, by doors of its own.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from socket import SOCK_STREAM
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from probes.net.local_binding import LocalBinding, open_socket
from probes.range.testbed import RangeTestbed
from probes.range.zone import ADDRESS, TWIN_ADDRESS
from test_suites.calibration.pupils_network import LOOPBACK_UP, Door, Doors
from test_suites.kit.campaigns.ranges import origin_file
from test_suites.kit.campaigns.rehearsal import write_campaign
from test_suites.kit.networks.byte_stream import ByteStream
from test_suites.kit.networks.listening import Listening
from test_suites.kit.networks.own_network import own_network
from test_suites.kit.processes.warm_start import COMMAND

PROXY, PORT = "198.51.100.10", 3128
"""The address of the school's proxy (RFC 5737), at each gateway."""
GATEWAYS = (1, 2)
SCHEME = """\
id: our-school
version: "1.0"
title: Devices
policy: uk-schools-2026
requirements: [{id: DEV-03}]
"""


class Networks(NamedTuple):
    """The paths of the namespaces of the device and of its gateways."""

    device: str
    gateways: tuple[str, ...]

    def route(self, gateway: int | None) -> None:
        """Lead the device's packets to a gateway (from 1), or nowhere."""
        if gateway is None:
            _inside(self.device, "ip", "route", "del", "default")
        else:
            _inside(self.device, "ip", "route", "add", "default", "via", f"10.77.{gateway}.1")


@contextmanager
def networks() -> Iterator[Networks]:
    """Make the namespaces, with the route to the first gateway; skips where none can be made."""
    with ExitStack() as stack:
        at_gateway = (LOOPBACK_UP, f"ip address add {PROXY}/32 dev lo")
        gateways = [stack.enter_context(own_network(*at_gateway)) for _ in GATEWAYS]
        wires = [
            command
            for number, path in enumerate(gateways, 1)
            for command in (
                f"ip link add up{number} type veth peer name device netns {path.split('/')[2]}",
                f"ip address add 10.77.{number}.2/24 dev up{number}",
                f"ip link set up{number} up",
            )
        ]
        device = stack.enter_context(own_network(LOOPBACK_UP, *wires, kind="virtual wires"))
        try:
            for number, path in enumerate(gateways, 1):
                _inside(path, "ip", "address", "add", f"10.77.{number}.1/24", "dev", "device")
                _inside(path, "ip", "link", "set", "device", "up")
            made = Networks(device, tuple(gateways))
            made.route(1)
        except (OSError, subprocess.CalledProcessError) as error:
            pytest.skip(f"this machine allows no routes between network namespaces: {error}")
        yield made


def _inside(network: str, *command: str) -> None:
    subprocess.run(["nsenter", f"--net={network}", *command], check=True, capture_output=True)


class MovedDevice:
    """A device of a school, while its asynchronous context lasts."""

    def __init__(self, world: RangeTestbed, made: Networks, folder: Path) -> None:
        self.world, self.networks, self.folder = world, made, folder
        (folder / "scheme.yaml").write_text(SCHEME, encoding="utf-8")
        self.campaign = write_campaign(
            folder,
            origin=origin_file(world),
            lines=[
                {
                    "name": "device",
                    "type": "explicit_proxy",
                    "options": {"proxy": f"http://{PROXY}:{PORT}"},
                }
            ],
            categories=["GAMB"],
            sample=11,
            limits={"timeout": 5, "concurrency": 20},
            scheme="scheme.yaml",
        )
        self._listening = Listening()
        origin = world.origin
        resolver = int(origin.resolver.rpartition(":")[2])
        ports = sorted({resolver, *origin.ports.values()})
        doors = [Door(port=port, to=port) for port in ports]
        doors.append(Door(port=resolver, to=resolver, over="udp"))
        self._doors = Doors(made.device, doors)

    async def __aenter__(self) -> MovedDevice:
        await self._listening.__aenter__()
        proxy = self.world.origin.services["reference"]["proxy"]["pupils"]
        to = urlsplit(proxy).port
        assert to is not None
        for path in self.networks.gateways:
            await self._lead(path, (PROXY, PORT), (ADDRESS, to))
        pages = self.world.origin.ports[80]
        twins = TWIN_ADDRESS, pages
        await self._lead(self.networks.device, twins, twins)
        await self._doors.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._doors.__aexit__(*exc)
        await self._listening.__aexit__(*exc)

    async def _lead(self, network: str, at: tuple[str, int], to: tuple[str, int]) -> None:
        """Lead connections at an address in a network to one where the range is."""
        opened = open_socket(at[0], SOCK_STREAM, LocalBinding(netns=network))
        opened.bind(at)
        await self._listening.listen(partial(_relay, to), opened=opened)

    async def start(self, *words: str) -> asyncio.subprocess.Process:
        """Start ``accredit device moment`` on the device."""
        out = str(self.folder / "out")
        return await asyncio.create_subprocess_exec(
            *("nsenter", f"--net={self.networks.device}", sys.executable, "-c"),
            *(COMMAND.format(before=""), "device", "moment", str(self.campaign), *words),
            *("--out", out),
            env=os.environ | {"XDG_STATE_HOME": "/nonexistent"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )


async def _relay(to: tuple[str, int], stream: ByteStream) -> None:
    await stream.relay(*to, b"")


async def said(process: asyncio.subprocess.Process, words: str) -> str:
    """Wait until a process says something; what it said until then."""
    assert process.stdout is not None
    text = ""
    while words not in text:
        line = await process.stdout.readline()
        assert line, f"it ended: {text}"
        text += line.decode()
    return text


async def rest(process: asyncio.subprocess.Process) -> tuple[str, int | None]:
    """Wait for the end of a process; what else it said, and its exit code."""
    text, _ = await process.communicate()
    return text.decode(), process.returncode
