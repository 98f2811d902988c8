"""Reads what this machine measures with: Python, TLS, kernel, resolvers, ClientHellos, clock."""

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
from probes.net.tls_facts import SERVER_NAME, hello_of, is_whole, read_hello

STA_UNSYNC, STA_NANO = 0x0040, 0x2000
TIME_ERROR = 5


class Timex(ctypes.Structure):
    """``struct timex`` up to the fields that are read; the rest is room that the kernel fills."""

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
    """The state of this machine's clock; with a problem where the kernel does not vouch for it."""
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
    """A clock from what ``adjtimex`` returned; ``maxerror`` is in microseconds.

    ``offset`` is in nanoseconds if the status says so, else in microseconds. A largest error of
    exactly 0 is nobody's measurement: it only lasts until the kernel's next second.
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
"""Seconds that the browser's client has to say its first words to a socket of this machine."""


def read_instrument(at: datetime, control_resolver: str) -> InstrumentRecord:
    """The record of this machine now; nothing is sent to any network, and nothing is raised."""
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
    """The name servers of ``resolv.conf(5)``; none if there is no such file."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ()
    words = [line.split() for line in lines]
    return tuple(each[1] for each in words if len(each) > 1 and each[0] == "nameserver")


def default_mtu(routes: Path = ROUTES, interfaces: Path = INTERFACES) -> int | None:
    """The MTU in bytes of the interface of the IPv4 default route, on Linux."""
    try:
        rows = [line.split() for line in routes.read_text(encoding="ascii").splitlines()[1:]]
        name = next(row[0] for row in rows if row[1:2] == ["00000000"])
        return int((interfaces / name / "mtu").read_text(encoding="ascii"))
    except (OSError, StopIteration, ValueError, IndexError):
        return None


@cache
def _libraries() -> tuple[tuple[str, str], ...]:
    found = []
    for name in PACKAGES:
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            continue
    if can_browse():
        from curl_cffi import Curl  # noqa: PLC0415 - not on every machine

        found.append(("libcurl", Curl().version().decode("ascii", "replace")))
    return tuple(found)


@cache
def _hellos() -> tuple[ClientHello, ...]:
    """That of Python's TLS (lanes portable and wire), and of a browser's (lane browser)."""
    hellos = [hello_of(client_tls_context(), "lanes portable and wire")]
    if can_browse():
        hellos.append(browser_hello())
    return tuple(hellos)


def browser_hello(patience: float = PATIENCE) -> ClientHello:
    """The ClientHello of the browser lane's client, caught on a socket of this machine."""
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
                while not (sent and is_whole(sent)) and (more := connection.recv(65536)):
                    sent += more
            sender.join(patience)
    except OSError as error:
        return ClientHello(client=client, problem=f"not caught: {error}")
    return read_hello(sent, client)


def _connect(path: Path, patience: float) -> None:
    """Let the browser's client begin a handshake; that nobody answers is expected."""
    from curl_cffi import Curl, CurlError, CurlOpt  # noqa: PLC0415 - not on every machine

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
