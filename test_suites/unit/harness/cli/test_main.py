"""The command as a whole: help, version, and errors that speak to people."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.cli.main import app, invoke
from harness.cli.paths import DATABASE, REGISTRY
from harness.cli.process import run
from harness.errors import UsageError

VERBS = {
    "demo", "init", "doctor", "run", "measure", "conclude", "compare", "judge", "bundle", "report", "retest", "plan",
    "list", "scheme", "corpus", "range",
}  # fmt: skip


def test_every_verb_is_there(runner: CliRunner) -> None:
    said = runner.invoke(app, ["--help"]).stdout

    assert VERBS <= set(re.findall(r"\w+", said))


def test_the_version(runner: CliRunner) -> None:
    assert runner.invoke(app, ["--version"]).stdout.startswith("isp-accredit ")


def test_a_wrong_word_exits_2_and_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == invoke(["list", "--teapot"])
    assert "No such option: --teapot" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ("registry", "add", "\udcff", "x", "--supplier", "Acme"),
        ("registry", "add", "site", "\udcff", "--supplier", "Acme"),
        ("registry", "add", "site", "x", "--supplier", "Ac\udcffme"),
        ("registry", "add", "site", "x", "--supplier", "Acme", "--set", "place=\udcff"),
        ("registry", "add", "site", "x", "--supplier", "Acme", "--by", "\udcff"),
        ("registry", "add", "site", "x", "--supplier", "Acme", "--registry", "\udcff"),
        ("registry", "close", "site", "x", "--supplier", "Acme", "--reason", "\udcff"),
        ("registry", "list", "--out", "\udcff"),
        ("registry", "verify", "--stream", "\udcff"),
        ("plan", "show", "\udcff"),
        ("plan", "agree", "P-0001", "--owner", "\udcff", "--action", "a"),
        ("plan", "evidence", "P-0001", "\udcff", "--what", "w"),
        ("plan", "sign", "P-0001", "--as", "\udcff", "--signer", "a", "--key", "k"),
        ("submission", "record", "x.yaml", "--by", "\udcff"),
    ],
)
def test_bytes_that_are_not_utf_8_are_refused_before_anything_is_recorded(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="holds bytes that are not UTF-8; write") as caught:
        invoke(words)

    assert len(caught.value.args) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("variable", ["LOGNAME", DATABASE, REGISTRY])
def test_a_variable_that_is_not_utf_8_is_named(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "\udcff")
    with pytest.raises(UsageError, match=f"{variable}=.* holds bytes that are not UTF-8"):
        invoke(["registry", "list"])


def test_what_a_command_raises_goes_up(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="teapot"):
        invoke(["list", "teapot"])
    for error in (KeyboardInterrupt, EOFError):
        monkeypatch.setattr("harness.cli.list_plugins.Table", _raising(error))
        with pytest.raises(error):
            invoke(["list", "lines"])


def _raising(error: type[BaseException]) -> Callable[..., None]:
    def fail(*words: object, **options: object) -> None:
        del words, options
        raise error

    return fail


def test_a_wrong_campaign_exits_2_with_a_line_per_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = tmp_path / "campaign.yaml"
    wrong.write_text("campaign: x\nservice: {nam: y}\n")
    monkeypatch.setattr(
        sys, "argv", ["accredit", "run", str(wrong), "--out", str(tmp_path / "out")]
    )

    with pytest.raises(SystemExit) as caught:
        run()

    said = capsys.readouterr().err.splitlines()
    assert 2 == caught.value.code
    unknown = (
        f"accredit: {wrong}:2: service.nam: this key is not known; did you mean 'name'? known: "
    )
    assert any(line.startswith(unknown) for line in said)
    assert all(line.startswith(f"accredit: {wrong}:") for line in said)
    assert not (tmp_path / "out").exists()
