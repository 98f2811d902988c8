"""The ready workflow files: each command and option in them exists, and they run in order."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from ruamel.yaml import YAML

from harness.cli.expect import read_expected
from harness.cli.main import app
from test_suites.house.test_extras import OFFERED
from test_suites.kit.campaigns.rehearsal import simulated_origin, write_campaign
from test_suites.kit.rooms import ROOT

FOLDER = ROOT / "docs/how-to/ci"
FILES = ("github-actions.yml", "gitlab-ci.yml")
SYSTEM = {"umask", "printenv", "install"}
"""Commands of a system; the others must be ours, pip or pytest."""
BLOCKED = ["PORN", "ADLT", "VIOL", "DISC", "EXTR", "DRUG", "CRIM", "PIRA", "MALW", "ILL"]


def workflow(name: str) -> Any:
    """A workflow file as data; in YAML 1.2, ``on`` is a string."""
    return YAML(typ="safe", pure=True).load(FOLDER / name)


def commands_of(name: str) -> Iterator[str]:
    """The command lines of a workflow, in order."""
    data = workflow(name)
    if "jobs" in data:
        texts = [
            step["run"] for job in data["jobs"].values() for step in job["steps"] if "run" in step
        ]
    else:
        parts = ("before_script", "script", "after_script")
        texts = [line for part in parts for line in data["accredit"][part]]
    for text in texts:
        yield from text.strip().splitlines()


def command_of(words: list[str]) -> tuple[Any, list[str]]:
    """The command of ``accredit`` that some words name, and the words after it."""
    command: Any = typer.main.get_command(app)
    while words and hasattr(command, "get_command"):
        found = command.get_command(None, words[0])
        assert found is not None, words
        command, words = found, words[1:]
    return command, words


def options_of_pytest() -> str:
    """The help of pytest with the plug-in."""
    told = subprocess.run(
        [sys.executable, "-m", "pytest", "--help", "-p", "no:cacheprovider"],
        capture_output=True,
        text=True,
        check=True,
    )
    return told.stdout


def kept_files(name: str) -> list[str]:
    """The paths, or patterns of paths, that a workflow keeps."""
    data = workflow(name)
    if "jobs" not in data:
        return list(data["accredit"]["artifacts"]["paths"])
    steps = [step for job in data["jobs"].values() for step in job["steps"]]
    (paths,) = (step["with"]["path"] for step in steps if "path" in step.get("with", {}))
    return str(paths).split()


@pytest.mark.parametrize("name", FILES)
def test_each_command_and_option_exists(name: str) -> None:
    known_to_pytest = options_of_pytest()
    seen = set()
    for line in commands_of(name):
        program, *words = shlex.split(line)
        seen.add(program)
        options = [word.partition("=")[0] for word in words if word.startswith("-")]
        if program == "accredit":
            command, rest = command_of(words)
            offered = {option for parameter in command.params for option in parameter.opts}
            assert {word for word in rest if word.startswith("-")} <= offered, line
        elif program == "pytest":
            assert [] == [each for each in options if not re.search(rf"{each}\b", known_to_pytest)]
        elif program == "pip":
            extras = re.findall(r"isp-accredit\[([a-z,]+)\]", line)
            assert {each for names in extras for each in names.split(",")} <= {*OFFERED}
        else:
            assert program in SYSTEM, line
    assert {"accredit", "pytest", "pip"} <= seen


def test_the_files_have_what_their_systems_ask_for() -> None:
    github, gitlab = map(workflow, FILES)
    (job,) = github["jobs"].values()

    assert {"schedule", "workflow_dispatch"} == github["on"].keys()
    assert {"contents": "read"} == github["permissions"]
    assert all(("uses" in step) != ("run" in step) for step in job["steps"])
    assert {"exit_codes": 3} == gitlab["accredit"]["allow_failure"]
    assert "junit.xml" == gitlab["accredit"]["artifacts"]["reports"]["junit"]


def test_the_expected_results_of_the_guide_are_read(tmp_path: Path) -> None:
    text = (FOLDER.parent / "run-under-pytest.md").read_text(encoding="utf-8")
    example, *_ = re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    file = tmp_path / "expected.yaml"
    file.write_text(example, encoding="utf-8")

    (entry,) = read_expected(file).expected
    assert ("URL-04[pupils-proxy]", "does-not-conform") == (entry.id, entry.outcome)


def test_the_commands_of_the_guide_exist() -> None:
    text = (FOLDER.parent / "run-under-pytest.md").read_text(encoding="utf-8")
    lines = re.findall(r"^accredit .*$", text, re.MULTILINE)

    assert lines
    for line in lines:
        command, rest = command_of(shlex.split(line)[1:])
        offered = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in rest if word.startswith("-")} <= offered, line


@pytest.mark.parametrize("name", FILES)
def test_a_supplier_runs_its_commands_from_a_new_checkout(name: str, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    origin = simulated_origin(elsewhere)
    write_campaign(
        tmp_path,
        origin=Path("origin.json"),
        lines=[{"name": "proxy", "type": "simulated", "options": {"block": BLOCKED}}],
        categories=["DRUG"],
        sample=10,
        campaign="supplier",
        control={"type": "simulated"},
        plain_twins={"number": 0},
    )
    programs = tmp_path / "programs"
    programs.mkdir()
    for program, module in (("accredit", "harness.cli.process"), ("pytest", "pytest")):
        script = programs / program
        script.write_text(f'#!/bin/sh\nexec {sys.executable} -m {module} "$@"\n')
        script.chmod(0o700)
    secret = origin.read_text() if name == FILES[0] else str(origin)
    environment = os.environ | {
        "ACCREDIT_ORIGIN": secret,
        "PATH": f"{programs}:{os.environ['PATH']}",
    }

    def run(line: str) -> int:
        ended = subprocess.run(["bash", "-c", line], cwd=tmp_path, env=environment, check=False)
        return ended.returncode

    assert shutil.which("bash")
    assert 0 == run("accredit measure --help")
    lines = [line for line in commands_of(name) if not line.startswith("pip ")]
    measured = next(number for number, line in enumerate(lines) if line.startswith("pytest"))
    for line in lines[: measured - 1]:
        assert 0 == run(line), line
    # The first time there are no expected results: they are written from a first measurement.
    assert 0 == run("accredit measure campaign.yaml")
    wanted = "accredit expect write out/supplier --out expected.yaml --until 2999-01-01 --reason x --most 1"
    assert 0 == run(wanted)
    codes = [run(line) for line in lines[measured - 1 :]]

    assert [0] * len(codes) == codes
    assert (tmp_path / "junit.xml").stat().st_size > 1000
    assert (tmp_path / "report.html").stat().st_size > 1000
    assert [] == [path for path in kept_files(name) if not list(tmp_path.glob(path))]
