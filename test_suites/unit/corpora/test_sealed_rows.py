"""A row of a sealed list holds an opaque id and a category; whatever else it holds is not shown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora.item_table import COLUMNS
from corpora.sealed_rows import is_opaque, row_check, sealed_faults, sealed_row
from test_suites.unit.corpora.test_item_table import faults_of, table_of

DIGITS = "0123456789abcdef" * 4
GOOD = sealed_row(DIGITS, "ILL.CSAM")
SECRET = "listed-page.example"


def test_an_entry_is_read(tmp_path: Path) -> None:
    (entry,) = table_of(tmp_path, GOOD).entries()

    assert (entry.item.id, entry.item.value, entry.item.kind) == (DIGITS, DIGITS, "sealed")
    assert (entry.item.host, entry.item.registrable, entry.item.is_sensitive) == ("", "", True)
    assert entry.item.category == "ILL.CSAM"


@pytest.mark.parametrize(
    "value",
    [SECRET, f"http://{SECRET}/", DIGITS.upper(), DIGITS[1:], DIGITS + "0", f"{DIGITS}/", "ﬀ" * 64],
)
def test_a_value_that_is_not_opaque_is_refused_and_not_shown(tmp_path: Path, value: str) -> None:
    for row in (GOOD | {"value": value}, GOOD | {"id": SECRET, "value": value}):
        told = faults_of(table_of(tmp_path, row))

        assert "value: a wrong cell (not shown); an opaque id of 64 hexadecimal digits" in told
        assert SECRET not in told
        assert value not in told


@pytest.mark.parametrize("column", sorted(set(COLUMNS) - set(GOOD)))
def test_nothing_else_may_be_said_of_an_entry(tmp_path: Path, column: str) -> None:
    told = faults_of(table_of(tmp_path, GOOD | {column: SECRET}))

    assert f"{column}: a wrong cell (not shown)" in told
    assert "nothing else may be said of an entry" in told
    assert SECRET not in told


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"id": "ab" * 32}, "id: the id differs from the value"),
        ({"sensitivity": "S3"}, "sensitivity: an entry of a sealed list is not S4; S4"),
        ({"sensitivity": ""}, "sensitivity: an entry of a sealed list is not S4; S4"),
        ({"labels": SECRET}, "labels: a wrong cell (not shown)"),
    ],
)
def test_each_fault_of_an_entry_is_named(tmp_path: Path, change: dict[str, str], told: str) -> None:
    said = faults_of(table_of(tmp_path, GOOD | change))

    assert told in said
    assert SECRET not in said


@given(
    st.text("0123456789abcdefABCDEF./\n", min_size=63, max_size=65)
    | st.from_regex(r"[0-9a-f]{64}\n?", fullmatch=True)
)
def test_only_64_small_hexadecimal_digits_are_opaque(text: str) -> None:
    assert is_opaque(text) == (re.fullmatch(r"[0-9a-f]{64}", text) is not None)


@given(st.dictionaries(st.sampled_from(COLUMNS), st.sampled_from(("", "S4", DIGITS, "x"))))
def test_a_row_is_read_exactly_if_it_has_no_fault(change: dict[str, str]) -> None:
    row = dict.fromkeys(COLUMNS, "") | GOOD | change
    is_sound = row_check({name: place for place, name in enumerate(COLUMNS)})

    assert is_sound([*row.values()]) == (not list(sealed_faults(row)))


@given(st.text())
def test_a_host_in_a_value_is_not_shown(text: str) -> None:
    assert SECRET not in str(list(sealed_faults(GOOD | {"value": f"{text}{SECRET}"})))
