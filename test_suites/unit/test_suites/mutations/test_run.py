"""What does not turn its test red is told: survivors, stale entries, tests that never ran."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from harness.errors import UsageError
from test_suites.mutations import run
from test_suites.mutations.checkout import CheckoutCopy
from test_suites.mutations.entry import Entry
from test_suites.mutations.run import Ending, Tried

CODE = """def add(a, b):
    return a + b


def double(a):
    return 2 * a
"""
TESTS = """import socket

from sums.add import add, double


def test_adds():
    assert add(2, 3) == 5


def test_doubles():
    assert double(2) == 4


def test_fails_anyway():
    assert add(2, 2) == 5


class Holder:
    def __init__(self, is_right):
        self.itself, self.socket = self, socket.socket()
        if is_right:
            self.socket.close()


def test_leaves_a_socket_open_if_it_fails():
    is_right = add(2, 2) == 4
    Holder(is_right)
    assert is_right
"""
STRICT = """[pytest]
filterwarnings =
    error::ResourceWarning
    error::pytest.PytestUnraisableExceptionWarning
"""
ADDS, DOUBLES, ANYWAY, LEAVES = (
    f"test_sums.py::test_{name}"
    for name in ("adds", "doubles", "fails_anyway", "leaves_a_socket_open_if_it_fails")
)


def entry(*tests: str, **changes: str) -> Entry:
    fields: dict[str, Any] = {"section": "A", "file": "sums/add.py", "why": "A sum is a sum."}
    fields |= {"before": "a + b", "after": "a - b", "test": tests or (ADDS,)}
    return Entry(**fields | changes)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small project with a module, four tests, and a file that git ignores."""
    root = tmp_path_factory.mktemp("project")
    (root / "sums").mkdir()
    for name, text in {
        "sums/__init__.py": "", "sums/add.py": CODE, "test_sums.py": TESTS, "pytest.ini": STRICT,
        ".gitignore": "private.txt\n", "private.txt": "",
    }.items():  # fmt: skip
        (root / name).write_text(text)
    subprocess.run(["git", "init", "--quiet", str(root)], check=True)
    return root


@pytest.mark.timeout(300)
def test_each_change_ends_as_it_deserves(checkout: Path) -> None:
    deserved = [
        (entry(), Ending.RED),
        (entry(before="2 * a", after="3 * a", section="unguarded"), Ending.SURVIVED),
        (entry(ADDS, DOUBLES), Ending.SURVIVED),
        (entry(before="a * b"), Ending.STALE),
        (entry(after="a +"), Ending.STALE),
        (entry(file="sums/gone.py"), Ending.STALE),
        (entry(ANYWAY), Ending.STALE),
        (entry("test_sums.py::test_is_gone"), Ending.STALE),
        (entry(before="def add(", after="raise RuntimeError\ndef add("), Ending.NO_RESULT),
        (entry(), Ending.RED),
        (entry(LEAVES), Ending.RED),
    ]

    tried = run.run(list(enumerate((one for one, _ in deserved), 1)), checkout, jobs=2)

    assert [ending for _, ending in deserved] == [each.ending for each in tried]
    assert all(each.reason for each in tried if each.ending is not Ending.RED)
    assert (checkout / "sums/add.py").read_text() == CODE


def test_what_git_ignores_is_not_copied(checkout: Path, tmp_path: Path) -> None:
    copy = CheckoutCopy.copy_of(checkout, tmp_path / "copy")

    assert (copy.root / "sums/add.py").read_text() == CODE
    assert not (copy.root / "private.txt").exists()
    with pytest.raises(UsageError, match="cannot be listed with git"):
        CheckoutCopy.copy_of(tmp_path / "copy", tmp_path / "other")


def test_code_from_elsewhere_is_refused(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONSAFEPATH", "1")  # the folder alone does not decide what is imported
    copy = CheckoutCopy.copy_of(checkout, tmp_path / "copy")

    copy.require_own(["sums"])
    with pytest.raises(UsageError, match=r"harness is imported from .*harness, not from the copy"):
        copy.require_own(["harness"])


@pytest.mark.parametrize(
    ("endings", "status"),
    [
        ([Ending.RED, Ending.RED], 0),
        ([Ending.RED, Ending.SURVIVED], 1),
        ([Ending.NO_RESULT, Ending.RED], 1),
        ([Ending.STALE, Ending.SURVIVED], 2),
    ],
)
def test_the_exit_status_is_that_of_the_worst(
    endings: list[Ending],
    status: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tried = [Tried(number, entry(), ending) for number, ending in enumerate(endings, 1)]
    monkeypatch.setattr(run, "run", lambda *_, **_options: tried)

    assert status == run.main([])
    assert f"2 changes: {endings.count(Ending.RED)} red" in capsys.readouterr().out


def test_some_may_be_chosen_by_number_or_section() -> None:
    entries = [entry(), entry(section="B"), entry(section="B")]

    assert [1, 2, 3] == [number for number, _ in run.chosen(entries, [])]
    assert [2, 3] == [number for number, _ in run.chosen(entries, ["B"])]
    assert [1, 3] == [number for number, _ in run.chosen(entries, ["A", "3"])]


def test_parts_together_are_all_entries_once() -> None:
    entries = list(
        enumerate([Entry(section="A", file="", before="", after="", test=(), why="")] * 7, 1)
    )

    parts = [run.part_of(entries, f"{part}/3") for part in (1, 2, 3)]

    assert [1, 4, 7] == [number for number, _ in parts[0]]
    assert list(range(1, 8)) == sorted(number for part in parts for number, _ in part)
    assert entries == run.part_of(entries, "1/1")
    for wrong in ("0/3", "4/3", "3", "1/x", "/"):
        with pytest.raises(UsageError, match="write K/M, such as 1/3"):
            run.part_of(entries, wrong)


def test_what_is_not_there_cannot_be_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == run.main(["--only", "Z"])
    assert "--only Z: known: 1 to " in capsys.readouterr().err


def test_tests_that_are_known_to_pass_are_run_only_with_the_change(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ran(*_: object) -> dict[str, str]:
        raise AssertionError

    monkeypatch.setattr(run, "tests_not_green", ran)

    (tried,) = run.run([(1, entry())], checkout, tests_pass=True)

    assert tried.ending is Ending.RED
