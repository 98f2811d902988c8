"""The verb ``range``: where its parts are, and faults from a file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from harness.campaign.origin_file import read_origin
from harness.cli.compose import running_range
from harness.cli.main import app
from harness.cli.range import FaultsDeclaration, play_faults, read_faults
from harness.cli.range_alerts import read_alerts
from harness.errors import FaultyDocument
from harness.schemes.load import load_scheme
from probes.range.alert_delivery import AlertSettings
from probes.range.testbed import RangeTestbed


def test_up_where_and_down(runner: CliRunner, tmp_path: Path) -> None:
    up = runner.invoke(
        app, ["range", "up", "--out", str(tmp_path), "--profile", "staff", "--detach"]
    )
    where = runner.invoke(app, ["range", "where", "--out", str(tmp_path), "--of", "resolver"])
    wrong = runner.invoke(app, ["range", "where", "--out", str(tmp_path), "--of", "teapot"])
    absent = runner.invoke(app, ["range", "where", "--out", str(tmp_path), "--of", "gateway"])
    again = runner.invoke(app, ["range", "up", "--out", str(tmp_path), "--detach"])
    down = runner.invoke(app, ["range", "down", "--out", str(tmp_path)])

    assert 0 == up.exit_code, up.output
    assert "a range is running here; stop it first" in str(again.exception)
    assert "reference proxy for staff: http://127.0.0.1:" in up.stdout
    assert "PRIVATE" not in up.output
    assert 0o600 == (tmp_path / "origin.json").stat().st_mode & 0o777
    assert f"the reference filter's own log: {tmp_path / 'service.log'}" in up.stdout
    assert where.stdout.startswith("127.0.0.1:")
    assert str(wrong.exception).endswith("known: names, proxy, resolver")
    assert str(absent.exception).endswith("; start the range with --gateway")
    assert 0 == down.exit_code, down.output


def test_the_number_of_a_range_that_has_ended_is_not_another_process(
    runner: CliRunner, tmp_path: Path
) -> None:
    """After a restart of the machine, the number may be that of any process."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as bystander:
        (tmp_path / "range.pid").write_text(str(bystander.pid))

        down = runner.invoke(app, ["range", "down", "--out", str(tmp_path)])

        assert "has ended already" in str(down.exception)
        assert bystander.poll() is None


@pytest.mark.skipif(sys.platform != "linux", reason="needs all of 127.0.0.0/8")
def test_a_gateway_s_ports_are_written_as_a_campaign_file_takes_them(
    runner: CliRunner, tmp_path: Path
) -> None:
    out = ("--out", str(tmp_path))
    up = runner.invoke(
        app,
        ["range", "up", *out, "--profile", "pupils", "--profile", "staff", "--gateway", "--detach"],
    )
    ports = {
        name: YAML(typ="safe").load(
            runner.invoke(
                app, ["range", "where", *out, "--of", "gateway", "--profile", name]
            ).stdout
        )
        for name in ("pupils", "staff")
    }
    names = runner.invoke(app, ["range", "where", *out, "--of", "names"])
    down = runner.invoke(app, ["range", "down", *out])

    assert (0, 0) == (up.exit_code, down.exit_code), up.output
    assert {80, 443, 8080, 8443} == set(ports["pupils"]) == set(ports["staff"])
    assert 4 == len({port for each in ports.values() for port in each.values()})
    assert f"{names.stdout.strip()}" == read_origin(tmp_path / "origin.json").resolver
    assert "reference gateway for staff: {80: " in up.stdout
    assert str(tmp_path / "gateway.pem") in up.stdout


def test_a_gateway_elsewhere_than_on_linux_is_the_users_mistake(
    runner: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.cli.range.sys", SimpleNamespace(platform="darwin"))

    refused = runner.invoke(app, ["range", "up", "--out", str(tmp_path), "--gateway"])

    assert "needs Linux" in str(refused.exception)
    assert not list(tmp_path.iterdir())


def test_down_without_up_is_the_users_mistake(runner: CliRunner, tmp_path: Path) -> None:
    assert "no range was started here" in str(
        runner.invoke(app, ["range", "down", "--out", str(tmp_path)]).exception
    )


def test_faults_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "faults.yaml"
    path.write_text(
        "faults:\n  - {kind: miss, hosts: [drug-001.canary.accredit.test]}\ndead_hosts: [a.accredit.test]\n"
    )
    declared = read_faults(path)
    world = RangeTestbed(tmp_path / "w", dead_hosts=declared.dead_hosts)

    play_faults(world, declared)

    assert {"miss", "dead"} == {str(fault.kind) for fault in world.faults}


def test_a_fault_of_the_filter_s_log_takes_its_numbers_from_the_file(tmp_path: Path) -> None:
    path, world = tmp_path / "faults.yaml", RangeTestbed(tmp_path / "w")
    path.write_text(
        "faults:\n"
        "  - {kind: log-clock, seconds: -90}\n"
        "  - {kind: log-wrong-user, share: 0.25, user: bob, seed: 7}\n"
    )
    play_faults(world, read_faults(path))

    user, clock = world.faults
    assert -90 == clock.seconds
    assert (0.25, "bob", 7) == (user.share, user.user, user.seed)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("{kind: log-late, seconds: 0}", "needs 'seconds' above 0"),
        ("{kind: log-clock, seconds: .inf}", "not a finite number"),
        ("{kind: log-dropped, share: 2}", "share"),
    ],
)
def test_a_fault_of_the_filter_s_log_with_a_wrong_number_is_refused(
    fault: str, reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "faults.yaml"
    path.write_text(f"faults:\n  - {fault}\n")

    with pytest.raises(FaultyDocument, match=rf"faults\.yaml:2: faults.*{reason}"):
        read_faults(path)


def test_a_log_that_cannot_be_written_is_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "w" / "service.log").mkdir(parents=True)
    with running_range(tmp_path / "w", policy=load_scheme("becta-2008").policy):
        pass

    warning = capsys.readouterr().err
    assert "service.log cannot be opened: Is a directory" in warning


def test_pages_that_filters_like_to_block_show_their_harmless_words(tmp_path: Path) -> None:
    policy = load_scheme("becta-2008").policy
    with running_range(tmp_path / "w", policy=policy, profiles=("ks2",)) as running:
        proxy = running.origin.services["reference"]["proxy"]["ks2"]
        page = httpx.get("http://ob-0001.overblock.accredit.test/", proxy=proxy)
        other = httpx.get("http://page-0001.overblock.accredit.test/", proxy=proxy)

    assert (200, 200) == (page.status_code, other.status_code)
    assert "A guide for pupils: asthma and inhalers" in other.text
    assert "Visitor guide and local history of Scunthorpe" in page.text


def test_a_wrong_faults_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "faults.yaml"
    path.write_text("faults:\n  - {knd: miss}\n")

    with pytest.raises(FaultyDocument, match=r"faults\.yaml:2: faults"):
        read_faults(path)
    assert FaultsDeclaration() == read_faults(None)


def test_to_whom_alerts_go_comes_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "alerts.yaml"
    path.write_text("alert_mail: 127.0.0.1:2525\nrecipients: {pupils: lead@school.test}\n")

    found = read_alerts(path)
    assert found == AlertSettings(
        alert_mail="127.0.0.1:2525", recipients={"pupils": "lead@school.test"}
    )
    assert read_alerts(None) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("operator: it@school.test", "need 'alert_mail'"),
        ("alert_mail: 127.0.0.1:smtp", "alert_mail"),
        ("webhook: ftp://a/", "is no URL"),
        ("webhook: http://a/\noperator: it", "operator: 'it' is no mail address"),
        ("webhook: http://a/\nescalate_after: 0.0", "seconds above 0"),
        ("webhook: http://a/\nto: x@a.test", "to"),
    ],
)
def test_a_wrong_alerts_file_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "alerts.yaml"
    path.write_text(text + "\n")

    with pytest.raises(FaultyDocument, match=rf"alerts\.yaml.*{reason}"):
        read_alerts(path)
