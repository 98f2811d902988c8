"""Servers to measure against: haproxy, and a server of ours that delays or never answers.

``python -m benchmarks.far_end slow PORT DELAY [CERT]`` answers after DELAY seconds and reports the
real delay in the header ``x-took``; ``/hole`` is never answered.
"""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from benchmarks.goal import SkippedError
from benchmarks.machine import PYTHON, serving

LOOPBACK = "127.0.0.1"
PAGE = (
    "<html><head><title>A page of four kibibytes</title></head><body><p>"
    + "Plain words, such as any page has. " * 114
    + "</p></body></html>"
).encode()


def need(program: str) -> str:
    """Where a program is; raises SkippedError."""
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin")
    if found is None:
        raise SkippedError(f"{program} is not installed")
    return found


def free_port() -> int:
    """A loopback port that nobody has."""
    with socket.socket() as briefly:
        briefly.bind((LOOPBACK, 0))
        return int(briefly.getsockname()[1])


def certificate(folder: Path) -> Path:
    """A self-signed certificate for loopback, key and all, in one file."""
    key, shown, both = folder / "key.pem", folder / "cert.pem", folder / "both.pem"
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    named = ["-subj", "/CN=loopback", "-addext", f"subjectAltName=IP:{LOOPBACK}"]
    command = [need("openssl"), "req", "-x509", *curve, *named, "-keyout", str(key)]
    subprocess.run([*command, "-out", str(shown)], check=True, capture_output=True)
    both.write_bytes(key.read_bytes() + shown.read_bytes())
    return both


@contextmanager
def haproxy(folder: Path) -> Iterator[tuple[int, int]]:
    """haproxy with the page, on a plain port and on one with TLS and no resumption."""
    plain, secure = free_port(), free_port()
    # Each URL has a page of its own, so that no page that was read before flatters a client.
    (folder / "page.html").write_bytes(PAGE.replace(b"A page", b"%[path]"))
    config = folder / "haproxy.cfg"
    config.write_text(
        f"""global
  maxconn 4000
  nbthread 1
  tune.ssl.cachesize 0
  ssl-default-bind-options no-tls-tickets
defaults
  mode http
  timeout client 30s
  timeout http-keep-alive 30s
frontend page
  bind {LOOPBACK}:{plain}
  bind {LOOPBACK}:{secure} ssl crt {certificate(folder)}
  http-request return status 200 content-type text/html lf-file {folder}/page.html
""",
        encoding="utf-8",
    )
    with serving(need("haproxy"), "-db", "-f", str(config)):
        wait_for(plain)
        yield plain, secure


@contextmanager
def slow(delay: float, cert: Path | None = None) -> Iterator[int]:
    """A far end that thinks for ``delay`` seconds."""
    port = free_port()
    more = [str(cert)] if cert else []
    command = [PYTHON, "-m", "benchmarks.far_end", "slow", str(port), str(delay), *more]
    with serving(*command, ready=b"ready"):
        yield port


def wait_for(port: int) -> None:
    """Until a port takes connections; raises TimeoutError."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        with socket.socket() as sock:
            if sock.connect_ex((LOOPBACK, port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens on port {port}")


class _Thinking(asyncio.Protocol):
    delay = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if not data.startswith(b"GET /hole"):
            loop = asyncio.get_running_loop()
            loop.call_later(self.delay, self.answer, time.perf_counter())

    def answer(self, came: float) -> None:
        took = time.perf_counter() - came
        head = f"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nx-took: {took:.6f}\r\n"
        length = f"content-length: {len(PAGE)}\r\nconnection: close\r\n\r\n"
        self.transport.write((head + length).encode() + PAGE)
        self.transport.close()


async def _serve(port: int, cert: str) -> None:
    context = None
    if cert:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert)
    server = await asyncio.get_running_loop().create_server(
        _Thinking, LOOPBACK, port, ssl=context, backlog=8192
    )
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    import uvloop

    _Thinking.delay = float(sys.argv[3])
    uvloop.run(_serve(int(sys.argv[2]), sys.argv[4] if len(sys.argv) > 4 else ""))
