"""What every test of this repository shares: seeded randomness, and a network that ends here."""

from __future__ import annotations

import gc
import ipaddress
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from harness.measure import event_loop
from probes.clients import machine
from test_suites.kit.quiet_machine import FOLDER
from test_suites.kit.quiet_machine.sitecustomize import quiet_reading
from test_suites.seconds import KEPT, Recorder

pytest_plugins = ["pytester"]

os.environ.pop("COLUMNS", None)
"""It would wrap what commands print; a test that wants it sets it."""

os.environ["PYTHONPATH"] = os.pathsep.join(
    filter(None, (FOLDER, str(Path(__file__).parent), os.environ.get("PYTHONPATH")))
)
"""Programs that tests start are those of this checkout, and measure as on a quiet machine."""

MEMORY, ENOUGH = Path("/dev/shm"), 6 * 2**30  # noqa: S108 - what lies there has a name of its own
"""Where files lie in memory, and the bytes that must be free there: a disk keeps tests waiting."""

if "TMPDIR" not in os.environ and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= ENOUGH:
    os.environ["TMPDIR"] = str(MEMORY)
    tempfile.tempdir = None

STATE = tempfile.TemporaryDirectory(prefix="accredit-tests-state-")
os.environ["XDG_STATE_HOME"] = STATE.name
"""No test reads or writes what the user of this machine keeps."""

settings.register_profile(
    "house",
    derandomize=True,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("house")


def pytest_configure(config: pytest.Config) -> None:
    """Note what each test takes, if ``RECORD_SECONDS`` names a folder for it."""
    if folder := os.environ.get("RECORD_SECONDS"):
        config.pluginmanager.register(Recorder(Path(folder)), "recorded-seconds")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, so that several processes end together."""
    seconds = json.loads(KEPT.read_text(encoding="utf-8"))
    items.sort(key=lambda item: -seconds.get(item.nodeid.partition("::")[0], 0.0))


@pytest.fixture(autouse=True, scope="session")
def _quiet_machine() -> Iterator[None]:
    """Measure as on a quiet machine: no test depends on what else runs on this one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(machine, "read_machine", quiet_reading)
        # So it is (see ``pytest_collection_finish``), and each campaign would count them.
        patch.setattr(event_loop, "are_some_exempt", lambda: True)
        yield


def pytest_collection_finish() -> None:
    """Exempt the collected tests from garbage collection: each campaign begins with one."""
    gc.collect()
    gc.freeze()


def _stay_on_loopback(event: str, arguments: tuple[Any, ...]) -> None:
    """Refuse to leave this machine: a test that needs the internet is no test of ours."""
    if event not in {"socket.connect", "socket.sendto"}:
        return
    address = arguments[1]
    host = address[0] if isinstance(address, tuple) else None
    if not host:
        return
    try:
        inside = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return
    is_here = inside.is_loopback or inside.is_unspecified or inside in NAMESPACES
    if not is_here and _namespace() == HOME:
        msg = f"a test tried to reach {host}"
        raise RuntimeError(msg)


def _namespace() -> str:
    """Return the network namespace of this thread; those of tests reach no other machine."""
    try:
        return str(Path("/proc/thread-self/ns/net").readlink())
    except OSError:
        return ""


HOME = _namespace()
NAMESPACES = ipaddress.ip_network("198.18.0.0/15")
"""The benchmark range (RFC 2544): addresses of network namespaces that a test made."""

sys.addaudithook(_stay_on_loopback)
