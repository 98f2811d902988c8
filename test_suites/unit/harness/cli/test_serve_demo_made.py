"""What ``accredit serve --demo`` makes, says and removes, without the hub itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.cli import serve_demo
from harness.cli.demo_hub_people import PEOPLE
from harness.cli.hub_file import FILE
from harness.cli.registry_session import open_session
from harness.cli.serve_demo import demo_people
from harness.errors import UsageError
from test_suites.kit.clocks.set_clock import SetClock
from test_suites.kit.hubs.demo_hub_example import NOW


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders that were served; nothing is made and nothing is served."""
    folders: list[Path] = []

    def make(folder: Path, *_: Any) -> None:
        folder.mkdir(exist_ok=True)
        (folder / "made").touch()

    def serve(folder: Path, listen: Any) -> None:
        with listen():
            folders.append(folder)
            assert (folder / "made").exists()

    monkeypatch.setattr(serve_demo, "make_apart", make)
    monkeypatch.setattr(serve_demo, "serve_hub", serve)
    monkeypatch.setattr(serve_demo, "demo_people", lambda *_: {PEOPLE[0]: "password-of-the-test"})
    return folders


def test_a_temporary_hub_is_removed_and_its_people_are_told(
    served: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    serve_demo.serve_demo(None, 0, SetClock(NOW))

    said = capsys.readouterr().out
    assert "administrator@demo.invalid  password-of-the-test" in said
    assert "made up" in said
    (folder,) = served
    assert not folder.exists()


def test_a_named_hub_is_kept_and_never_overwritten(
    served: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    serve_demo.serve_demo(tmp_path / "kept", 0, SetClock(NOW))

    assert f"the folder of the hub is kept: {tmp_path / 'kept'}" in capsys.readouterr().out
    with pytest.raises(UsageError, match="is not empty"):
        serve_demo.serve_demo(tmp_path / "kept", 0, SetClock(NOW))
    (tmp_path / "kept" / FILE).touch()
    with pytest.raises(UsageError, match="there is a hub already"):
        serve_demo.serve_demo(tmp_path / "kept", 0, SetClock(NOW))
    assert len(served) == 1


def test_each_placeholder_gets_an_account_with_a_password_of_its_own(tmp_path: Path) -> None:
    clock = SetClock(NOW)
    with open_session(tmp_path / "out/registry.sqlite", create=True, clock=clock):
        pass

    passwords = demo_people(tmp_path, clock)

    assert {*PEOPLE} == {*passwords}
    assert len(passwords) == len({*passwords.values()})
