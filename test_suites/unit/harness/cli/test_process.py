"""What a command raises becomes a message and an exit code."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.cli.process import exit_code_of
from harness.errors import HarnessError, InstrumentError, StoppedError, UnfinishedError, UsageError


def raising(error: BaseException) -> Callable[[], int]:
    def command() -> int:
        raise error

    return command


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The details of unexpected errors go to the test's own folder."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "accredit"


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (UsageError("one", "two"), 2, "accredit: one\naccredit: two\n"),
        (UnfinishedError("more is needed"), 3, "accredit: more is needed\n"),
        (InstrumentError("the disk is full"), 4, "accredit: the disk is full\n"),
        (
            OSError(errno.ENAMETOOLONG, "File name too long", "x.yaml"),
            2,
            "accredit: x.yaml: File name too long; give another path\n",
        ),
        (HarnessError("odd"), 4, "accredit: odd\n"),
        (KeyboardInterrupt(), 130, "accredit: stopped by Ctrl-C (SIGINT)\n"),
        (StoppedError("stopped; all is whole"), 130, "accredit: stopped; all is whole\n"),
        (ExceptionGroup("g", [UsageError("one")]), 2, "accredit: one\n"),
        (
            ModuleNotFoundError("No module named 'psycopg'", name="psycopg"),
            2,
            "accredit: this verb needs 'psycopg': pip install 'isp-accredit[postgresql]'\n",
        ),
        (
            OSError(errno.ENOSPC, "No space left on device", "/tmp/x"),
            4,
            "accredit: /tmp/x: No space left on device; fix this and run the command again\n",
        ),
    ],
)
def test_trouble_is_one_clear_message_and_an_exit_code(
    error: BaseException, code: int, said: str, capsys: pytest.CaptureFixture[str], state: Path
) -> None:
    assert (code, said) == (exit_code_of(raising(error)), capsys.readouterr().err)
    assert not state.exists()


@pytest.mark.parametrize(
    "error", [ValueError("a\nb"), SystemExit(1), OSError(errno.ENOENT, "no", "x"), GeneratorExit()]
)
def test_the_unexpected_is_one_line_and_a_log(
    error: BaseException, capsys: pytest.CaptureFixture[str], state: Path
) -> None:
    code = exit_code_of(raising(error))

    (log,) = state.iterdir()
    (line,) = capsys.readouterr().err.splitlines()
    assert 4 == code
    assert f": {type(error).__name__}" in line
    assert line.endswith(f"details: {log}")


@pytest.mark.parametrize("code", [0, 1, 3])
def test_a_command_that_ends_gives_its_own_exit_code(code: int) -> None:
    assert code == exit_code_of(lambda: code)
