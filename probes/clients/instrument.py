"""Record the measuring machine: Python, TLS library, kernel, resolvers, MTU, ClientHellos, clock.

``read_instrument`` returns the record; ``kernel_clock`` the clock's offset and error bound from
``adjtimex(2)``; ``browser_hello`` the ClientHello of the browser backend's client.
"""

from __future__ import annotations

import ctypes
import os
import platform
import socket
import ssl
import sys
import tempfile
import threading
from datetime import datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from harness.model.instrument_record import ClientHello, ClockState, InstrumentRecord
from probes.net.browser import CHROMIUM, can_browse
from probes.net.route import client_tls_context
from probes.net.tls_facts import SERVER_NAME, client_hello_of, is_complete, read_client_hello

STA_UNSYNC, STA_NANO = 0x0040, 0x2000
TIME_ERROR = 5


class Timex(ctypes.Structure):
    """``struct timex`` up to the fields that are read; ``rest`` reserves space for the others."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_long * 40),
    )


def kernel_clock() -> ClockState:
    """Return the state of this machine's clock, or the problem that makes it unknown."""
    if sys.platform != "linux":
        return ClockState(problem="only Linux is asked for it")
    timex = Timex()
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        state = libc.adjtimex(ctypes.byref(timex))
    except (OSError, AttributeError) as error:
        return ClockState(problem=f"adjtimex is not there: {error}")
    if state < 0:
        return ClockState(problem=f"adjtimex failed: {os.strerror(ctypes.get_errno())}")
    return clock_state(state, timex.status, timex.offset, timex.maxerror)


def clock_state(state: int, status: int, offset: int, maxerror: int) -> ClockState:
    """Interpret the result of ``adjtimex``; ``maxerror`` is in microseconds.

    ``offset`` is in nanoseconds if the status says so, else in microseconds. A ``maxerror`` of 0 is
    not a measurement: the kernel increases it within a second.
    """
    if state == TIME_ERROR or status & STA_UNSYNC:
        return ClockState(
            problem="the clock is not synchronised; start chrony or another NTP client"
        )
    if maxerror <= 0:
        return ClockState(problem="the kernel was told no largest error of the clock")
    seconds = offset / (1e9 if status & STA_NANO else 1e6)
    return ClockState(offset=seconds, bound=abs(seconds) + maxerror / 1e6)


PACKAGES = ("isp-accredit", "aiohttp", "curl_cffi", "dnspython", "httptools")
SYSTEM_RESOLVERS = Path("/etc/resolv.conf")
ROUTES = Path("/proc/net/route")
INTERFACES = Path("/sys/class/net")
PATIENCE = 2.0
"""Time limit in seconds for the browser's client to send its ClientHello to a local socket."""


def read_instrument(at: datetime, control_resolver: str) -> InstrumentRecord:
    """Return the record of this machine; sends nothing to any network and never raises."""
    return InstrumentRecord(
        at=at,
        python=f"{platform.python_implementation()} {platform.python_version()}",
        tls_library=ssl.OPENSSL_VERSION,
        libraries=dict(_libraries()),
        kernel=" ".join(filter(None, (platform.system(), platform.release(), platform.machine()))),
        resolvers=system_resolvers(),
        control_resolver=control_resolver,
        mtu=default_mtu(),
        hellos=_hellos(),
        clock=kernel_clock(),
    )


def system_resolvers(path: Path = SYSTEM_RESOLVERS) -> tuple[str, ...]:
    """Return the name servers in ``resolv.conf(5)``; empty if there is no such file."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ()
    fields = [line.split() for line in lines]
    return tuple(field[1] for field in fields if len(field) > 1 and field[0] == "nameserver")


def default_mtu(routes: Path = ROUTES, interfaces: Path = INTERFACES) -> int | None:
    """Return the MTU in bytes of the interface of the IPv4 default route; None if unknown."""
    try:
        rows = [line.split() for line in routes.read_text(encoding="ascii").splitlines()[1:]]
        name = next(row[0] for row in rows if row[1:2] == ["00000000"])
        return int((interfaces / name / "mtu").read_text(encoding="ascii"))
    except (OSError, StopIteration, ValueError, IndexError):
        return None


@cache
def _libraries() -> tuple[tuple[str, str], ...]:
    versions = []
    for name in PACKAGES:
        try:
            versions.append((name, version(name)))
        except PackageNotFoundError:
            continue
    if can_browse():
        from curl_cffi import Curl  # noqa: PLC0415 - not available everywhere

        versions.append(("libcurl", Curl().version().decode("ascii", "replace")))
    return tuple(versions)


@cache
def _hellos() -> tuple[ClientHello, ...]:
    """Return the ClientHellos of Python's TLS (portable, wire) and of the browser backend."""
    hellos = [client_hello_of(client_tls_context(), "lanes portable and wire")]
    if can_browse():
        hellos.append(browser_hello())
    return tuple(hellos)


def browser_hello(patience: float = PATIENCE) -> ClientHello:
    """Capture the ClientHello of the browser backend's client on a local socket."""
    client = f"lane browser ({CHROMIUM})"
    try:
        with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as server:
            path = Path(folder, "hello")
            server.bind(os.fspath(path))
            server.listen(1)
            server.settimeout(patience)
            sender = threading.Thread(target=_connect, args=(path, patience), daemon=True)
            sender.start()
            connection, _ = server.accept()
            with connection:
                connection.settimeout(patience)
                sent = b""
                while not (sent and is_complete(sent)) and (more := connection.recv(65536)):
                    sent += more
            sender.join(patience)
    except OSError as error:
        return ClientHello(client=client, problem=f"not caught: {error}")
    return read_client_hello(sent, client)


def _connect(path: Path, patience: float) -> None:
    """Start a TLS handshake with the browser's client; it is never answered."""
    from curl_cffi import Curl, CurlError, CurlOpt  # noqa: PLC0415 - not available everywhere

    curl = Curl(cacert="")
    try:
        curl.impersonate(CHROMIUM, default_headers=False)
        curl.setopt(CurlOpt.URL, f"https://{SERVER_NAME}/".encode())
        curl.setopt(CurlOpt.UNIX_SOCKET_PATH, os.fsencode(path))
        curl.setopt(CurlOpt.PROXY, b"")
        curl.setopt(CurlOpt.TIMEOUT_MS, int(patience * 1000))
        curl.perform()
    except CurlError:
        return
    finally:
        curl.close()
