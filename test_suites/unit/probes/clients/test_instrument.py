"""The record of this machine, read without a network."""

from __future__ import annotations

import platform
import socket
import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest

from probes.clients import instrument
from probes.clients.instrument import (
    browser_hello,
    default_mtu,
    read_instrument,
    system_resolvers,
)
from probes.net.browser import can_browse

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def test_the_record_says_what_this_machine_has() -> None:
    record = read_instrument(NOW, "192.0.2.1:53")

    assert record.at == NOW
    assert platform.python_version() in record.python
    assert record.tls_library == ssl.OPENSSL_VERSION
    assert record.libraries["isp-accredit"]
    assert platform.release() in record.kernel
    assert record.control_resolver == "192.0.2.1:53"
    ours = record.hellos[0]
    assert ours.client == "lanes portable and wire"
    assert ours.size
    assert ours.groups
    assert read_instrument(NOW, "192.0.2.1:53").is_like(record)


@pytest.mark.skipif(not can_browse(), reason="needs curl_cffi and Unix sockets")
def test_a_browsers_hello_is_caught_and_differs_from_ours() -> None:
    found = browser_hello(patience=20)

    assert found.problem == ""
    assert "GREASE" in found.groups
    assert found.groups != read_instrument(NOW, "").hellos[0].groups
    libcurl = dict(instrument._libraries())["libcurl"]
    assert "BoringSSL" in libcurl


def test_a_browser_that_says_nothing_is_a_problem_and_no_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(instrument, "_connect", lambda *_: None)
    silent = browser_hello(patience=0.01)

    assert silent.size is None
    assert silent.problem.startswith("not caught: ")

    def hang_up(path: Path, _: float) -> None:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))

    monkeypatch.setattr(instrument, "_connect", hang_up)
    assert browser_hello(patience=20).problem == "a TLS message that is cut short"


def test_resolvers_are_those_of_the_system(tmp_path: Path) -> None:
    path = tmp_path / "resolv.conf"
    path.write_bytes(b"# nameserver 192.0.2.9\nnameserver 192.0.2.53\nnameserver\n\xff\n"
                     b"options edns0\nnameserver 2001:db8::53 # spare\n")  # fmt: skip

    assert system_resolvers(path) == ("192.0.2.53", "2001:db8::53")
    assert system_resolvers(tmp_path / "none") == ()


def test_the_mtu_is_that_of_the_default_route(tmp_path: Path) -> None:
    routes = tmp_path / "route"
    (tmp_path / "eth1").mkdir()
    (tmp_path / "eth1/mtu").write_text("1280\n")
    routes.write_text("Iface Destination Gateway\neth0 0002000A 0\neth1 00000000 0102000A\n")

    assert default_mtu(routes, tmp_path) == 1280
    (tmp_path / "eth1/mtu").write_text("?\n")
    assert default_mtu(routes, tmp_path) is None
    routes.write_text("Iface Destination Gateway\n")
    assert default_mtu(routes, tmp_path) is None
    assert default_mtu(tmp_path / "none", tmp_path) is None
