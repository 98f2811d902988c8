"""A product under test as an ordinary process of ours: started, waited for, and ended by us.

A product gets a folder of its own, because Squid and BIND leave root for another user, who
must be able to enter it. Nothing is found by name: only the process group we made is ended.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import NoReturn, Self

import pytest

LOOPBACK = "127.0.0.1"
Place = tuple[str, int] | Path
"""Where a product answers: an address and a port, or the path of a Unix socket."""

PATIENCE = 60.0
"""Seconds a product may take to answer; the slowest needs 0.3 s on an idle machine."""

BIND_IS_READY = "all zones loaded"
"""What BIND logs once it answers for its zones; it listens before."""

_ports = random.SystemRandom()

_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 6
_PORTS = range(12000 + 3000 * _WORKER, 15000 + 3000 * _WORKER)
"""Ports of this process of the tests alone: another would take what is free a moment later."""


class DidNotStart(Exception):
    """The product ended, or never answered; the message holds the end of its log."""


def require(*binaries: str) -> None:
    """Skip the test where a product is absent; fail it in CI, where it must be present."""
    absent = [name for name in binaries if which(name) is None]
    if absent:
        _do_without(f"{', '.join(absent)} not installed (see .ci/run for the Debian packages)")


def namespace(*commands: list[str]) -> list[str]:
    """The first command that opens its namespaces, or a skip (a failure in CI)."""
    for command in commands:
        if subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0:
            break
    else:
        _do_without(f"this machine does not allow the namespaces of {' '.join(commands[0])!r}")
    return command


def _do_without(sentence: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(sentence)
    pytest.skip(sentence)


def which(name: str) -> str | None:
    """The path of a program, looked for where Debian keeps daemons as well."""
    versioned = sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True)
    places = os.pathsep.join(
        (os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", *versioned)
    )
    return shutil.which(name, path=places)


def free_port(address: str = LOOPBACK) -> int:
    """A port free for TCP and UDP, below the range that outgoing connections take theirs from."""
    for _ in range(200):
        port = _ports.choice(_PORTS)
        with socket.socket() as stream, socket.socket(type=socket.SOCK_DGRAM) as datagram:
            try:
                stream.bind((address, port))
                datagram.bind((address, port))
            except OSError:
                continue
            return port
    msg = f"no free port at {address}"
    raise DidNotStart(msg)


@contextmanager
def folder_on_disk() -> Iterator[Path]:
    """A folder for a program that hides ``/dev/shm`` behind its own, where tests have theirs."""
    with tempfile.TemporaryDirectory(prefix="accredit-", dir="/var/tmp") as name:
        yield Path(name)


class Folder:
    """A temporary folder that another user may enter, removed on leaving."""

    def __init__(self, name: str) -> None:
        self.path = Path(tempfile.mkdtemp(prefix=f"accredit-{name}-"))
        self.path.chmod(0o755)

    def write(self, name: str, text: str) -> Path:
        """Write one text file, readable by everybody."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def give_to(self, user: str) -> None:
        """Make ``user`` the owner of all of it, if we may (that is, if we are root)."""
        if os.geteuid() != 0:
            return
        for path in (self.path, *self.path.rglob("*")):
            shutil.chown(path, user, user)

    def remove(self) -> None:
        """Delete the folder; what its user still holds open is no error."""
        shutil.rmtree(self.path, ignore_errors=True)


class Process:
    """One daemon in the foreground, as the leader of its own process group."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path,
        answers_at: Iterable[Place] = (),
        logs: str = "",
    ) -> None:
        self.command = tuple(command)
        self.log = log
        self.logs = logs
        self.answers_at = tuple(answers_at)
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until each of its addresses accepts a connection, and its log says so.

        A port can be open too early: BIND listens before it has loaded its zones.

        Raises DidNotStart, with its log, if it ends or stays silent for PATIENCE seconds.
        """
        with self.log.open("ab") as out:
            self._child = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + PATIENCE
        for place in self.answers_at:
            while not _accepts(place):
                self._pause(place, deadline)
        while self.logs not in self.log.read_text(errors="replace"):
            self._pause(self.log, deadline)

    def reconfigure(self) -> None:
        """Tell it to read its configuration again (SIGHUP, as daemons understand it)."""
        assert self._child is not None
        self._child.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        """Ask it to end, then make it end, together with the children in its group."""
        child, self._child = self._child, None
        if child is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            child.wait(timeout=3)
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _pause(self, place: Place, deadline: float) -> None:
        """Wait a little for the process to *end*: that is the news that would come first."""
        assert self._child is not None
        with suppress(subprocess.TimeoutExpired):
            self._child.wait(timeout=0.02)
        ended = self._child.returncode
        if ended is not None or time.monotonic() > deadline:
            what = "does not answer" if ended is None else f"ended with code {ended}"
            tail = self.log.read_text(errors="replace")[-2000:]
            where = place if isinstance(place, Path) else f"{place[0]}:{place[1]}"
            msg = f"{Path(self.command[0]).name} {what} ({where})\n{tail}"
            raise DidNotStart(msg)


def _accepts(place: Place) -> bool:
    try:
        if isinstance(place, Path):
            with socket.socket(socket.AF_UNIX) as stream:
                stream.connect(str(place))
            return True
        with socket.create_connection(place, timeout=1):
            return True
    except OSError:
        return False
