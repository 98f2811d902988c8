"""``PrivateNetwork``: a network namespace of its own, with the programs that run inside it.

Nothing inside reaches the machine's networks, and nothing of it is left behind: its devices,
routes, processes and files (in memory) end with this process, also if that is killed. Sockets are
opened inside and used outside. Linux alone: ``namespaces(7)``, by ``unshare`` and ``setpriv`` of
util-linux and ``ip`` of iproute2. No privilege is needed where user namespaces are allowed.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import msgspec

from probes.net.dialling import Stream

FOLDER = "/run/private"
"""The folder of files and logs inside the network, in memory; programs begin in it."""

FIRST_PROCESS = Path(__file__).with_name("private_network_process.py")
"""The script of its first process; it is not imported, since it needs Linux."""

LOOPBACK = "127.0.0.1"
LONGEST_ANSWER = 65536
SOON = 0.02
"""Seconds between two looks at whether something is ready."""

PATHS = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
PACKAGES = {"setpriv": "util-linux", "unshare": "util-linux", "ip": "iproute2"}
"""The Debian package of each program that a private network needs."""


class PrivateNetworkError(Exception):
    """A private network, or something inside it, cannot be had; the message says why."""


def program(name: str, package: str) -> str:
    """Return the path of a program, or of a file that it needs (``name`` is then its path).

    Raises PrivateNetworkError, which names the package.
    """
    found = shutil.which(name, path=os.pathsep.join(PATHS))
    if found is None and not Path("/", name).is_file():
        msg = f"the program {name!r} is not installed (Debian package {package})"
        raise PrivateNetworkError(msg)
    return found or name


class PrivateNetwork:
    """A private network, while its asynchronous context lasts.

    Its programs are root inside, and have no privileges outside. All methods raise
    PrivateNetworkError.
    """

    def __init__(self) -> None:
        self._control: socket.socket | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        tools = {name: program(name, package) for name, package in PACKAGES.items()}
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control.settimeout(0)
        try:
            with theirs:
                self._process = await asyncio.create_subprocess_exec(
                    *(tools["setpriv"], "--pdeathsig", "KILL", "--"),
                    *(tools["unshare"], "--user", "--map-root-user", "--net", "--mount", "--pid"),
                    *("--fork", "--kill-child=KILL", "--"),
                    *(sys.executable, "-I", "-S", str(FIRST_PROCESS)),
                    *(str(theirs.fileno()), FOLDER),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.DEVNULL,
                    stderr=asyncio.subprocess.PIPE,
                    pass_fds=(theirs.fileno(),),
                    env={"PATH": os.pathsep.join(PATHS), "LC_ALL": "C"},
                )
            await self._receive()
        except BaseException:
            await self._end()
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._end()

    async def _end(self) -> None:
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()
            await asyncio.shield(self._process.communicate())

    async def write(self, path: str, text: str) -> str:
        """Write a file for the programs inside; return its path."""
        await self._ask(do="write", path=path, text=text)
        return f"{FOLDER}/{path}"

    async def run(self, *argv: str) -> str:
        """Run a command to its end; return what it wrote. One that fails is an error."""
        answer, _ = await self._ask(do="run", argv=argv)
        return str(answer["output"])

    async def start(
        self, name: str, argv: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> None:
        """Start a program that goes on until the network ends."""
        await self._ask(do="start", name=name, argv=argv, environment=dict(environment or {}))

    async def check(self, name: str) -> str:
        """Return the end of a program's log. It is an error if the program has ended.

        Without a name, only check that the network lasts.
        """
        answer, _ = await self._ask(do="look", name=name)
        text = str(answer["output"])
        if answer["status"] is not None:
            msg = f"{name} ended with status {answer['status']}: {text.strip()[-300:]}"
            raise PrivateNetworkError(msg)
        return text

    async def wait_for_log(self, name: str, text: str) -> str:
        """Wait until a program's log has a text; return the log. Has no time limit of its own."""
        while text not in (log := await self.check(name)):  # noqa: ASYNC110 - of another process
            await asyncio.sleep(SOON)
        return log

    async def wait_for_file(self, path: str, name: str) -> None:
        """Wait until the program ``name`` has made a file or socket. Has no time limit."""
        while (await self._ask(do="exists", path=path))[0]["exists"] is False:
            await self.check(name)
            await asyncio.sleep(SOON)

    async def listen(self, port: int = 0, address: str = LOOPBACK) -> socket.socket:
        """Return a listening TCP socket inside the network; with port 0 the system chooses one."""
        _, opened = await self._ask(do="listen", address=address, port=port)
        return _socket_of(opened)

    async def datagrams(self, port: int = 0, address: str = LOOPBACK) -> socket.socket:
        """Return a bound UDP socket inside the network; with port 0 the system chooses one."""
        _, opened = await self._ask(do="datagrams", address=address, port=port)
        return _socket_of(opened)

    async def connect(self, address: str, port: int, name: str = "") -> Stream:
        """Connect to an address inside the network as soon as somebody listens there.

        It is an error if the program ``name`` ends before. Has no time limit of its own.
        """
        while True:
            with suppress(PrivateNetworkError):
                _, opened = await self._ask(do="connect", address=address, port=port)
                sock = _socket_of(opened)
                try:
                    await _ready(sock, to_write=True)
                    if not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                        return Stream(sock)
                except BaseException:
                    sock.close()
                    raise
                sock.close()
            await self.check(name)
            await asyncio.sleep(SOON)

    async def tun(self, name: str, address: str) -> int:
        """Make a TUN device with an address and the length of its prefix; return its descriptor."""
        _, opened = await self._ask(do="tun", name=name, address=address)
        return opened

    async def _ask(self, **request: object) -> tuple[dict[str, Any], int]:
        """Send a request, and return its answer with a descriptor (-1: none).

        Who is cancelled meanwhile leaves no answer unread: the next one would be taken for it.
        """
        asking = asyncio.ensure_future(self._exchange(request))
        try:
            return await asyncio.shield(asking)
        except asyncio.CancelledError:
            asking.add_done_callback(_close_unused)
            raise

    async def _exchange(self, request: dict[str, object]) -> tuple[dict[str, Any], int]:
        async with self._turn:
            assert self._control is not None, "used inside its context"
            try:
                self._control.send(msgspec.json.encode(request))
            except OSError as error:
                msg = f"the private network has ended: {error}"
                raise PrivateNetworkError(msg) from None
            return await self._receive()

    async def _receive(self) -> tuple[dict[str, Any], int]:
        """Return the next answer, and the descriptor that came with it (-1: none)."""
        assert self._control is not None, "used inside its context"
        await _ready(self._control)
        data, descriptors, _, _ = socket.recv_fds(self._control, LONGEST_ANSWER, 1)
        if not data:
            raise PrivateNetworkError(await self._why_it_ended())
        answer = msgspec.json.decode(data, type=dict[str, Any])
        if "error" in answer:
            raise PrivateNetworkError(str(answer["error"]))
        return answer, descriptors[0] if descriptors else -1

    async def _why_it_ended(self) -> str:
        assert self._process is not None, "started before its answers are read"
        _, errors = await self._process.communicate()
        written = errors.decode("utf-8", "backslashreplace").strip()[-300:]
        return f"this machine lets no private network be made: {written or 'no reason is given'}"


def _close_unused(asked: asyncio.Future[tuple[dict[str, Any], int]]) -> None:
    if not asked.cancelled() and asked.exception() is None and asked.result()[1] >= 0:
        os.close(asked.result()[1])


def _socket_of(descriptor: int) -> socket.socket:
    opened = socket.socket(fileno=descriptor)
    opened.settimeout(0)
    return opened


async def _ready(sock: socket.socket, *, to_write: bool = False) -> None:
    """Wait until something can be read, or until a connection was made or refused."""
    loop = asyncio.get_running_loop()
    is_ready = loop.create_future()

    def ready() -> None:
        if not is_ready.done():
            is_ready.set_result(None)

    (loop.add_writer if to_write else loop.add_reader)(sock, ready)
    try:
        await is_ready
    finally:
        (loop.remove_writer if to_write else loop.remove_reader)(sock)
