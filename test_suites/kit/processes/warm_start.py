"""Starts programs of Python as processes, without the interpreter's start of half a second.

``Started`` is a ``subprocess.Popen`` whose process is forked from one that has imported the libraries
and this project (``warm_python.py``). All else is as usual: it is a child of this process, with its
own streams, signals and exit code. Signals that this process was told to ignore (by ``nohup``, or by a
shell that starts it with ``&``) are not ignored in it.

What cannot be started like that is started from nothing: other programs, other options or settings of
the interpreter, a ``preexec_fn``, other systems. ``COLD_STARTS=1`` in its environment has a program
started so (``COLD``), and in that of the tests, all of them.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any, ClassVar

from test_suites.kit.rooms import ROOT

COMMAND = """
import os, signal, sys
{before}
from harness.cli.process import run
run()
"""
"""The command, after ``before``, which may change modules."""

COLD = {"COLD_STARTS": "1"}
"""Has a program started by an interpreter of its own, which has imported nothing."""

LIBRARIES = (
    "ada_url", "aiohttp", "alembic", "apscheduler", "argon2", "asyncio", "authlib", "brotli",
    "cryptography.x509", "curl_cffi", "dkim", "dns.asyncresolver", "duckdb", "fastapi", "filelock",
    "h11", "h2.connection", "httpcore", "httptools", "httpx", "icalendar", "jinja2", "joserfc",
    "matplotlib.backends.backend_agg", "matplotlib.backends.backend_svg", "matplotlib.figure", "msgspec", "multiprocessing", "numpy", "openpyxl", "pandas", "pydantic", "pydantic.root_model", "rapidfuzz",
    "rfc8785", "rich.console", "rich.progress", "rich.table", "ruamel.yaml",
    "selectolax.lexbor", "sqlalchemy.dialects.sqlite", "typer", "uvicorn", "uvloop",
)  # fmt: skip
"""What most commands import."""

OWN = ("harness", "corpora", "probes", "reports")
"""Packages of this project, which are imported with all their modules."""

INTERPRETER = ("PYTHON", "LC_", "LANG", "LD_", "OPENBLAS_", "TZ")
"""How the names of variables begin that are read when an interpreter or its libraries start."""

ADOPT_ORPHANS = 36
"""``PR_SET_CHILD_SUBREAPER`` of prctl (2)."""


STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def usual_signals(then: Callable[[], None] | None = None) -> None:
    """Let the stop signals end this process, whatever its parent ignores; ``then`` comes after."""
    for number in STOPPING:
        signal.signal(number, signal.SIG_DFL)
    if then is not None:
        then()


SHELL_COMMAND = """\
#!{python} -IS
import json, os, signal, socket, sys
warm = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
settings = {{name: text for name, text in os.environ.items() if name.startswith({names})}}
if settings != {settings} or warm.connect_ex({path!r}):
    os.execv({cold!r}, [{cold!r}, *sys.argv[1:]])
request = {{
    "command": ["-m", "harness.cli.process", *sys.argv[1:]], "environment": dict(os.environ),
    "folder": os.getcwd(), "session": False, "parent": 0,
}}
socket.send_fds(warm, [json.dumps(request).encode()], [0, 1, 2])
child = int(warm.recv(100))
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    if signal.getsignal(number) is not signal.SIG_IGN:
        signal.signal(number, lambda number, _: os.kill(child, number))
code = int(warm.recv(100) or -signal.SIGKILL)
if code < 0:
    signal.signal(-code, signal.SIG_DFL) if code != -signal.SIGKILL else None
    os.kill(os.getpid(), -code)
sys.exit(code)
"""
"""The command ``accredit`` for shells: the process that has the libraries runs it."""


class _Warm:
    """A process that starts others; itself started when it is first asked."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._settings: Mapping[str, str] = {}
        self._asked: socket.socket | None = None
        self._folder: TemporaryDirectory[str] | None = None

    def start(
        self, command: list[str], environment: Mapping[str, str], folder: str, streams: list[int],
        *, session: bool,
    ) -> int:  # fmt: skip
        """Start a program; its process id, or 0 if it needs an interpreter of its own."""
        with self._lock:
            asked = self._asked or self._ask()
            if settings_in(environment) != self._settings:
                return 0
            request = {
                "command": command, "environment": dict(environment), "folder": folder,
                "session": session, "parent": os.getpid(),
            }  # fmt: skip
            adopt = ctypes.CDLL(None).prctl
            adopt(ADOPT_ORPHANS, 1, 0, 0, 0)
            try:
                socket.send_fds(asked, [json.dumps(request).encode()], streams)
                return int(asked.recv(100))
            finally:
                adopt(ADOPT_ORPHANS, 0, 0, 0, 0)

    def command(self) -> Path:
        """A program that is ``accredit``, for shells; it is in a folder of its own."""
        with self._lock:
            self._asked = self._asked or self._ask()
            assert self._folder is not None
            path = Path(self._folder.name) / "bin/accredit"
            path.parent.mkdir(exist_ok=True)
            cold = Path(sys.executable).with_name("accredit")
            text = SHELL_COMMAND.format(
                python=sys.executable, path=f"{self._folder.name}/socket", cold=str(cold), settings=self._settings,
                names=INTERPRETER,
            )  # fmt: skip
            path.write_text(text, encoding="utf-8")
            path.chmod(0o755)
            return path

    def _ask(self) -> socket.socket:
        self._settings = settings_in(os.environ)
        self._folder = TemporaryDirectory(prefix="accredit-warm-")
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with its:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "test_suites.kit.processes.warm_python", str(its.fileno())),
                    *(f"{self._folder.name}/socket", *LIBRARIES, *modules_of(*OWN)),
                ],
                pass_fds=[its.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                cwd=ROOT,
            )  # fmt: skip
        self._asked = ours
        return ours


def modules_of(*packages: str) -> Iterator[str]:
    """All modules of packages of this checkout, but programs."""
    for package in packages:
        for path in sorted((ROOT / package).rglob("*.py")):
            if path.name != "__main__.py":
                yield ".".join(path.relative_to(ROOT).with_suffix("").parts)


def settings_in(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that are read when an interpreter starts."""
    return {name: text for name, text in environment.items() if name.startswith(INTERPRETER)}


class Started(subprocess.Popen[Any]):
    """A process whose interpreter was started before; see above."""

    _warm: ClassVar = _Warm()

    def _execute_child(
        self, args: Any, executable: Any, preexec_fn: Callable[[], None] | None, *given: Any
    ) -> None:
        _, pass_fds, cwd, env, _, _, shell, *more = given
        pipes, (*others, session, group) = more[:6], more[7:]
        words = [] if isinstance(args, str | bytes | Path) else [*map(os.fspath, args)]
        is_python = words[:1] == [sys.executable] and words[1:2] in (["-c"], ["-m"])
        is_plain = not (
            preexec_fn
            or pass_fds
            or shell
            or executable
            or any(others[:3])
            or others[3] >= 0
            or group >= 0
        )
        environment = os.environ if env is None else env
        if is_python and is_plain and is_warm(environment):
            streams = [max(pipes[0], 0), *(
                own if pipe < 0 else pipe for own, pipe in ((1, pipes[3]), (2, pipes[5]))
            )]  # fmt: skip
            folder = os.fspath(cwd or Path.cwd())
            self.pid = self._warm.start(words[1:], environment, folder, streams, session=session)
            if self.pid:
                self._child_created = True
                self._close_pipe_fds(*pipes)  # type: ignore[attr-defined]  # private
                return

        if any(signal.getsignal(each) is signal.SIG_IGN for each in STOPPING):
            preexec_fn = partial(usual_signals, preexec_fn)
        super()._execute_child(args, executable, preexec_fn, *given)  # type: ignore[misc]  # private


def folder_of_command() -> Path:
    """The folder of a program ``accredit``, to be put in ``PATH``."""
    is_cold = not is_warm(os.environ)
    return Path(sys.executable).parent if is_cold else Started._warm.command().parent


def is_warm(environment: Mapping[str, str]) -> bool:
    """Whether processes are started from one that has the libraries."""
    return sys.platform == "linux" and not environment.get("COLD_STARTS")


def run(*command: Any, **options: Any) -> subprocess.CompletedProcess[Any]:
    """Run a program to its end, as ``subprocess.run``."""
    timeout, given = options.pop("timeout", None), options.pop("input", None)
    if options.pop("capture_output", False):
        options |= {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    if given is not None:
        options["stdin"] = subprocess.PIPE
    with Started(*command, **options) as process:
        try:
            out, err = process.communicate(given, timeout=timeout)
        except BaseException:
            process.kill()
            raise
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)
