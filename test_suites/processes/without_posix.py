"""Runs the command as on a system without POSIX: what Windows lacks is taken away first."""

from __future__ import annotations

import importlib.abc
import os
import pkgutil
import select
import selectors
import signal
import socket
import sys
import warnings
from importlib import import_module

MODULES = {
    "fcntl", "resource", "pwd", "grp", "termios", "uvloop", "posix_ipc", "pty", "syslog",
    "trio",  # of Selenium, which the tests alone install; it starts a process when it is imported
}  # fmt: skip
NAMES = {
    os: (
        "O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK", "O_DIRECTORY", "posix_spawn", "setns", "getuid",
        "geteuid", "fork", "mkfifo", "sched_getaffinity", "fchmod", "statvfs", "setsid", "killpg",
        "unshare",
    ),
    signal: ("SIGHUP", "SIGPIPE", "SIGKILL", "sigwait", "pthread_sigmask", "SIGUSR1", "SIGQUIT",
             "SIGALRM"),
    select: ("epoll", "poll", "EPOLLERR", "EPOLLHUP", "EPOLLIN", "EPOLLOUT", "EPOLLRDHUP",
             "EPOLLET"),
    selectors: ("EpollSelector",),
    socket: ("AF_UNIX", "SO_BINDTODEVICE", "SOCK_NONBLOCK", "SOCK_CLOEXEC", "MSG_ERRQUEUE",
             "SO_REUSEPORT", "sethostname", "AF_PACKET", "MSG_DONTWAIT"),
}  # fmt: skip


class Absent(importlib.abc.MetaPathFinder):
    """Says that the modules do not exist."""

    def find_spec(self, name: str, path: object, target: object = None) -> None:
        del path, target
        if name in MODULES:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def take_away() -> None:
    """Remove the modules and names; what the standard library imported before keeps them."""
    import asyncio  # noqa: F401, PLC0415 - it needs some of them itself, and on Windows does without
    import subprocess  # noqa: F401, PLC0415 - the same

    warnings.filterwarnings("ignore", message="only soft file lock")  # Windows has msvcrt's
    import dns._features  # noqa: PLC0415 - says what the installed packages allow, trio among them

    dns._features.force("trio", enabled=False)
    sys.meta_path.insert(0, Absent())
    for name in MODULES:
        sys.modules.pop(name, None)
    for module, names in NAMES.items():
        for name in names:
            if hasattr(module, name):
                delattr(module, name)


def import_everything() -> int:
    """Import every module of the packages but those for Linux alone; gives their number."""
    count = 0
    for room in ("harness", "corpora", "probes", "reports"):
        package = import_module(room)
        for module in pkgutil.walk_packages(package.__path__, f"{room}."):
            if not module.name.startswith(("probes.net.wire.", "corpora.generator.")):
                import_module(module.name)
                count += 1
    return count


if __name__ == "__main__":
    take_away()
    if sys.argv[1:] == ["import everything"]:
        sys.stdout.write(f"{import_everything()}\n")
    else:
        sys.argv[0] = "accredit"
        from harness.cli.process import run

        run()
