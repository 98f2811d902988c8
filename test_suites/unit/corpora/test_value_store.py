"""A value store gives the same values and labels from a file as from memory."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from corpora.build_pack import RowLabel, ValueStore

ROW_LABELS = [
    RowLabel("suffix", "GAMB", is_unique=True),
    RowLabel("suffix", "DRUG", is_unique=True),
    RowLabel("exact", "GAMB", is_unique=True),
    RowLabel("suffix", "GAMB", is_unique=False),
]
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["a.example", "b.example", "c.example"]),
        st.sampled_from([*ROW_LABELS, None]),
    )
)


def without_duplicates(
    rows: list[tuple[str, RowLabel | None]],
) -> list[tuple[str, RowLabel | None]]:
    """The rows that an import passes on: of each unique label, the first of each value."""
    passed: list[tuple[str, RowLabel | None]] = []
    for row in rows:
        row_label = row[1]
        if row_label is None or not row_label.is_unique or row not in passed:
            passed.append(row)
    return passed


@given(ROWS)
def test_each_value_has_the_labels_that_the_rows_gave_it(
    rows: list[tuple[str, RowLabel | None]],
) -> None:
    labels: dict[str, list[str]] = {}
    withdrawn = {value for value, row_label in rows if row_label is None}
    with ValueStore() as values:
        for value, row_label in without_duplicates(rows):
            if row_label is None:
                values.withdraw(value)
            else:
                values.add(value, row_label)
                given_ = labels.setdefault(value, [])
                given_ += [row_label.label] * (row_label.label not in given_)

        stays = [(value, tuple(told)) for value, told in labels.items() if value not in withdrawn]
        assert list(values) == stays
        assert list(values) == stays  # they may be read again
        assert len(values) == len(stays)


def test_a_value_keeps_its_bytes_in_the_file() -> None:
    with ValueStore() as values:
        values.add("xn--\udc80", ROW_LABELS[0])

        assert list(values) == [("xn--\udc80", ("GAMB",))]
