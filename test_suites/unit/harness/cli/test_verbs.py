"""A wrong command line is quoted escaped."""

from __future__ import annotations

import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from harness.cli.main import MainVerbs, Verbs, app
from harness.errors import UsageError


@pytest.mark.parametrize(
    "words",
    [["\x1b[31m"], ["plan", "\x1b[31m"], ["plan", "list", "\x1b[31m"], ["plan", "list", "--\x1b"]],
)  # fmt: skip
def test_words_that_are_no_verb_are_quoted_escaped(words: list[str], runner: CliRunner) -> None:
    result = runner.invoke(app, words)

    assert 2 == result.exit_code
    assert "\x1b" not in result.output
    assert "\\x1b" in result.output


def test_other_errors_pass_as_they_are() -> None:
    verbs = typer.Typer(cls=Verbs)

    @verbs.command()
    def fail() -> None:
        raise UsageError("as it is")

    verbs.command("other")(fail)
    assert "as it is" == str(CliRunner().invoke(verbs, ["fail"]).exception)


def test_a_misspelt_verb_is_told_the_nearest(runner: CliRunner) -> None:
    assert "No such command 'lst'. Did you mean 'list'?" in runner.invoke(app, ["lst"]).output


@pytest.mark.parametrize("name", MainVerbs.verbs)
def test_the_help_of_a_verb_is_what_the_verb_says_of_itself(name: str, runner: CliRunner) -> None:
    said = " ".join(runner.invoke(app, [name, "--help"]).output.split())

    assert MainVerbs.verbs[name].help in said


def test_help_imports_no_verb() -> None:
    seen = "import sys, harness.cli.main as m; m.invoke(['--help']); print(*sys.modules)"
    modules = subprocess.run(
        [sys.executable, "-c", seen], capture_output=True, text=True, check=True
    )

    loaded = modules.stdout.splitlines()[-1].split()
    assert "harness.cli.main" in loaded
    assert not {"harness.cli.demo", "numpy", "duckdb", "probes", "corpora"} & set(loaded)
