"""Entries say which change must turn which test red, and those of the project fit its code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.errors import UsageError
from test_suites.kit.rooms import ROOT, syntax
from test_suites.mutations.entry import Entry, read_entries

ENTRIES = read_entries()


def entry(**changes: Any) -> Entry:
    fields = {
        "section": "A",
        "file": "sums/add.py",
        "before": "a + b",
        "after": "a - b",
        "test": ("test_sums.py::test_adds",),
        "why": "A sum is a sum.",
    }
    return Entry(**fields | changes)


def test_a_change_is_made_where_its_text_stands_once() -> None:
    assert entry().broken("c = a + b\n") == "c = a - b\n"
    assert entry(before="\nb\n", after="\n").broken("a\nb\nc\n") == "a\nc\n"


@pytest.mark.parametrize(
    ("changes", "text", "why"),
    [
        ({}, "c = a * b", r"sums/add.py: 'a \+ b' occurs 0 times, not once; rewrite the entry"),
        ({}, "c = a + b + (a + b)", "occurs 2 times"),
        ({"after": "a + b"}, "c = a + b", "before and after are the same"),
        ({"after": "a +"}, "x = 1\nc = a + b", "sums/add.py: line 2: .* no Python"),
    ],
)
def test_an_entry_that_does_not_fit_says_why(changes: dict[str, str], text: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        entry(**changes).broken(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[[mutation]]\nsection = 'A'\n", "missing required field"),
        ("[[mutation]]\nsection = 'Z'\n", "Z"),
        ("[[mutation]]\nlabel = 'A'\n", "label"),
        ("mutation = [", "at end of document"),
        ("mutation = []", "length >= 1"),
        (None, "No such file"),
    ],
)
def test_a_file_that_cannot_be_understood_is_named(
    tmp_path: Path, text: str | None, why: str
) -> None:
    path = tmp_path / "own.toml"
    if text is not None:
        path.write_text(text)

    with pytest.raises(UsageError, match=rf"own.toml: .*{why}"):
        read_entries(path)


@pytest.mark.parametrize(
    "one", ENTRIES, ids=[f"{number}-{one.file}" for number, one in enumerate(ENTRIES, 1)]
)
def test_each_entry_of_the_project_fits_its_code_and_names_tests_that_exist(one: Entry) -> None:
    one.broken((ROOT / one.file).read_text(encoding="utf-8"))
    for test in one.test:
        path, name, *_ = test.partition("[")[0].split("::")
        assert name in {getattr(node, "name", "") for node in syntax(Path(path)).body}
    assert one.why.endswith(".")
    assert "\n" not in one.why


def test_no_entry_of_the_project_is_there_twice() -> None:
    changes = [(one.file, one.before, one.after) for one in ENTRIES]

    assert len(changes) == len(set(changes))
