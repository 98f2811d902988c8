"""The details of an unexpected error are kept where only the user can read them."""

from __future__ import annotations

import stat
import tempfile
from pathlib import Path

import pytest

from harness.cli.process import write_crash_log


@pytest.fixture
def error() -> ValueError:
    try:
        int("odd \udcff text")
    except ValueError as caught:
        return caught
    raise AssertionError


def test_it_holds_the_traceback_and_versions(
    error: ValueError, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    log = write_crash_log(error)

    assert log is not None
    assert tmp_path / "accredit" == log.parent
    assert {"isp-accredit", "Traceback", "'odd"} <= set(log.read_text().replace(":", " ").split())
    assert (0o600, 0o700) == tuple(stat.S_IMODE(each.stat().st_mode) for each in (log, log.parent))


def test_where_the_first_folder_takes_nothing_the_next_one_does(
    error: ValueError, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "accredit").write_text("a file")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    log = write_crash_log(error)

    assert log is not None
    assert tmp_path == log.parent


def test_without_any_folder_there_is_none(
    error: ValueError, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "accredit").write_text("a file")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "accredit"))

    assert write_crash_log(error) is None
