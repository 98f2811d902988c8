"""Prepares and serves a public origin in a process of its own, for tests."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from test_suites.kit.networks.public_origin import TWINS, ZONE, free_ports
from test_suites.kit.processes.running import accredit
from test_suites.kit.processes.warm_start import Started
from test_suites.kit.rooms import ROOT


class Served:
    """An origin that runs in a process of its own."""

    def __init__(self, process: subprocess.Popen[str], folder: Path, ports: dict[str, int]) -> None:
        self.process = process
        self.folder = folder
        self.ports = ports
        self.said: list[str] = []

    def wait_for(self, text: str) -> str:
        """Read what the process says until a line holds ``text``."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line)
            if text in line:
                return line
        raise AssertionError("".join(self.said))

    def get(
        self, host: str, path: str = "/", address: str = "127.0.0.1", trust: str = ""
    ) -> tuple[int, bytes]:
        """The status and body of a page; over https if a file of authorities is given."""
        if trust:
            with self.connected(host, trust, address) as stream:
                stream.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
                answered = http.client.HTTPResponse(stream)
                answered.begin()
                return answered.status, answered.read()
        connection = http.client.HTTPConnection(address, self.ports["http"], timeout=10)
        connection.request("GET", path, headers={"Host": host})
        answered = connection.getresponse()
        status, body = answered.status, answered.read()
        connection.close()
        return status, body

    @contextmanager
    def connected(
        self, host: str, trust: str, address: str = "127.0.0.1"
    ) -> Iterator[ssl.SSLSocket]:
        """A TLS connection to the origin, verified for ``host``."""
        context = ssl.create_default_context(cafile=trust)
        plain = socket.create_connection((address, self.ports["https"]), timeout=10)
        with context.wrap_socket(plain, server_hostname=host) as stream:
            yield stream

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(20)


def prepared(folder: Path, *words: str | Path, addresses: tuple[str, ...] = ()) -> dict[str, int]:
    """Run ``accredit origin init`` for loopback; gives the ports."""
    ports = free_ports()
    made = accredit(
        "origin", "init", folder, "--zone", ZONE, "--twin-zone", TWINS,
        *(word for each in addresses or ("127.0.0.1", "::1") for word in ("--address", each)),
        *(word for name, port in ports.items() for word in (f"--{name}-port", str(port))),
        *words,
    )  # fmt: skip
    assert (0, "") == (made.returncode, _without_warnings(made.stderr)), made.stderr
    assert f"{ZONE}. IN NS ns1.{ZONE}." in made.stdout
    return ports


def _without_warnings(text: str) -> str:
    return "".join(line for line in text.splitlines() if "warning:" not in line)


@contextmanager
def serving(
    folder: Path,
    ports: dict[str, int],
    *words: str,
    stdout: IO[bytes] | int = subprocess.DEVNULL,
) -> Iterator[Served]:
    """Run ``accredit origin serve`` while the context lasts."""
    process = Started(
        [sys.executable, "-m", "harness.cli.process", "origin", "serve",
         str(folder / "origin.yaml"), *words],
        stdout=stdout, stderr=subprocess.PIPE, text=True, cwd=ROOT,
        env=os.environ | {"HOME": "/dev/null", "XDG_STATE_HOME": "/dev/null"},
    )  # fmt: skip
    served = Served(process, folder, ports)
    try:
        served.wait_for("stop with SIGTERM")
        yield served
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=20)
