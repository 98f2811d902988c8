"""The item table believes no cell, and shows none of an S4 row."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpora.item_table import (
    CHECKS,
    COLUMNS,
    FAULT_LIMIT,
    VALUES,
    FaultList,
    ItemTable,
    TableEntry,
)
from corpora.taxonomy import DATA, shipped
from harness.errors import FaultyDocument

GOOD = {"id": "a-1", "value": "a.example", "kind": "host", "labels": "GAMB|LOC.GAME"}


def table_of(folder: Path, *rows: dict[str, str], columns: tuple[str, ...] = COLUMNS) -> ItemTable:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns)
    writer.writeheader()
    writer.writerows(rows)
    path = folder / "items.csv"
    path.write_text(text.getvalue(), encoding="utf-8")
    return ItemTable(path, shipped())


def faults_of(table: ItemTable) -> str:
    assert list(table.entries()) == []
    return str(table.faults.error())


def test_the_columns_are_those_of_the_published_schema() -> None:
    schema = (DATA / "items.tableschema.json").read_text()

    assert all(f'"name": "{column}"' in schema for column in COLUMNS)
    assert schema.count('"name": ') == len(COLUMNS)


def test_a_short_row_gets_the_defaults(tmp_path: Path) -> None:
    table = table_of(tmp_path, GOOD | {"value": "www.a.example", "notes": "hello"})

    (entry,) = table.entries()

    assert entry.line == 2
    assert entry.note == "hello"
    assert entry.item.labels == ("GAMB", "LOC.GAME")
    assert entry.item.registrable == "a.example"
    assert (entry.item.weight, entry.item.phases, entry.item.sensitivity) == (1.0, ("*",), "S0")


def test_cells_are_given_as_they_are_in_the_order_of_the_columns(tmp_path: Path) -> None:
    columns = ("labels", "value", "kind", "id")
    table = table_of(tmp_path, GOOD | {"kind": "hots"}, columns=columns)

    (cells,) = table.cells()

    told = {name: cell for name, cell in zip(COLUMNS, cells, strict=True) if cell}
    assert told == GOOD | {"kind": "hots"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("id,value\n", "kind: missing column"),
        ("id,value,kind,labels\na,b,host\n", "items.csv:2: 3 cells, the header has 4"),
        ('id,value,kind,labels\na,"b"c,host,GAMB\n', "not CSV"),
    ],
)
def test_cells_of_what_is_no_table(tmp_path: Path, text: str, told: str) -> None:
    table = table_of(tmp_path, GOOD)
    table.path.write_text(text)

    with pytest.raises(FaultyDocument, match=told):
        list(table.cells())


def test_the_column_expected_is_not_read(tmp_path: Path) -> None:
    table = table_of(tmp_path, GOOD | {"expected": "no such word"})

    assert len(list(table.entries())) == 1
    assert not table.faults


@pytest.mark.parametrize(
    ("column", "cell", "told"),
    [
        ("id", "", "id: is empty"),
        ("id", "a b", "id: 'a b'; letters"),
        ("kind", "page", "kind: 'page'; known: cidr, host"),
        ("kind", "", "kind: is empty"),
        ("labels", "GAMBLING", "labels: 'GAMBLING' is not a category"),
        ("labels", "", "labels: '' is not a category"),
        ("labels", "GAMB|GAMB", "labels: a label appears twice"),
        ("value", "", "value: both value and value_hmac are empty"),
        ("value", "http://a.example/", "value: 'http://a.example/'; a host name"),
        ("value_hmac", "sha1:aa", "value_hmac: 'sha1:aa'; hmac-sha256:<key id>"),
        ("weight", "0", "weight: '0'; a positive number"),
        ("stratum", "CTRL/upload:by pigeon", "stratum: 'CTRL/upload:by pigeon'; a case that"),
        ("stratum", "twin:MALW.MAL/file:arj by HTTPS GET", "arj by HTTPS GET'; a case that"),
        ("stratum", "CTRL/protocol:gopher", "stratum: 'CTRL/protocol:gopher'"),
        ("stratum", "PORN/viewer:mirror", "stratum: 'PORN/viewer:mirror'"),
        ("weight", "nan", "weight: 'nan'"),
        ("label_confidence", "1.5", "a number from 0 to 1"),
        ("phases", "ks1|ks9", "phases: 'ks1|ks9'; known: ks1, ks2"),
        ("applies_to", "tcp", "applies_to: 'tcp'; known: any, content"),
        ("lang", "english!", "a BCP 47 tag"),
        ("country", "uk", "an ISO 3166 code"),
        ("first_seen", "2020-13-40", "a date such as"),
        ("verify_status", "ok", "known: alive, changed"),
        ("content_hash", "1", "a SHA-256"),
        ("sensitivity", "S9", "a wrong cell (not shown); known: S0"),
    ],
)
def test_a_wrong_cell_is_told(tmp_path: Path, column: str, cell: str, told: str) -> None:
    table = table_of(tmp_path, GOOD | {column: cell})

    assert f"items.csv:2: {told}" in faults_of(table) or told in faults_of(table)


@pytest.mark.parametrize(
    ("kind", "value", "good"),
    [
        ("url", "https://a.example/x", True),
        ("url", "ftp://a.example/x", False),
        ("suffix", "a.example", True),
        ("ip", "192.0.2.1", True),
        ("ip", "192.0.2.999", False),
        ("cidr", "192.0.2.0/25", True),
        ("cidr", "192.0.2.0", False),
        ("recipe", "CR-014 anything", True),
    ],
)
def test_a_value_suits_its_kind(tmp_path: Path, kind: str, value: str, good: bool) -> None:
    table = table_of(tmp_path, GOOD | {"kind": kind, "value": value})

    assert bool(list(table.entries())) is good
    assert bool(table.faults) is not good


@pytest.mark.parametrize("column", [name for name in COLUMNS if name != "sensitivity"])
@pytest.mark.parametrize("sensitivity", ["S4", "S5"])
def test_no_cell_of_an_s4_row_is_shown(tmp_path: Path, column: str, sensitivity: str) -> None:
    row = GOOD | {"sensitivity": sensitivity, "value": "very-secret.example"}
    if column not in ("value", "notes"):
        row[column] = "very-secret.example/!"
    table = table_of(tmp_path, row)

    assert "very-secret" not in faults_of(table)


def test_an_s4_row_is_its_digest_only(tmp_path: Path) -> None:
    digest = "hmac-sha256:k1:" + "0" * 64
    row = GOOD | {"sensitivity": "S4", "value": "", "value_hmac": digest, "kind": "url"}

    (entry,) = table_of(tmp_path, row).entries()

    assert (entry.item.value, entry.item.value_hmac) == ("", digest)


def test_unknown_missing_and_double_columns(tmp_path: Path) -> None:
    table = table_of(tmp_path, columns=("id", "id", "value", "kind", "verdict"))

    with pytest.raises(FaultyDocument) as caught:
        list(table.entries())

    told = str(caught.value)
    assert "'verdict': unknown column" in told
    assert "labels: missing column" in told
    assert "id: the column appears twice" in told


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "id: missing column"),
        (b"id,value,kind,labels\na,b\n", "items.csv:2: 2 cells; the header has 4"),
        (b"id,value,kind,labels\na,b.example,host,\xff\n", "items.csv:2: not UTF-8"),
        (b"id,value,kind,labels\na\0,b.example,host,GAMB\n", "items.csv:2: the line holds a NUL"),
        (b'id,value,kind,labels\na,"b"x,host,GAMB\n', "not CSV"),
        (b'id,value,kind,labels\na,"b', "not CSV"),
        (b"id,value,kind,labels\n" + b"a" * 70_000, "items.csv:2: the line is longer than"),
    ],
)
def test_no_table_at_all(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "items.csv"
    path.write_bytes(content)
    table = ItemTable(path, shipped())

    with pytest.raises(FaultyDocument, match=told):
        read_to_the_end(table)


def read_to_the_end(table: ItemTable) -> list[TableEntry]:
    entries = list(table.entries())
    if table.faults:
        raise table.faults.error()
    return entries


def test_the_line_is_where_a_row_starts(tmp_path: Path) -> None:
    rows = (GOOD | {"notes": "two\nlines"}, GOOD | {"id": "a-2"})

    assert [entry.line for entry in table_of(tmp_path, *rows).entries()] == [2, 4]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_any_bytes_are_a_table_or_a_faulty_document(tmp_path: Path, junk: bytes) -> None:
    path = tmp_path / "items.csv"
    path.write_bytes(b"id,value,kind,labels\n" + junk)
    table = ItemTable(path, shipped())

    try:
        entries = read_to_the_end(table)
    except FaultyDocument:
        return
    assert all(entry.item.id for entry in entries)


@pytest.mark.parametrize(
    ("kind", "value", "says"),
    [
        ("url", "http://192.168.1.1/", "private address or name"),
        ("ip", "169.254.169.254", "private address or name"),
        ("host", "localhost", "private address or name"),
        ("cidr", "10.0.0.0/8", "private address or name"),
        ("url", "http://a.example/x y", "an http or https URL without blanks"),
        ("url", "http://a.ex\tample/", "an http or https URL without blanks"),
    ],
)
def test_private_addresses_and_blanks_are_refused(
    tmp_path: Path, kind: str, value: str, says: str
) -> None:
    assert says in faults_of(table_of(tmp_path, GOOD | {"kind": kind, "value": value}))


def test_the_value_of_a_vector_is_no_address(tmp_path: Path) -> None:
    row = GOOD | {"kind": "vector", "value": "http://127.0.0.1/ \x1b"}

    assert 1 == len(list(table_of(tmp_path, row).entries()))


@pytest.mark.parametrize(
    ("column", "good", "bad"),
    [
        ("id", "a:1", "a b"),
        ("value_hmac", "hmac-sha256:k.1:" + "0" * 64, "hmac-sha256:k.1:" + "0" * 63),
        ("kind", "host", "page"),
        ("label_confidence", "0", "-0.1"),
        ("phases", "ks1|staff", "*|ks1"),
        ("applies_to", "sni", "tcp"),
        ("weight", "0.25", "inf"),
        ("stratum", "CTRL/upload:form: hello", "CTRL/upload:"),
        ("lang", "cy", "c"),
        ("country", "GB", "GBR"),
        ("first_seen", "2026-02-28", "2026-02-29"),
        ("last_verified", "2024-02-29", "yesterday"),
        ("verify_status", "parked", "gone"),
        ("content_hash", "a" * 64, "A" * 64),
        ("sensitivity", "S4", "s4"),
    ],
)
def test_a_cell_is_right_or_told(column: str, good: str, bad: str) -> None:
    says, remedy = CHECKS[column]

    assert says(good)
    assert not says(bad)
    assert remedy


def test_what_is_checked_is_in_the_table_and_expected_is_not() -> None:
    assert set(CHECKS) < set(COLUMNS)
    assert "expected" not in CHECKS


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("url", "http://a.example", "a.example"),
        ("host", "A.example", "a/b"),
        ("suffix", "a.example", "*.a.example"),
        ("ip", "::1", "::g"),
        ("cidr", "2001:db8::/32", "2001:db8::1/32"),
    ],
)
def test_a_value_is_checked_by_its_kind(kind: str, good: str, bad: str) -> None:
    says, _ = VALUES[kind]

    assert says(good)
    assert not says(bad)


def test_the_first_faults_are_told_and_the_rest_counted() -> None:
    faults = FaultList("items.csv")
    for line in range(FAULT_LIMIT + 7):
        faults.add(line, "id", "is wrong", "mend it")

    lines = str(faults.error()).splitlines()

    assert len(faults) == FAULT_LIMIT + 7
    assert lines[0] == "items.csv:0: id: is wrong; mend it"
    assert lines[-1] == "items.csv: and 7 more"
    assert len(lines) == FAULT_LIMIT + 1


def test_without_more_nothing_is_said_of_more() -> None:
    faults = FaultList("items.csv")
    faults.add(None, "", "no rows")

    assert str(faults.error()) == "items.csv: no rows"
