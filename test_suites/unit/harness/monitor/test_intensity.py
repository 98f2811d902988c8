"""The switching rules: what tightens, reduces, discontinues and resumes."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.surveillance_event import Intensity
from harness.monitor.intensity import (
    IntensityState,
    Lot,
    intensity_after,
    runs_every,
    sample_factor,
    switch,
)
from harness.monitor.monitoring_file import IntensityDeclaration, Reduced

WORDS: dict[str, Lot] = {
    "A": "accepted", "N": "not_accepted", "U": "undecided", "M": "missed", "R": "resumed"
}  # fmt: skip
STRICTNESS: dict[Intensity, int] = {name: rank for rank, name in enumerate(get_args(Intensity))}
LOTS = st.lists(st.sampled_from([*"AAANNUMR"]), max_size=60).map("".join)
TIGHTENED = "NN"
DISCONTINUED = TIGHTENED + "NNNNN"


def after(letters: str, *, may_reduce: bool = False) -> Intensity:
    return intensity_after((WORDS[each] for each in letters), may_reduce=may_reduce).intensity


@pytest.mark.parametrize(
    ("letters", "expected"),
    [
        ("", "normal"),
        ("N", "normal"),
        ("NN", "tightened"),
        ("NAAAN", "tightened"),
        ("NAAAAN", "normal"),
        ("AAAAAAAANAAN", "tightened"),
        ("NUUUUUUMMMN", "tightened"),  # what is undecided hides nothing
        ("NU", "normal"),
        ("UUUUUUUUU", "normal"),
        (TIGHTENED + "AAAA", "tightened"),
        (TIGHTENED + "AAAAA", "normal"),
        (TIGHTENED + "AAAAUA", "tightened"),
        (TIGHTENED + "AAMAAA", "tightened"),
        (TIGHTENED + "UUUUUUUU", "tightened"),
        (TIGHTENED + "AAAAA" + "N", "normal"),
        (TIGHTENED + "NNNN", "tightened"),
        (TIGHTENED + "NNNNN", "discontinued"),
        (TIGHTENED + "NANAANANN"[:8], "tightened"),
        (TIGHTENED + "NANAANAANUN", "discontinued"),
        (TIGHTENED + "NNNN" + "AAAAA" + "NN" + "NNNN", "tightened"),
        (DISCONTINUED + "AAAAAAAAAAAA", "discontinued"),
        (DISCONTINUED + "R", "tightened"),
        (DISCONTINUED + "R" + "AAAAA", "normal"),
        (DISCONTINUED + "R" + "NNNN", "tightened"),
        ("R" + TIGHTENED + "R", "tightened"),
    ],
)
def test_intensity_is_switched(letters: str, expected: Intensity) -> None:
    assert expected == after(letters)
    assert expected == after(letters, may_reduce=True)


@pytest.mark.parametrize(
    ("letters", "expected"),
    [
        ("A" * 9, "normal"),
        ("A" * 10, "reduced"),
        ("A" * 9 + "U" + "A" * 9, "normal"),
        ("A" * 9 + "M" + "A" * 9, "normal"),
        ("N" + "A" * 10, "reduced"),
        (TIGHTENED + "A" * 14, "normal"),
        (TIGHTENED + "A" * 15, "reduced"),
        ("A" * 10 + "AAAA", "reduced"),
        ("A" * 10 + "R", "reduced"),
        ("A" * 10 + "U", "normal"),
        ("A" * 10 + "M", "normal"),
        ("A" * 10 + "N", "normal"),
        ("A" * 10 + "NN", "tightened"),
        ("A" * 10 + "NAAAN", "tightened"),
        ("A" * 10 + "U" + "A" * 9, "normal"),
    ],
)
def test_intensity_is_reduced_where_that_is_declared(letters: str, expected: Intensity) -> None:
    assert expected == after(letters, may_reduce=True)
    assert "reduced" != after(letters)


@given(letters=LOTS, place=st.integers(0, 60), unknown=st.sampled_from("UM"))
def test_what_is_undecided_never_makes_it_more_lenient(
    letters: str, place: int, unknown: str
) -> None:
    with_unknown = letters[:place] + unknown + letters[place:]

    for may_reduce in (False, True):
        strict, lenient = (after(each, may_reduce=may_reduce) for each in (with_unknown, letters))
        assert STRICTNESS[strict] >= STRICTNESS[lenient]


@given(letters=LOTS, place=st.integers(0, 59))
def test_an_undecided_lot_is_never_stricter_than_one_that_was_not_accepted(
    letters: str, place: int
) -> None:
    def with_lot(lot: str) -> int:
        return STRICTNESS[after(letters[:place] + lot, may_reduce=True)]

    assert with_lot("A") <= with_lot("U") <= with_lot("N")


@given(letters=LOTS, may_reduce=st.booleans())
def test_only_known_switches_are_made(letters: str, may_reduce: bool) -> None:
    state = IntensityState()
    for each in letters:
        following = switch(state, WORDS[each], may_reduce=may_reduce)
        change = (state.intensity, following.intensity)
        if change[0] != change[1]:
            cause = {
                ("normal", "tightened"): "N",
                ("tightened", "normal"): "A",
                ("normal", "reduced"): "A",
                ("reduced", "normal"): "NUM",
                ("tightened", "discontinued"): "N",
                ("discontinued", "tightened"): "R",
            }
            assert each in cause[change]
        assert may_reduce or following.intensity != "reduced"
        assert len(following.recent) <= 4
        state = following


def test_reduced_inspection_ends_when_it_is_no_longer_declared() -> None:
    reduced = intensity_after(["accepted"] * 10, may_reduce=True)

    assert "normal" == switch(reduced, "accepted", may_reduce=False).intensity


def test_the_declaration_says_what_an_intensity_means() -> None:
    plain = IntensityDeclaration()
    reducing = IntensityDeclaration(reduced=Reduced(every=3))
    states = {name: IntensityState(intensity=name) for name in STRICTNESS}

    assert [1, 1, 2, 2] == [sample_factor(states[name], plain) for name in STRICTNESS]
    assert [1, 1, 1, 1] == [runs_every(states[name], plain) for name in STRICTNESS]
    assert [3, 1, 1, 1] == [runs_every(states[name], reducing) for name in STRICTNESS]
