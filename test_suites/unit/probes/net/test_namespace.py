"""Network namespaces: what is made inside stays inside, and what cannot be entered says so."""

from __future__ import annotations

import errno
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from harness.errors import UsageError
from probes.net import local_binding
from probes.net.local_binding import (
    NAMESPACE_REMEDIES,
    check_namespace,
    resolver_file,
    run_in_namespace,
)
from test_suites.kit.networks.own_network import own_network

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="namespaces are Linux's")


@pytest.fixture
def empty() -> Iterator[str]:
    """The path of a network namespace in which nothing is up."""
    with own_network() as path:
        yield path


def where() -> str:
    return str(Path("/proc/thread-self/ns/net").readlink())


def connect() -> str:
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.connect(("127.0.0.1", 9))
        return str(sock.getsockname()[0])


def test_inside_are_other_routes_and_outside_nothing_changes(empty: str) -> None:
    home = where()
    with pytest.raises(OSError, match="unreachable"):
        run_in_namespace(empty, connect)

    assert home != run_in_namespace(empty, where)
    assert home == where()
    assert "127.0.0.1" == connect()


def test_what_is_raised_inside_is_raised_here(empty: str) -> None:
    def fail() -> NoReturn:
        raise ValueError("inside")

    with pytest.raises(ValueError, match="inside"):
        run_in_namespace(empty, fail)


@pytest.mark.parametrize("code", sorted(NAMESPACE_REMEDIES))
def test_each_trouble_says_what_is_needed(code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(local_binding, "_enter", fail)
    with pytest.raises(UsageError) as caught:
        check_namespace("site", "line 'x'")

    assert f"line 'x': cannot enter 'site': {NAMESPACE_REMEDIES[code]}" == str(caught.value)


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(UsageError, match="this machine has no such network namespace"):
        check_namespace("accredit-nowhere", "line 'x'")


def test_a_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "no-namespace").touch()
    with pytest.raises(OSError) as caught:
        run_in_namespace(str(tmp_path / "no-namespace"), connect)

    assert caught.value.errno in (errno.EINVAL, errno.EPERM)


def test_the_call_of_older_pythons_does_the_same(
    empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "setns", raising=False)
    with pytest.raises(OSError, match="unreachable"):
        run_in_namespace(empty, connect)
    with pytest.raises(OSError) as caught:
        run_in_namespace("/dev/null", connect)

    assert errno.EINVAL == caught.value.errno


def test_a_namespace_may_have_name_servers_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_binding, "NAMESPACE_CONFIGURATION", tmp_path)
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "resolv.conf").touch()

    assert tmp_path / "site" / "resolv.conf" == resolver_file("site")
    assert None is resolver_file("other") is resolver_file("") is resolver_file("/proc/1/ns/net")
