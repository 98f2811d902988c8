"""A browser's folder is removed at its end, or by the next one if its process was killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from probes.clients.browser_folder import LOCK, PREFIX, browser_folder, remove_left_over

KILLED = """
import os, signal, sys
from probes.clients.browser_folder import browser_folder
with browser_folder(sys.argv[1]) as folder:
    (folder / "profile").mkdir()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def test_a_folder_is_removed_at_the_end(tmp_path: Path) -> None:
    with browser_folder(str(tmp_path)) as folder:
        assert folder.name.startswith(PREFIX)
        (folder / "profile").mkdir()
        remove_left_over(tmp_path)
        assert names(folder) == [LOCK, "profile"]

    assert names(tmp_path) == []


def test_the_folder_of_a_killed_process_is_removed_by_the_next(tmp_path: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    assert ended.returncode == -9
    (left,) = names(tmp_path)

    with browser_folder(str(tmp_path)) as folder:
        assert names(tmp_path) == [folder.name]
        assert left != folder.name


def test_other_folders_stay(tmp_path: Path) -> None:
    """One without a lock is just being made; a link leads elsewhere."""
    (tmp_path / f"{PREFIX}new").mkdir()
    elsewhere = tmp_path / "mine"
    elsewhere.mkdir()
    (elsewhere / LOCK).touch()
    (tmp_path / f"{PREFIX}link").symlink_to(elsewhere)
    remove_left_over(tmp_path)

    assert names(tmp_path) == [f"{PREFIX}link", f"{PREFIX}new", "mine"]
    assert names(elsewhere) == [LOCK]
