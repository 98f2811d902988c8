"""The doctor of a hub finds each fault, and says what to do about it."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from typer.testing import CliRunner

from harness.cli import hub_doctor, hub_file_checks
from harness.cli.hub_doctor import checks_of
from harness.cli.hub_file import HubFile, read_hub
from harness.cli.hub_file_checks import HubCheck
from harness.cli.hub_projector import Projector
from harness.cli.main import app
from harness.fleet.messages import AgentStatus, Poll
from harness.ports.storage import WallClock
from harness.store.registry.opening import open_registry
from probes.range.authority import Authority
from test_suites.kit.hubs.hub_example import HubExample, missed

Break = Callable[[HubExample], object]


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HubExample:
    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage(10**12, 0, 10**12))
    made = HubExample(tmp_path).make()
    with made.running():
        made.agent()
    (tmp_path / "out").chmod(0o700)
    with open_registry(tmp_path / "out/registry.sqlite") as registry:
        Projector(registry, tmp_path / "out", made.clock, made.told.append).catch_up()
    return made


class Usage(NamedTuple):
    """Bytes of a disk, as ``shutil.disk_usage`` gives them."""

    total: int
    used: int
    free: int


def found(example: HubExample, *, is_quick: bool = False) -> dict[str, HubCheck]:
    return {each.name: each for each in checks_of(example.hub, example.clock, is_quick=is_quick)}


def faults(example: HubExample) -> list[tuple[str, str]]:
    return [(each.level, each.name) for each in found(example).values() if each.level != "ok"]


NO_CERTIFICATE = ("warning", "certificate")


def test_a_hub_that_works_has_no_fault(example: HubExample) -> None:
    assert [NO_CERTIFICATE] == faults(example)
    assert found(example, is_quick=True).keys() == found(example).keys() - {"events"}


def without_monitoring(example: HubExample) -> None:
    example.service.file.write_text("monitoring: [\n")


def without_campaign(example: HubExample) -> None:
    (example.service.folder / "vale-school.yaml").unlink()


def changed_event(example: HubExample) -> None:
    with closing(sqlite3.connect(example.folder / "out/registry.sqlite")) as database, database:
        database.execute("DROP TRIGGER stream_events_no_update")
        database.execute("UPDATE stream_events SET actor = 'Eve'")


def not_projected(example: HubExample) -> None:
    with example.running():
        example.agent().ask(missed(example))


def old_version(example: HubExample) -> None:
    with closing(sqlite3.connect(example.folder / "out/registry.sqlite")) as database, database:
        database.execute("UPDATE registry_schema SET version_num = '0002'")


def clock_behind(example: HubExample) -> None:
    example.clock.at -= timedelta(days=1)


def silent_agent(example: HubExample) -> None:
    with example.running():
        agent = example.agent()
        agent.ask(Poll(status=AgentStatus(version="1")))
    with open_registry(example.folder / "out/registry.sqlite") as registry:
        Projector(registry, example.folder / "out", example.clock, print).catch_up()


def late_report(example: HubExample) -> None:
    with example.running(lambda _: None):
        agent = example.agent()
        agent.ask(missed(example))
    with open_registry(example.folder / "out/registry.sqlite") as registry:
        Projector(registry, example.folder / "out", example.clock, print).catch_up()
    example.clock.at += timedelta(hours=2)


def old_upload(example: HubExample) -> None:
    path = example.hub / "uploads/x/y.part"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"half")
    at = (example.clock.at - timedelta(days=3)).timestamp()
    os.utime(path, (at, at))


@pytest.mark.parametrize(
    ("spoil", "level", "name", "told"),
    [
        (lambda one: (one.hub / "hub.yaml").unlink(), "error", "hub.yaml", "hub init"),
        (lambda one: (one.hub / "hub.yaml").write_text("x: 1"), "error", "hub.yaml", "hub.yaml:1"),
        (lambda one: (one.hub / "hub.keys").unlink(), "error", "keys", "restore them"),
        (lambda one: (one.hub / "hub.keys").chmod(0o644), "error", "keys", "chmod 600"),
        (lambda one: one.hub.chmod(0o755), "warning", "folder", "chmod 700"),
        (lambda one: (one.folder / "out").chmod(0o750), "warning", "results", "chmod 700"),
        (without_monitoring, "error", "monitoring file", "monitoring.yaml:"),
        (without_campaign, "error", "monitoring file", "vale-school.yaml: the campaign file"),
        (changed_event, "error", "events", "was changed; restore a backup"),
        (not_projected, "warning", "rows of pages", "events are not on the pages yet: Acme"),
        (old_version, "error", "registry", "of version 0002; 'accredit hub migrate'"),
        (clock_behind, "error", "clock", "set the clock"),
        (silent_agent, "warning", "agents", "1 do not measure: Hill School"),
        (late_report, "warning", "reports of agents", "1 wait for more than an hour"),
        (old_upload, "warning", "uploads", "1 were begun and not finished"),
        (lambda one: (one.folder / "out/registry.sqlite").unlink(), "warning", "registry", "none yet"),
        (lambda one: shutil.rmtree(one.folder / "out"), "warning", "results", "does not exist yet"),
        (
            lambda one: (one.folder / "out/registry.sqlite").write_bytes(b"x" * 5000),
            "error", "registry", "not a registry",
        ),
    ],
)  # fmt: skip
def test_each_fault_is_found_and_says_what_to_do(
    example: HubExample, spoil: Break, level: str, name: str, told: str
) -> None:
    spoil(example)

    assert (level, name) in faults(example)
    assert told in found(example)[name].detail


def certified(example: HubExample, **changes: Any) -> None:
    content = Authority().key_and_chain("localhost")
    for name in ("cert.pem", "key.pem"):
        (example.hub / name).write_bytes(content)
        (example.hub / name).chmod(0o600)
    values = {"certificates": ["cert.pem"], "key": "key.pem"} | changes
    example.change(example.hub / "hub.yaml", lambda one: one.update(values))


def test_a_certificate_is_checked_with_its_key_and_dates(example: HubExample) -> None:
    certified(example)
    now = WallClock().now()
    checks = {each.name: each for each in hub_file_checks.file_checks(hub_of(example), now)}
    assert ("ok", "ok") == (checks["certificate"].level, checks["key of the certificate"].level)
    later = now + timedelta(days=4000)
    checks = {each.name: each for each in hub_file_checks.file_checks(hub_of(example), later)}
    assert ("error", True) == (
        checks["certificate"].level, "renew it" in checks["certificate"].detail,
    )  # fmt: skip
    (example.hub / "key.pem").write_bytes(Authority().key_and_chain("localhost"))
    checks = {each.name: each for each in hub_file_checks.file_checks(hub_of(example), now)}
    assert "error" == checks["key of the certificate"].level
    (example.hub / "cert.pem").write_bytes(b"nothing")
    checks = {each.name: each for each in hub_file_checks.file_checks(hub_of(example), now)}
    assert "it holds none in PEM" in checks["certificate"].detail


def hub_of(example: HubExample) -> HubFile:
    return read_hub(example.hub)


@pytest.mark.parametrize(("free", "level"), [(5 * 10**8, "error"), (4 * 10**9, "warning")])
def test_little_space_is_told(
    example: HubExample, monkeypatch: pytest.MonkeyPatch, free: int, level: str
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage(free, 0, free))
    assert level == found(example)["free space"].level


def test_a_missing_library_is_told_with_its_extra(
    example: HubExample, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.errors.find_spec", lambda _: None)
    assert "pip install 'isp-accredit[hub]'" == found(example)["library uvicorn"].detail


def test_the_command_prints_a_line_each_and_exits_with_2_for_faults(
    example: HubExample, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_doctor, "clock", example.clock)
    words = ["hub", "doctor", "--hub", str(example.hub)]
    ended = CliRunner().invoke(app, words)
    assert (0, "ok       hub.yaml: ") == (ended.exit_code, ended.stdout[:19])
    read = json.loads(CliRunner().invoke(app, [*words, "--json"]).stdout)
    assert [each.split(": ")[0][9:] for each in ended.stdout.splitlines()] == [
        each["name"] for each in read
    ]
    (example.hub / "hub.keys").unlink()
    ended = CliRunner().invoke(app, [*words, "--quick"])
    assert (2, True) == (ended.exit_code, "ERROR    keys: " in ended.stdout)
