"""A network namespace of a test's own, which ends with its process."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def own_network(*commands: str, kind: str = "network namespaces") -> Iterator[str]:
    """Give the path of a new network namespace, in which commands of the shell have run.

    Skips the test if this machine allows none, or if a command fails; ``kind`` names what it lacks.
    """
    script = " && ".join((*commands, "echo in", "exec cat"))
    waiting = subprocess.Popen(
        ["unshare", "-n", "sh", "-c", script],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    with waiting:
        assert waiting.stdout is not None
        if waiting.stdout.readline() != "in\n":
            pytest.skip(f"this machine allows no {kind}")
        yield f"/proc/{waiting.pid}/ns/net"
        assert waiting.stdin is not None
        waiting.stdin.close()
