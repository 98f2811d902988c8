"""The command as a whole: help, version, and errors that speak to people."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.cli import main
from harness.cli.main import app, run
from harness.errors import InstrumentError, UsageError

VERBS = {
    "demo", "init", "doctor", "run", "measure", "conclude", "compare", "judge", "bundle", "report", "retest", "plan",
    "list", "scheme", "corpus", "range",
}  # fmt: skip


def test_every_verb_is_there(runner: CliRunner) -> None:
    said = runner.invoke(app, ["--help"]).stdout

    assert VERBS == {
        line.split()[0]
        for line in said.splitlines()
        if line.startswith("  ") and line.split()[0] in VERBS
    }


def test_the_version(runner: CliRunner) -> None:
    assert runner.invoke(app, ["--version"]).stdout.startswith("isp-accredit ")


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (UsageError("one", "two"), 2, "accredit: one\naccredit: two\n"),
        (InstrumentError("the disk is full"), 4, "accredit: the disk is full\n"),
        (
            KeyboardInterrupt(),
            130,
            "accredit: stopped; the journal is whole, and the same command goes on from there\n",
        ),
        (
            ModuleNotFoundError("No module named 'scipy'", name="scipy.stats"),
            2,
            "accredit: this verb needs 'scipy.stats': pip install 'isp-accredit[assess]'\n",
        ),
    ],
)
def test_trouble_is_one_clear_message_and_an_exit_code(
    error: BaseException,
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fall() -> None:
        raise error

    monkeypatch.setattr(main, "app", fall)

    with pytest.raises(SystemExit) as caught:
        run()

    assert (code, said) == (caught.value.code, capsys.readouterr().err)


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
    assert (
        f"accredit: {wrong}:2: service.nam: this key is not known; did you mean 'name'? known: block_page, name, supplier, version"
        in said
    )
    assert all(line.startswith(f"accredit: {wrong}:") for line in said)
    assert not (tmp_path / "out").exists()
