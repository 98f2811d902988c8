"""The ready units of systemd: each command exists, paths agree, and systemd reads them."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from configparser import RawConfigParser
from itertools import takewhile
from pathlib import Path

import pytest

from harness.errors import UsageError
from test_suites.documentation.test_workflows import command_of
from test_suites.kit.rooms import ROOT

FOLDER = ROOT / "docs/how-to/systemd"
UNITS = sorted(path.name for path in FOLDER.iterdir())
SERVICES = [name for name in UNITS if name.endswith(".service")]
GUIDE = (ROOT / "docs/how-to/operate-a-hub.md").read_text(encoding="utf-8")
PROGRAM = "/srv/accredit/venv/bin/accredit"


def unit(name: str) -> RawConfigParser:
    """A unit as data. A key that comes twice is an error."""
    parser = RawConfigParser(delimiters=("=",), comment_prefixes=("#",), interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # names keep their case
    parser.read_string((FOLDER / name).read_text(encoding="utf-8"))
    return parser


def test_the_units_are_these() -> None:
    assert [
        "accredit-agent.service", "accredit-hub-backup.service", "accredit-hub-backup.timer",
        "accredit-hub.service",
    ] == UNITS  # fmt: skip


@pytest.mark.parametrize("name", UNITS)
def test_the_first_line_says_where_a_unit_goes(name: str) -> None:
    first = (FOLDER / name).read_text(encoding="utf-8").splitlines()[0]
    assert f"# /etc/systemd/system/{name}" == first


@pytest.mark.parametrize("name", SERVICES)
def test_each_command_exists_with_its_options(name: str) -> None:
    program, *words = shlex.split(unit(name)["Service"]["ExecStart"])
    verbs = list(takewhile(lambda word: not word.startswith("-"), words))
    command, rest = command_of(verbs)[0], words[len(verbs) :]
    offered = {option for each in command.params for option in each.opts}

    assert PROGRAM == program
    assert {word for word in rest if word.startswith("--")} <= offered
    for word in rest:
        assert word.startswith("--") or not word.startswith("-")


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_few_rights(name: str) -> None:
    service = unit(name)["Service"]

    assert "accredit" == service["User"]
    assert ("yes", "strict") == (service["NoNewPrivileges"], service["ProtectSystem"])
    assert service["ReadWritePaths"]
    if "hub" in name:
        assert ("", "yes", "0077") == (
            service["CapabilityBoundingSet"], service["PrivateTmp"], service["UMask"],
        )  # fmt: skip
        assert "AF_INET AF_INET6 AF_UNIX" == service["RestrictAddressFamilies"]


@pytest.mark.parametrize("name", ["accredit-hub.service", "accredit-agent.service"])
def test_a_service_that_needs_a_person_is_not_started_again(name: str) -> None:
    service = unit(name)["Service"]
    assert ("on-failure", str(UsageError.exit_code)) == (
        service["Restart"], service["RestartPreventExitStatus"],
    )  # fmt: skip


def test_what_is_written_lies_below_paths_that_may_be_written() -> None:
    for name in SERVICES:
        service = unit(name)["Service"]
        words = shlex.split(service["ExecStart"])
        written = [words[at + 1] for at, word in enumerate(words) if word in {"--hub", "--out"}]
        allowed = service["ReadWritePaths"].split()
        for path in written:
            inside = Path(service["WorkingDirectory"]) / path
            if not path.startswith("https:"):
                assert any(inside.is_relative_to(each) for each in allowed), (name, path)


def test_the_unit_of_an_agent_is_that_of_its_guide() -> None:
    page = (ROOT / "docs/how-to/run-an-agent.md").read_text(encoding="utf-8")
    assert f"```ini\n{(FOLDER / 'accredit-agent.service').read_text(encoding='utf-8')}```" in page


def test_the_guide_links_each_unit_of_a_hub() -> None:
    linked = set(re.findall(r"\(systemd/([^)]+)\)", GUIDE))
    assert {name for name in UNITS if "hub" in name} == linked


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_reads_the_units_without_a_complaint(tmp_path: Path) -> None:
    program = tmp_path / "accredit"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for name in UNITS:
        text = (FOLDER / name).read_text(encoding="utf-8").replace(PROGRAM, str(program))
        (tmp_path / name).write_text(text, encoding="utf-8")
    ended = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(str(tmp_path / name) for name in UNITS)],
        capture_output=True, text=True, check=False, timeout=120,
        env={"SYSTEMD_UNIT_PATH": f"{tmp_path}:", "PATH": "/usr/bin:/bin"},
    )  # fmt: skip

    about_ours = [line for line in ended.stderr.splitlines() if "accredit" in line]
    assert (0, []) == (ended.returncode, about_ours), ended.stderr
