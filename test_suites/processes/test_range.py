"""``accredit range up`` as a process: a user's mistake starts no range, in the background or not."""

from __future__ import annotations

from pathlib import Path

import pytest

from test_suites.kit.processes.running import accredit


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--changes-at", "noon"), "--changes-at noon: write the time like 2026-11-24T12:00:00Z"),
        (("--changes-at", "2026-11-24T12:00:00"), "write the time like 2026-11-24T12:00:00Z"),
        (("--scheme", "nobody-1900"), "nobody-1900"),
        (("--faults", "absent.yaml"), "absent.yaml"),
    ],
)
def test_a_wrong_option_starts_no_range_in_the_background(
    words: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    ended = accredit("range", "up", "--detach", *words, cwd=tmp_path)

    assert ended.returncode == 2, ended.stderr
    assert said in " ".join(ended.stderr.split())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("words", [(), ("--detach",)])
def test_a_file_in_place_of_the_folder_is_the_users_mistake(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("a file")

    ended = accredit("range", "up", "--out", "taken", *words, cwd=tmp_path)

    assert ended.returncode == 2, ended.stderr
    assert "taken: File exists; give another path" in ended.stderr
