"""What mutmut left is read: what each mutant changed, and what became of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.errors import UsageError
from test_suites.mutations.equivalent import Equivalent, read_equivalents, unusable
from test_suites.mutations.mutants import (
    Mutant,
    Result,
    only_a_sentence_differs,
    read_mutants,
    result_of,
    skip,
)
from test_suites.mutations.run_mutants import chosen, report

SOURCE = '''"""Sums."""

FACTOR = 2


def add(a, b):
    """Add."""
    return a + b


class Sum:
    async def more(self, name):
        if name == "all of it":
            return None
        return FACTOR
'''
MADE = '''"""Sums."""

FACTOR = 2


def x_add__mutmut_orig(a, b):
    """Add."""
    return a + b
def x_add__mutmut_1(a, b):
    """Add."""
    return a - b


class Sum:
    async def xǁSumǁmore__mutmut_orig(self, name):
        if name == "all of it":
            return None
        return FACTOR
    async def xǁSumǁmore__mutmut_1(self, name):
        if name != "all of it":
            return None
        return FACTOR
    async def xǁSumǁmore__mutmut_2(self, name):
        if name == "XXall of itXX":
            return None
        return FACTOR
'''
SPANS = {
    "x_add__mutmut_orig": [6, 8],
    "x_add__mutmut_1": [9, 11],
    "xǁSumǁmore__mutmut_orig": [15, 18],
    "xǁSumǁmore__mutmut_1": [19, 22],
    "xǁSumǁmore__mutmut_2": [23, 26],
}
STATUSES = {
    "sums.x_add__mutmut_1": 1,
    "sums.xǁSumǁmore__mutmut_1": 0,
    "sums.xǁSumǁmore__mutmut_2": None,
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout in which mutmut has changed one module."""
    mutants = tmp_path / "mutants"
    mutants.mkdir()
    (tmp_path / "sums.py").write_text(SOURCE)
    (mutants / "sums.py").write_text(MADE)
    (mutants / "sums.py.spans").write_text(json.dumps({"version": 1, "spans": SPANS}))
    (mutants / "sums.py.meta").write_text(json.dumps({"exit_code_by_key": STATUSES}))
    return tmp_path


def mutant(number: int = 1, result: Result = Result.KILLED, *, is_sentence: bool = False) -> Mutant:
    return Mutant(
        name=f"sums.x_add__mutmut_{number}",
        file="sums.py",
        line=number,
        function="add",
        before="return a + b",
        after=f"return a + {number}",
        result=result,
        is_sentence=is_sentence,
    )


def equal(*after: str, before: str = "return a + b") -> Equivalent:
    return Equivalent(
        file="sums.py", function="add", before=before, after=after, reason="b is 1 anyway"
    )


def test_each_mutant_says_where_it_is_and_what_it_changes(checkout: Path) -> None:
    added, refused, sentence = read_mutants(checkout, checkout)

    assert str(added) == (
        "killed    sums.py:8 add  [sums.x_add__mutmut_1]\n    - return a + b\n    + return a - b"
    )
    assert (refused.line, refused.function, refused.result) == (13, "Sum.more", Result.SURVIVED)
    assert (refused.before, refused.after) == (
        'if name == "all of it":',
        'if name != "all of it":',
    )
    assert [added.is_sentence, refused.is_sentence, sentence.is_sentence] == [False, False, True]


def test_what_is_skipped_is_told_to_mutmut(checkout: Path) -> None:
    skip(checkout, {"sums.xǁSumǁmore__mutmut_2", "elsewhere.x_add__mutmut_1"})

    assert [Result.KILLED, Result.SURVIVED, Result.SKIPPED] == [
        one.result for one in read_mutants(checkout, checkout)
    ]


@pytest.mark.parametrize(
    ("status", "result"),
    [
        (None, Result.NOT_TRIED), (0, Result.SURVIVED), (1, Result.KILLED), (3, Result.KILLED),
        (5, Result.UNTESTED), (33, Result.UNTESTED), (-24, Result.TIMED_OUT), (-9, Result.TIMED_OUT),
        (2, Result.UNCLEAR), (4, Result.UNCLEAR), (-11, Result.UNCLEAR), (255, Result.UNCLEAR),
    ],
)  # fmt: skip
def test_what_pytest_ended_with_says_what_became_of_it(status: int | None, result: Result) -> None:
    assert result is result_of(status)


@pytest.mark.parametrize(
    ("before", "after", "is_sentence"),
    [
        ('say("two words")', 'say("XXtwo wordsXX")', True),
        ('say("Two words")', 'say("two words")', True),
        ("say('two words')", "say('TWO WORDS')", True),
        ('say("word")', 'say("XXwordXX")', False),
        ('say("two words")', "say(None)", False),
        ('say("two words", 1)', 'say("XXtwo wordsXX", 2)', False),
        ('say("two words")', 'say("other words")', False),
        ('say("two words")', 'say("two words", )', False),
    ],
)
def test_only_literals_with_a_space_are_sentences(
    before: str, after: str, *, is_sentence: bool
) -> None:
    assert is_sentence is only_a_sentence_differs(before, after)


def test_a_share_is_the_same_in_every_run() -> None:
    mutants = [mutant(number) for number in range(400)]
    taken = [one.line for one in mutants if one.is_in_share(8)]

    assert mutants == [one for one in mutants if one.is_in_share(1)]
    assert 25 < len(taken) < 75
    assert [2, 3, 4] == taken[:3]


def test_sentences_and_other_files_are_not_tried() -> None:
    mutants = [mutant(1), mutant(2, is_sentence=True)]

    assert mutants[:1] == chosen(mutants, [], 1)
    assert mutants[:1] == chosen(mutants, ["sums*"], 1)
    assert [] == chosen(mutants, ["harness/*"], 1)


def test_nine_of_ten_must_be_killed() -> None:
    killed = [mutant(number) for number in range(9)]
    survivor, untested = mutant(10, Result.SURVIVED), mutant(11, Result.UNTESTED)

    lines, status = report([*killed, survivor], [])
    assert (0, str(survivor)) == (status, lines[0])
    assert "10 mutants (9 killed, 1 survived) and 0 equivalent: 90.0% killed" == lines[-1]
    assert 1 == report([*killed, survivor, untested], [])[1]
    assert 0 == report([*killed, mutant(12, Result.TIMED_OUT), survivor], [])[1]
    assert 1 == report([], [])[1]


def test_what_is_equivalent_does_not_count() -> None:
    killed = [mutant(number) for number in range(9)]
    survivors = [mutant(10, Result.SURVIVED), mutant(11, Result.SURVIVED)]

    lines, status = report([*killed, *survivors], [equal("return a + 11")])

    assert 0 == status
    assert "10 mutants (9 killed, 1 survived) and 1 equivalent: 90.0% killed" == lines[-1]


def test_what_was_not_tried_in_time_is_no_success() -> None:
    killed = [mutant(number) for number in range(99)]

    assert 1 == report([*killed, mutant(100, Result.NOT_TRIED)], [])[1]


def test_an_equivalent_that_a_test_kills_is_told() -> None:
    lines, status = report([mutant(1), mutant(2)], [equal("return a + 2")])

    assert 2 == status
    assert any("listed as equivalent, but a test failed" in line for line in lines)


def test_an_entry_that_fits_no_mutant_is_told() -> None:
    made = [mutant(1), mutant(2)]

    assert [] == unusable([equal("return a + 1", "return a + 2")], made)
    assert ["sums.py add: 'return a + b' to 'return a + 3'"] == unusable(
        [equal("return a + 1", "return a + 3")], made
    )
    assert 1 == len(unusable([equal("return a + 1", before="return a")], made))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[[equivalent]]\nfile = 'sums.py'\n", "missing required field"),
        ("[[same]]\n", "same"),
        ("equivalent = [", "at end of document"),
        (None, "No such file"),
    ],
)
def test_a_list_that_cannot_be_understood_is_named(
    tmp_path: Path, text: str | None, why: str
) -> None:
    path = tmp_path / "own.toml"
    if text is not None:
        path.write_text(text)

    with pytest.raises(UsageError, match=rf"own.toml: .*{why}"):
        read_equivalents(path)


def test_each_equivalent_of_the_project_gives_its_reason_once() -> None:
    entries = read_equivalents()
    changes = [
        (one.file, one.function, one.before, after) for one in entries for after in one.after
    ]

    assert len(changes) == len(set(changes))
    assert all(one.reason.endswith(".") for one in entries)
