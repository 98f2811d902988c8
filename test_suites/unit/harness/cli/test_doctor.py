"""The doctor says what holds, and what to do where it does not."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from harness.cli import doctor
from harness.cli.compose import prepare
from harness.cli.doctor import Check, certificate_checks, machine_checks, shadow_checks
from harness.cli.main import app
from harness.ports.network import Origin
from probes.range.authority import Authority
from test_suites.kit.campaigns.instrument import UNSYNCHRONISED, record
from test_suites.kit.processes.product import free_port


def test_this_machine_is_fit(runner: CliRunner) -> None:
    ended = runner.invoke(app, ["doctor"])

    assert 0 == ended.exit_code, ended.output
    assert "ok    Python 3.11 or newer" in ended.stdout


def test_a_room_that_somebody_else_owns_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        doctor, "packages_distributions", lambda: {"reports": ["isp-accredit", "report-lab"]}
    )

    broken = [check for check in machine_checks() if not check.holds and check.needed]

    assert ["no other package is named 'reports'"] == [check.name for check in broken]
    assert "report-lab" in broken[0].detail


def test_a_campaign_that_is_ready(runner: CliRunner, simulated: Any) -> None:
    ended = runner.invoke(app, ["doctor", str(simulated()), "--json"])

    assert 0 == ended.exit_code, ended.output
    assert all(check["holds"] for check in json.loads(ended.stdout) if "proxy" in check["name"])


def test_a_filter_that_is_off_is_insufficient(runner: CliRunner, simulated: Any) -> None:
    ended = runner.invoke(app, ["doctor", str(simulated(block=[]))])

    assert 3 == ended.exit_code, ended.output
    assert "FAIL" in ended.stdout


def test_what_a_journal_would_record_is_shown_and_a_clock_adrift_bars_nothing(
    runner: CliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "read_record", lambda _: record(clock=UNSYNCHRONISED))

    ended = runner.invoke(app, ["doctor"])

    assert 0 == ended.exit_code, ended.output
    assert "ok    ClientHello of portable: 517 bytes; groups x25519, secp256r1" in ended.stdout
    assert "none  clock: not known: the clock is not synchronised" in ended.stdout


def dates_of(campaign: Path, now: datetime) -> list[Check]:
    """The checks of the certificates of a campaign, at a moment."""
    return certificate_checks(prepare(campaign), now)


@pytest.mark.parametrize(
    ("days", "holds", "needed", "said"),
    [
        (0, True, True, "valid until "),
        (20, False, False, "more days: renew it before a long campaign"),
        (40, False, True, "expired on "),
        (-3, False, True, "valid only from "),
    ],
)
def test_the_dates_of_the_origins_authority_are_checked(
    days: int, holds: bool, needed: bool, said: str, simulated: Any, tmp_path: Path
) -> None:
    campaign = simulated()
    (tmp_path / "authority.pem").write_bytes(Authority().pem)  # valid for 30 days

    (check,) = dates_of(campaign, datetime.now(UTC) + timedelta(days=days))

    assert "certificate: origin's authority" == check.name
    assert (holds, needed) == (check.holds, check.needed)
    assert said in check.detail


def test_an_authority_that_is_no_certificate_fails(simulated: Any, tmp_path: Path) -> None:
    campaign = simulated()
    (tmp_path / "authority.pem").write_text("no certificate")

    (check,) = dates_of(campaign, datetime.now(UTC))

    assert (False, True) == (check.holds, check.needed)
    assert "holds no certificate in PEM form" in check.detail


@pytest.mark.parametrize(("days", "said"), [(5, "only 4 more days"), (90, "valid until ")])
def test_the_origins_own_certificate_is_read_from_it(days: int, said: str, tmp_path: Path) -> None:
    authority, pem = Authority(), tmp_path / "own.pem"
    leaf = authority.leaf("accredit.test", lifetime=timedelta(days=days))
    pem.write_bytes(authority.pem_with_key(leaf))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with (
                contextlib.suppress(OSError),  # the doctor closes without a word
                connection,
                context.wrap_socket(connection, server_side=True) as encrypted,
            ):
                encrypted.recv(1)

        serving = threading.Thread(target=answer)
        serving.start()
        check = doctor._own_certificate(origin_at(server.getsockname()[1]), datetime.now(UTC))
        serving.join()

    assert "certificate: origin's own" == check.name
    assert (days > 14) == check.holds
    assert said in check.detail


def test_an_origin_that_cannot_be_reached_is_noted_and_bars_nothing() -> None:
    check = doctor._own_certificate(origin_at(free_port()), datetime.now(UTC))

    assert (False, False) == (check.holds, check.needed)
    assert "not read from 127.0.0.1" in check.detail


def origin_at(port: int) -> Origin:
    """An origin whose pages are served at a port of this machine."""
    return Origin(
        zone="accredit.test",
        resolver="127.0.0.1:1",
        ports={443: port},
        authority="",
        key=b"k" * 32,
    )


HIDDEN = """
import json, sys
sys.path.insert(0, sys.argv[1])
import harness
from harness.cli.doctor import shadow_checks
from importlib.metadata import packages_distributions
from pathlib import Path
print(json.dumps([[c.holds, c.needed, c.detail] for c in shadow_checks(Path("/"), packages_distributions())]))
"""


@pytest.mark.parametrize("name", ["httpx.py", "reports", "idna"])
def test_a_local_file_that_hides_a_package_is_named(name: str, tmp_path: Path) -> None:
    hiding = tmp_path / name
    if hiding.suffix:
        hiding.write_text("")
    else:
        hiding.mkdir()
        (hiding / "__init__.py").write_text("")
    ended = subprocess.run(
        [sys.executable, "-c", HIDDEN, str(tmp_path)], capture_output=True, text=True, check=True
    )

    ((holds, needed, detail),) = json.loads(ended.stdout)
    assert (False, True) == (holds, needed)
    assert str(hiding) in detail
    assert f"hides the installed package {hiding.stem!r}" in detail


def test_a_local_folder_that_would_hide_a_package_from_pytest_is_noted(tmp_path: Path) -> None:
    (tmp_path / "harness").mkdir()

    held, noted = shadow_checks(tmp_path, packages_distributions())

    assert held.holds
    assert (False, False) == (noted.holds, noted.needed)
    assert f"{tmp_path / 'harness'} hides 'harness' from pytest" in noted.detail
