"""On a system without POSIX the package imports, and what needs POSIX says so in one sentence.

The tests run on POSIX: they take its names and modules away before the package is imported. That
shows which names the package uses, not that it runs on Windows.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from test_suites.house.rooms import ROOT

WITHOUT_POSIX = """
import importlib, os, pkgutil, select, signal, socket, sys

ROOMS = ("harness", "corpora", "probes", "reports")
def modules():
    return [m.name for room in ROOMS for m in pkgutil.walk_packages([room], room + ".")]

for name in modules():  # the libraries first: they know other systems
    importlib.import_module(name)
for name in [name for name in sys.modules if name.partition(".")[0] in ROOMS]:
    del sys.modules[name]

NAMES = {
    os: "O_CLOEXEC O_NONBLOCK O_NOFOLLOW O_DIRECTORY fork posix_spawn getuid geteuid setsid killpg "
        "mkfifo fchmod setns unshare uname statvfs",
    socket: "AF_UNIX AF_PACKET SO_BINDTODEVICE SO_REUSEPORT MSG_ERRQUEUE MSG_DONTWAIT",
    signal: "SIGHUP SIGKILL SIGQUIT SIGUSR1 SIGPIPE SIGALRM pthread_sigmask",
    select: "epoll poll EPOLLERR EPOLLHUP EPOLLIN EPOLLOUT EPOLLRDHUP EPOLLET",
}
for owner, names in NAMES.items():
    for name in names.split():
        vars(owner).pop(name, None)

class Absent:
    names = {"fcntl", "resource", "pwd", "grp", "termios", "pty", "syslog", "uvloop"}

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

for name in Absent.names:
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Absent())
sys.platform = "win32"
"""

IMPORT_ALL = """
for name in modules():
    if not name.startswith("probes.net.wire."):  # imported only where that lane can run
        importlib.import_module(name)

from harness.cli.main import invoke
sys.exit(invoke(["init", sys.argv[1]]) or invoke(["scheme", "check", "becta-2008"]))
"""

RUN = """
from harness.cli.process import run
run()
"""


def without_posix(code: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_POSIX + code, *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )


def test_every_module_imports_and_what_needs_no_network_runs(tmp_path: Path) -> None:
    done = without_posix(IMPORT_ALL, str(tmp_path / "site"))

    assert (0, "") == (done.returncode, done.stderr)


def test_what_needs_posix_says_so_in_one_sentence(tmp_path: Path) -> None:
    done = without_posix(RUN, "range", "up", "--detach", "--out", str(tmp_path / "out"))

    assert 2 == done.returncode
    assert "range up --detach needs a POSIX system" in done.stderr
    assert "Traceback" not in done.stderr
