"""A wrong command line is quoted escaped."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from harness.cli.main import MainVerbs, Verbs, app
from harness.cli.process import kept_help
from harness.errors import UsageError
from test_suites.kit.campaigns.rehearsal import simulated_origin, write_campaign


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


def test_help_fits_on_a_screen_and_names_every_verb_once(
    runner: CliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERMINAL_WIDTH", "80")
    said = runner.invoke(app, ["--help"]).output

    assert len(said.splitlines()) <= 45
    for title, group in MainVerbs.groups.items():
        shown = said.partition(f"{title}:\n")[2]
        named = shown.partition("More: ")[2].partition(".")[0]
        for name, verb in group.items():
            assert name in named if verb.is_brief else f"  {name:12}  {verb.help}\n" in shown
    assert MainVerbs.verbs.keys() <= set(re.findall(r"\w+", said))


def test_help_imports_no_verb() -> None:
    seen = "import sys, harness.cli.main as m; m.invoke(['--help']); print(*sys.modules)"
    modules = subprocess.run(
        [sys.executable, "-c", seen], capture_output=True, text=True, check=True
    )

    loaded = modules.stdout.splitlines()[-1].split()
    assert "harness.cli.main" in loaded
    assert not {"harness.cli.demo", "numpy", "duckdb", "probes", "corpora"} & set(loaded)


KEPT = "import sys, harness.cli.process as p; sys.argv[1:] = {words}; p.exit_code_of(p._commands)"


@pytest.mark.parametrize("words", [["plan", "list", "--help"], ["serve", "-h"], ["-h"]])
def test_help_of_a_command_needs_neither_the_command_nor_its_parser(words: list[str]) -> None:
    code = f"{KEPT.format(words=words)}; print(*sys.modules)"

    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    page, _, loaded = said.stdout.rstrip().rpartition("\n")
    assert page.startswith(f"Usage: {' '.join(('accredit', *words[:-1]))} [OPTIONS]")
    assert "Show this message and exit." in page
    assert not {"typer", "rich", "harness.cli.main", "harness.model"} & set(loaded.split())


@pytest.mark.parametrize("words", [["plan", "lst", "-h"], ["plan", "list"], ["-h", "plan"], []])
def test_other_words_are_left_to_the_parser(words: list[str]) -> None:
    assert kept_help(["plan", "list", "-h"])
    assert "" == kept_help(words)


@pytest.mark.parametrize("name", ["COLUMNS", "TERMINAL_WIDTH"])
def test_a_narrow_terminal_has_its_help_laid_out(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "60")

    assert "" == kept_help(["plan", "list", "-h"])


def test_commands_on_plans_load_a_database_or_cryptography_only_when_they_need_it() -> None:
    code = "import sys, harness.cli.plan, harness.cli.registry, harness.cli.registry_facts\n"
    code += "print(sorted({'sqlalchemy', 'alembic', 'cryptography'} & set(sys.modules)))"

    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ended.stdout.strip() == "[]"


def test_verbs_that_compute_no_interval_do_not_import_them(tmp_path: Path) -> None:
    campaign = write_campaign(
        tmp_path,
        origin=simulated_origin(tmp_path),
        lines=[{"name": "proxy", "type": "simulated"}],
        categories=["DRUG"],
        sample=2,
        control={"type": "simulated"},
    )
    service = ["--service", "one", "--proxy", "http://127.0.0.1:1", "--control", "eth0"]
    origin = ["--origin", str(tmp_path / "origin.json")]
    lines: list[tuple[list[str], int]] = [
        (["--help"], 0),
        (["list", "lines"], 0),
        (["init", str(tmp_path / "new"), "--yes", *service, *origin], 0),
        (["measure", str(campaign), "--out", str(tmp_path / "out")], 0),
        (["doctor", str(campaign)], 3),  # the service blocks nothing
    ]
    code = (
        "import sys\nfrom harness.cli.main import invoke\n"
        f"for line in {[words for words, _ in lines]!r}:\n"
        "    print('ended', line[0], invoke(line), 'harness.estimate.intervals' in sys.modules, file=sys.stderr)\n"
    )

    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    said = [line.split() for line in ended.stderr.splitlines() if line.startswith("ended ")]
    expected = [[words[0], str(status), "False"] for words, status in lines]
    assert expected == [line[1:] for line in said], ended.stderr
