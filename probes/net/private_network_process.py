"""The first process of a private network (``probes.net.private_network``): a script of its own.

It runs in new namespaces (network, mounts, processes) and uses the standard library alone. It
takes requests as JSON from the socket whose descriptor is its first argument, and answers each;
the second is a folder in memory below /run, which only this network sees. Sockets and TUN devices
are answered as descriptors (``unix(7)``, SCM_RIGHTS). When the other end closes, it ends, and by
that all other processes of its namespace (``pid_namespaces(7)``) and the network.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

LONGEST_REQUEST = 200_000
LOG_BYTES = 16_000

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
"""``linux/if_tun.h``: packets of IP without a header before them."""

Answer = dict[str, object]

FOLDER = Path(*sys.argv[2:3])
"""The folder; programs begin in it."""

_children: dict[str, subprocess.Popen[bytes]] = {}


def main() -> None:
    """Prepare the namespaces, then answer requests until the other end closes."""
    with socket.socket(fileno=int(sys.argv[1])) as control:
        control.set_inheritable(False)
        _send(control, _attempt(_prepare, {}))
        while received := control.recv(LONGEST_REQUEST):
            request = json.loads(received)
            _send(control, _attempt(_DOINGS[request.pop("do")], request))


def _prepare() -> Answer:
    """Put a folder in memory at /run, and set the loopback device up."""
    library = ctypes.CDLL(None, use_errno=True)
    if library.mount(b"private", b"/run", b"tmpfs", 0, b"mode=755"):
        code = ctypes.get_errno()
        raise OSError(code, f"/run: {os.strerror(code)}")
    FOLDER.mkdir(mode=0o700)
    return _run(["ip", "link", "set", "lo", "up"])


def _attempt(do: object, request: dict[str, object]) -> Answer:
    assert callable(do)
    try:
        answer: Answer = do(**request)
    except (OSError, ValueError, LookupError) as error:
        return {"error": str(error)[:500]}
    return answer


def _send(control: socket.socket, answer: Answer) -> None:
    descriptor = answer.pop("descriptor", None)
    data = json.dumps(answer).encode()
    if isinstance(descriptor, int):
        socket.send_fds(control, [data], [descriptor])
        os.close(descriptor)
    else:
        control.send(data)


def _write(path: str, text: str) -> Answer:
    place = FOLDER / path
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    place.touch(mode=0o600)
    place.write_text(text, encoding="utf-8")
    return {}


def _exists(path: str) -> Answer:
    return {"exists": (FOLDER / path).exists()}


def _run(argv: list[str]) -> Answer:
    """Run a command to its end; a command that fails is an error."""
    done = subprocess.run(  # noqa: S603 - commands of the tunnels' own table
        argv, stdin=subprocess.DEVNULL, capture_output=True, cwd=FOLDER, check=False, text=True
    )
    if done.returncode:
        raise OSError(f"{argv[0]}: {(done.stderr or done.stdout).strip()[-400:]}")
    return {"output": done.stdout[-LOG_BYTES:]}


def _start(name: str, argv: list[str], environment: dict[str, str]) -> Answer:
    """Start a program that goes on; what it writes is its log."""
    with (FOLDER / f"{name}.log").open("wb") as log:
        _children[name] = subprocess.Popen(  # noqa: S603 - commands of the tunnels' own table
            argv,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=FOLDER,
            env=os.environ | environment,
        )
    return {}


def _look(name: str) -> Answer:
    """Return the end of a program's log, and its exit status if it has ended; "": of none."""
    if not name:
        return {"output": "", "status": None}
    with (FOLDER / f"{name}.log").open("rb") as log:
        size = log.seek(0, os.SEEK_END)
        log.seek(max(0, size - LOG_BYTES))
        text = log.read().decode("utf-8", "backslashreplace")
    return {"output": text, "status": _children[name].poll()}


def _listen(address: str, port: int) -> Answer:
    def prepare(sock: socket.socket) -> None:
        _bind(sock, address, port)
        sock.listen(64)

    return _opened(socket.SOCK_STREAM, prepare)


def _datagrams(address: str, port: int) -> Answer:
    return _opened(socket.SOCK_DGRAM, lambda sock: _bind(sock, address, port))


def _connect(address: str, port: int) -> Answer:
    """Begin to connect a TCP socket; whoever gets it waits for the end of that."""
    return _opened(socket.SOCK_STREAM, lambda sock: _begin(sock, address, port))


def _bind(sock: socket.socket, address: str, port: int) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((address, port))


def _begin(sock: socket.socket, address: str, port: int) -> None:
    sock.settimeout(0)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with contextlib.suppress(BlockingIOError):
        sock.connect((address, port))


def _opened(kind: socket.SocketKind, prepare: Callable[[socket.socket], None]) -> Answer:
    opened = socket.socket(socket.AF_INET, kind)
    try:
        prepare(opened)
    except OSError:
        opened.close()
        raise
    return {"descriptor": opened.detach()}


def _tun(name: str, address: str) -> Answer:
    """Make a TUN device with an address, such as ``10.0.0.1/24``."""
    import fcntl  # noqa: PLC0415 - Linux alone has it, as it has network namespaces

    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        fcntl.ioctl(
            descriptor, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI)
        )
        _run(["ip", "address", "add", address, "dev", name])
        _run(["ip", "link", "set", name, "up", "mtu", "1300"])
    except OSError:
        os.close(descriptor)
        raise
    return {"descriptor": descriptor}


_DOINGS = {
    "write": _write,
    "exists": _exists,
    "run": _run,
    "start": _start,
    "look": _look,
    "listen": _listen,
    "datagrams": _datagrams,
    "connect": _connect,
    "tun": _tun,
}

if __name__ == "__main__":
    main()
