"""Starts programs of Python from a process that has imported their libraries already.

``python -m test_suites.kit.processes.warm_python FD PATH MODULE...`` imports modules, and then takes requests from
the socket FD, and from connections to the socket PATH. Each becomes a process of its own with its own
streams, folder, environment and signals, as if the interpreter had been started for it. What comes by
FD is a child of the process that asks, which must adopt orphans meanwhile (``warm_start.py``); what
comes by PATH is told of the end. It ends when FD is closed.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
import tempfile
import threading
import time
import traceback
import types
import warnings
from typing import Any

LONGEST = 1 << 20
"""Bytes of a request."""
STREAMS = 3


def load(names: list[str]) -> None:
    """Import modules; one that is not installed is left out."""
    for name in names:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    gc.collect()


def serve(asked: socket.socket, listening: socket.socket) -> dict[str, Any]:
    """Answer each request with a process id; returns in each new process, with its request."""
    while True:
        ready, _, _ = select.select([asked, listening], [], [])
        if asked in ready:
            request = adopted(asked)
        else:
            with listening.accept()[0] as connection:
                request = watched(connection) if os.fork() == 0 else None
        if request is not None:
            asked.close()
            listening.close()
            return request
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def received(connection: socket.socket) -> dict[str, Any] | None:
    """A request, with its streams."""
    message, streams, _, _ = socket.recv_fds(connection, LONGEST, STREAMS)
    return json.loads(message) | {"streams": streams} if message else None


def adopted(asked: socket.socket) -> dict[str, Any] | None:
    """Start a process whose parent is the one that asks; returns its request there alone."""
    request = received(asked)
    if request is None:
        sys.exit()
    started, told = os.pipe()
    if (between := os.fork()) == 0:
        if os.fork() == 0:
            if request["session"]:
                os.setsid()  # before its id is known: its group may be killed at once
            os.write(told, str(os.getpid()).encode())
            os.close(started)
            os.close(told)
            return request
        os._exit(0)
    os.waitpid(between, 0)  # the new process has been adopted
    asked.send(os.read(started, 100))
    for each in (*request["streams"], started, told):
        os.close(each)
    return None


def watched(connection: socket.socket) -> dict[str, Any] | None:
    """Start a process, and tell its id and its end; returns its request there alone.

    It ends with the connection.
    """
    request = received(connection)
    if request is None:
        os._exit(0)
    if (child := os.fork()) == 0:
        return request
    connection.send(str(child).encode())
    for each in request["streams"]:
        os.close(each)
    ended = os.pidfd_open(child)
    awaited: list[Any] = [connection, ended]
    if ended not in select.select(awaited, [], [])[0]:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    with contextlib.suppress(OSError):
        connection.send(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def become(request: dict[str, Any]) -> None:
    """Make this process look as if it had just been started."""
    while request["parent"] not in (0, os.getppid()):
        time.sleep(0)
    for number, stream in enumerate(request["streams"]):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    tempfile.tempdir = None
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.stdin = sys.__stdin__ = open(0, closefd=False)  # type: ignore[misc]  # noqa: SIM115 - the stream
    sys.stdout = sys.__stdout__ = open(  # type: ignore[misc]  # noqa: SIM115 - the stream
        1, "w", buffering=1 if os.isatty(1) else -1, closefd=False
    )
    sys.stderr = sys.__stderr__ = open(  # type: ignore[misc]  # noqa: SIM115 - the stream
        2, "w", buffering=1, errors="backslashreplace", closefd=False
    )


def run(option: str, program: str, words: list[str]) -> None:
    """Run what follows the interpreter on a command line: ``-c CODE`` or ``-m MODULE``."""
    sys.argv = [option, *words]
    if option == "-m":
        sys.path[0] = os.getcwd()  # noqa: PTH109 - as Python writes it
        sys.modules.pop(program, None)
        runpy.run_module(program, run_name="__main__", alter_sys=True)
        return
    sys.path[0] = ""
    module = sys.modules["__main__"] = types.ModuleType("__main__")
    exec(compile(program, "<string>", "exec"), module.__dict__)


def end(code: object) -> None:
    """End this process as the interpreter does, but keep modules, whose end would take longest."""
    if not (code is None or isinstance(code, int)):
        print(code, file=sys.stderr)  # noqa: T201 - as the interpreter does
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit((code or 0) & 255)


def main() -> None:
    """Serve; run the program of each request."""
    asked = socket.socket(fileno=int(sys.argv[1]))
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listening.bind(sys.argv[2])
    listening.listen(64)
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    load(sys.argv[3:])
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # threads of libraries end before a fork
        request = serve(asked, listening)
    become(request)
    try:
        option, program, *words = request["command"]
        run(option, program, words)
    except SystemExit as error:
        end(error.code)
    except Exception:  # noqa: BLE001 - as the interpreter does
        traceback.print_exc()
        end(1)
    end(None)


if __name__ == "__main__":
    main()
