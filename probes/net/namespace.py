"""Enters a network namespace, where a site's own routes and interfaces are (Linux).

Only a thread can enter one, and it never comes back for certain; so each time it is a thread of
its own, which ends there. A socket stays for ever where it was made.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from threading import Thread
from typing import TypeVar

from harness.errors import UsageError

NAMED = Path("/run/netns")
"""Where ``ip netns add NAME`` keeps them (``ip-netns(8)``)."""

CONFIGURED = Path("/etc/netns")
"""Where a namespace may have a ``resolv.conf`` of its own (``ip-netns(8)``)."""

CLONE_NEWNET = 0x40000000

NEEDS = {
    errno.ENOENT: "this machine has no such network namespace; 'ip netns' lists them",
    errno.EPERM: "entering a network namespace needs the right CAP_SYS_ADMIN; run as root, or run "
    "accredit inside it ('ip netns exec NAME accredit …')",
    errno.EINVAL: "that is no network namespace; 'ip netns' lists them",
    errno.ENOSYS: "network namespaces are there on Linux alone",
}
"""What a user can do about a namespace that cannot be entered."""

Made = TypeVar("Made")


def inside(namespace: str, make: Callable[[], Made]) -> Made:
    """What ``make`` returns (or raises) when it is called inside the namespace.

    ``namespace`` is a name of ``ip netns``, or the path of a namespace such as
    ``/proc/4711/ns/net``. Raises OSError if it cannot be entered.
    """
    future: Future[Made] = Future()

    def go() -> None:
        try:
            _enter(namespace)
            future.set_result(make())
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            future.set_exception(error)

    thread = Thread(target=go, name=f"netns-{namespace}")
    thread.start()
    thread.join()
    return future.result()


def check_namespace(namespace: str, what: str) -> None:
    """See that it can be entered. Raises UsageError saying ``what`` declared it."""
    try:
        inside(namespace, lambda: None)
    except OSError as error:
        remedy = NEEDS.get(error.errno or 0, error.strerror or str(error))
        raise UsageError(f"{what}: cannot enter {namespace!r}: {remedy}") from None


def resolver_file(namespace: str) -> Path | None:
    """The namespace's own ``resolv.conf``, or None where it has none."""
    path = CONFIGURED / namespace / "resolv.conf"
    return path if namespace and "/" not in namespace and path.is_file() else None


def _enter(namespace: str) -> None:
    if sys.platform != "linux":
        raise OSError(errno.ENOSYS, "no network namespaces")
    # A name without "/" is below NAMED; an absolute path stays as it is.
    descriptor = os.open(NAMED / namespace, os.O_RDONLY | os.O_CLOEXEC)
    try:
        # Python has it from 3.12 on.
        getattr(os, "setns", _setns)(descriptor, CLONE_NEWNET)
    finally:
        os.close(descriptor)


def _setns(descriptor: int, kind: int) -> None:
    """``setns(2)`` by the C library; raises OSError."""
    library = ctypes.CDLL(None, use_errno=True)
    if library.setns(descriptor, kind) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
