"""A log as CSV, with the columns that a mapping names."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import FaultyDocument, UsageError
from harness.interop.logs.raw_lines import LINE_BYTES
from harness.model.log_entry import LogEntry
from test_suites.kit.campaigns.log_texts import mapping, read

NAMED = mapping(
    fields={"time": ["Date", "Time"], "url": ["Host", "Path"], "user": "User", "verdict": "Action",
            "status": "Code", "received": "Bytes"},
    time_format="%d/%m/%Y %H:%M:%S", zone="Europe/London", blocked=["Blocked"], allowed=["Allowed"],
    unclear=["Warned"], delimiter=";", constants={"device": "LAB-07"},
)  # fmt: skip
HEADER = "Date;Time;User;Host;Path;Action;Code;Bytes;More\n"
ROW = '28/11/2026;18:49:29;"smith; ""bob""";http://a.example;/x;BLOCKED;403;-;"two\nlines"\n'


def test_rows_are_read_by_a_mapping() -> None:
    assert [
        LogEntry(line=2, at=datetime(2026, 11, 28, 18, 49, 29, tzinfo=UTC), user='smith; "bob"',
                 device="LAB-07", url="http://a.example/x", status=403, verdict="blocked"),
    ] == read("csv-log", HEADER + ROW, mapping=NAMED)  # fmt: skip


def test_a_row_without_a_url_is_passed_over() -> None:
    rows = ROW + ROW.replace("http://a.example;/x", "-;")

    assert [2] == [entry.line for entry in read("csv-log", HEADER + rows, mapping=NAMED)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEADER.replace("User", "Person") + ROW, "log:1: the mapping reads user from 'User', which the file does not have; it has: Date, Time, Person, Host, Path, Action, Code, Bytes, More"),
        ("Date;Date\n", "log:1: the column 'Date' is twice in the header; rename one"),
        (HEADER + ROW + "a;b\n", "log:4: 2 values for 9 columns: 'a;b'"),
        (HEADER + ROW + ROW.replace("BLOCKED", "Coached"), "log:5: the verdict 'Coached' is not in the mapping; add it to blocked, allowed or unclear"),
        (HEADER + ROW + ROW.replace("403", "Forbidden"), "log:5: 'Forbidden' is not a number of a status"),
        (HEADER + ROW + ROW.replace("28/11/2026", "-").replace("18:49:29", ""), "log:5: the line states no time; correct 'time' of the mapping"),
        (HEADER + ROW + 'a;"b', "log: the quotation mark that begins in line 4 does not end; copy the file again"),
        (HEADER + ROW + 'a;"b\n' + f"{'c' * 1000}\n" * 70, "log:70: the quotation mark that begins in line 4 does not end; copy the file again"),
        (HEADER + ROW + '"a"b;\n', "log:4: '\"a\"b;' is not a row of a table"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused(text: str, message: str) -> None:
    with pytest.raises(FaultyDocument) as caught:
        read("csv-log", text, mapping=NAMED)

    assert message == str(caught.value).replace("\\n", "\n").splitlines()[0]


def test_a_mapping_is_needed() -> None:
    for given_mapping in (None, mapping(blocked=["x"])):
        with pytest.raises(
            UsageError, match="the format csv-log has no fixed columns: give a mapping"
        ):
            read("csv-log", HEADER, mapping=given_mapping)


def test_many_open_quotes_take_no_more_time_than_their_length() -> None:
    text = HEADER + ROW + '"\n' + "a\n" * LINE_BYTES

    with pytest.raises(
        FaultyDocument, match="the quotation mark that begins in line 4 does not end"
    ):
        read("csv-log", text, mapping=NAMED)


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=20)


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=5), st.sampled_from(",;\t|"))
def test_what_is_written_is_read(rows: list[tuple[str, str]], delimiter: str) -> None:
    written = io.StringIO()
    writer = csv.writer(written, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(["at", "page", "who"])
    writer.writerows(
        ["2026-11-28T18:49:29Z", f"http://a.example/{path}", who] for path, who in rows
    )
    named = mapping(fields={"time": "at", "url": "page", "user": "who"}, delimiter=delimiter)

    found = read("csv-log", written.getvalue(), mapping=named)

    assert [(told(f"http://a.example/{path}"), told(who)) for path, who in rows] == [
        (each.url, each.user) for each in found
    ]


def told(cell: str) -> str:
    """What an entry states of a cell: without blanks around it, hyphens, and blank lines in it."""
    lines = cell.split("\n")
    kept = [line for at, line in enumerate(lines) if at in (0, len(lines) - 1) or line.strip()]
    text = "\n".join(kept).strip()
    return "" if text == "-" else text
