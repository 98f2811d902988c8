"""Values are gathered the same way in a file and in memory."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from corpora.build_pack import Saying, Values

SAYINGS = [
    Saying("suffix", "GAMB", once=True),
    Saying("suffix", "DRUG", once=True),
    Saying("exact", "GAMB", once=True),
    Saying("suffix", "GAMB", once=False),
]
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["a.example", "b.example", "c.example"]), st.sampled_from([*SAYINGS, None])
    )
)


def once_each(rows: list[tuple[str, Saying | None]]) -> list[tuple[str, Saying | None]]:
    """What an import lets pass: of a saying that comes once, the first of each value."""
    passed: list[tuple[str, Saying | None]] = []
    for row in rows:
        saying = row[1]
        if saying is None or not saying.once or row not in passed:
            passed.append(row)
    return passed


@given(ROWS)
def test_each_value_has_the_labels_that_the_rows_gave_it(
    rows: list[tuple[str, Saying | None]],
) -> None:
    labels: dict[str, list[str]] = {}
    withdrawn = {value for value, saying in rows if saying is None}
    with Values() as values:
        for value, saying in once_each(rows):
            if saying is None:
                values.withdraw(value)
            else:
                values.add(value, saying)
                given_ = labels.setdefault(value, [])
                given_ += [saying.label] * (saying.label not in given_)

        stays = [(value, tuple(told)) for value, told in labels.items() if value not in withdrawn]
        assert list(values) == stays
        assert list(values) == stays  # they may be read again
        assert len(values) == len(stays)


def test_a_value_keeps_its_bytes_in_the_file() -> None:
    with Values() as values:
        values.add("xn--\udc80", SAYINGS[0])

        assert list(values) == [("xn--\udc80", ("GAMB",))]
