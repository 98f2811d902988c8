"""``accredit origin check`` as a command: its words, exit codes, and what it refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from harness.campaign.origin_file import read_origin, write_origin
from harness.cli.main import app
from harness.errors import UsageError
from test_suites.kit.campaigns.rehearsal import simulated_origin, write_campaign
from test_suites.kit.networks.public_origin import TWINS, ZONE, write_folder
from test_suites.kit.processes.product import free_port


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    """The file of an origin on loopback that is not served."""
    write_folder(
        tmp_path / "origin",
        zones=({"zone": ZONE, "addresses": ("127.0.0.1",)},),
        twins={"zone": TWINS, "addresses": ("127.0.0.9",), "authority": "twin-authority-key.pem"},
    )
    return tmp_path / "origin/origin.json"


def check(runner: CliRunner, origin: Path, *words: object) -> Result:
    nobody = f"127.0.0.1:{free_port()}"
    given = ["--resolver", nobody, "--parent", nobody, "--timeout", "0.2", *map(str, words)]
    return runner.invoke(app, ["origin", "check", str(origin), *given])


def test_each_check_is_one_line_that_says_what_to_fix(runner: CliRunner, origin: Path) -> None:
    result = check(runner, origin)

    lines = result.output.splitlines()
    assert 1 == result.exit_code
    assert {"ok", "problem"} == {line.split()[0] for line in lines}
    for line in lines:
        assert ("; " in line) == line.startswith("problem"), line
    assert f"http page at 127.0.0.9 ({TWINS}): " in result.output
    assert "path (control): amber-lantern." in result.output
    assert read_origin(origin).key.hex() not in result.output


def test_the_same_is_given_as_json(runner: CliRunner, origin: Path) -> None:
    result = check(runner, origin, "--json")

    results = json.loads(result.stdout)
    assert 1 == result.exit_code
    assert all(set(each) == {"check", "of", "state", "seen", "fix"} for each in results)
    assert ["authority"] == [each["check"] for each in results if each["state"] == "ok"]


def test_one_line_of_a_campaign_may_be_chosen(runner: CliRunner, origin: Path) -> None:
    campaign = write_campaign(
        origin.parent, origin=origin, categories=["DRUG"], sample=1,
        lines=[
            {"name": name, "type": "explicit_proxy", "options": {"proxy": f"http://127.0.0.1:{free_port()}"}}
            for name in ("north", "south")
        ],
        profiles={"pupils": {}, "staff": {}},
    )  # fmt: skip

    both = check(runner, origin, "--campaign", campaign, "--json")
    one = check(runner, origin, "--campaign", campaign, "--line", "south", "--json")

    paths = [
        [each["of"] for each in json.loads(result.stdout) if each["check"] == "path"]
        for result in (both, one)
    ]
    assert [["control", "north (pupils)", "south (pupils)"], ["south (pupils)"]] == paths


def test_the_file_of_the_campaign_may_be_named_by_another_path(
    runner: CliRunner, origin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = write_campaign(
        origin.parent, origin=origin, categories=["DRUG"], sample=1,
        lines=[{"name": "names", "type": "resolver", "options": {"server": "127.0.0.1"}}],
    )  # fmt: skip
    monkeypatch.chdir(origin.parent)

    result = check(runner, Path(origin.name), "--campaign", campaign, "--line", "control")

    assert isinstance(result.exception, SystemExit)
    assert "path (control)" in result.output


def test_what_the_user_must_give_otherwise_is_said(
    runner: CliRunner, origin: Path, tmp_path: Path
) -> None:
    other = replace(read_origin(origin), key=b"x" * 32)
    write_origin(other, tmp_path / "origin/other.json")
    campaign = write_campaign(
        tmp_path, origin=origin, categories=["DRUG"], sample=1,
        lines=[{"name": "names", "type": "resolver", "options": {"server": "127.0.0.1"}}],
    )  # fmt: skip
    ofrange = simulated_origin(tmp_path)
    for path, words, said in (
        (tmp_path / "no.json", [], "no.json: no such origin file"),
        (ofrange, [], "is of a test range on this machine; 'accredit origin init' makes others"),
        (origin, ["--line", "names"], "--line needs --campaign"),
        (origin, ["--campaign", campaign, "--line", "x"], "has no line 'x'; known: control, names"),
        (origin.parent / "other.json", ["--campaign", campaign], "names another origin than"),
        (origin, ["--parent", "dns:dns"], "--parent: 'dns:dns' is not an address"),
    ):
        result = check(runner, path, *words)
        assert isinstance(result.exception, UsageError), words
        assert said in str(result.exception)
        assert 2 == result.exception.exit_code
