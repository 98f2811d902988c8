"""The import report is the golden one row by row, adds up, and no list breaks an importer."""

from __future__ import annotations

import csv
import gzip
import os
import shutil
from collections import Counter, defaultdict
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpora import duplicates
from corpora.duplicates import DuplicateFinder
from corpora.importers import LIST_IMPORTERS
from corpora.read_list import STATUSES, ReportRow, import_list, write_report
from corpora.source import Limits
from harness.errors import UsageError

FIXTURES = Path(__file__).parent / "importers" / "fixtures"


def golden() -> dict[tuple[str, str], list[tuple[str, ...]]]:
    rows = defaultdict(list)
    with (FIXTURES / "GOLDEN.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            rows[row["file"], row["format"]].append(tuple(row.values()))
    return rows


def rows_of(form: str, path: Path) -> list[tuple[str, ...]]:
    return [msgspec.structs.astuple(row) for row in import_list(form, path)]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The UT1 tree with the link that the repository cannot hold."""
    copy = tmp_path / "ut1"
    shutil.copytree(FIXTURES / "ut1", copy)
    (copy / "blacklists" / "evil").symlink_to("../../../../etc")
    return copy


@pytest.mark.parametrize(("file", "form"), [key for key in golden() if key[1] != "ut1"])
def test_every_golden_row_is_reproduced(file: str, form: str) -> None:
    assert golden()[file, form] == rows_of(form, FIXTURES / file)


def test_the_golden_tree_is_reproduced(tree: Path) -> None:
    assert sorted(golden()["ut1", "ut1"]) == sorted(rows_of("ut1", tree))


@pytest.mark.parametrize(("file", "form"), list(golden()))
def test_the_statuses_add_up(file: str, form: str) -> None:
    listed = import_list(form, FIXTURES / file)

    rows = list(listed)

    assert sum(listed.counts[status] for status in STATUSES) == listed.total == len(rows)
    assert Counter(row.status.partition("_")[0] for row in rows) == listed.counts


def test_a_list_is_read_the_same_way_twice(tree: Path) -> None:
    assert rows_of("ut1", tree) == rows_of("ut1", tree)


def test_unknown_labels_fail_the_import_and_each_is_named(tree: Path) -> None:
    listed = import_list("ut1", tree)
    list(listed)

    with pytest.raises(UsageError, match="unknown ut1 labels: 'mystery', 'nousage'; known: ads"):
        listed.check()


@pytest.mark.parametrize("file", ["html_error.txt", "empty.txt", "utf16.txt"])
def test_what_is_no_list_fails_the_import(file: str) -> None:
    listed = import_list("domains", FIXTURES / file)
    list(listed)

    with pytest.raises(UsageError, match=file):
        listed.check()


def test_a_list_of_comments_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("# nothing\n\n")

    (row,) = import_list("domains", path)

    assert (row.line, row.status, row.reason) == ("0", "error", "empty list refused")


def test_an_unknown_format_and_a_missing_file_are_wrong_uses(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no importer 'csv' for lists; known: adblock"):
        import_list("csv", tmp_path)
    with pytest.raises(UsageError, match="no such file"):
        import_list("hosts", tmp_path / "none")


def test_too_many_entries_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("".join(f"a{number}.example\n" for number in range(50)))

    listed = import_list("domains", path, limits=Limits(entries=10))
    rows = list(listed)

    assert len(rows) == 11
    assert rows[-1].reason == listed.refused == "more than 10 entries"


def test_a_rank_of_a_name_that_was_ranked_is_a_duplicate(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("1,a.example\n2,a.example\n")

    assert [row.status for row in import_list("tranco", path)] == ["ok", "duplicate"]


def test_the_report_is_there_when_the_last_row_has_passed(tmp_path: Path) -> None:
    report = tmp_path / "report.csv"
    rows = write_report(import_list("hosts", FIXTURES / "hosts.txt"), report)

    next(rows)
    assert not report.exists()
    list(rows)

    with report.open(encoding="utf-8", newline="") as stream:
        kept = [tuple(row.values()) for row in csv.DictReader(stream)]
    assert kept == golden()["hosts.txt", "hosts"]
    assert [path.name for path in tmp_path.iterdir()] == ["report.csv"]


def test_a_report_that_cannot_be_written_is_a_wrong_use(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        list(write_report([], tmp_path / "none" / "report.csv"))


def test_names_of_files_need_not_be_text(tmp_path: Path) -> None:
    folder = tmp_path / "lists" / os.fsdecode(b"g\xff")
    folder.mkdir(parents=True)
    (folder / "domains").write_text("a.example\n")
    report = tmp_path / "report.csv"

    list(write_report(import_list("ut1", tmp_path / "lists"), report))

    assert '"lists/g\\udcff/domains:1","a.example"' in report.read_text()


ALPHABET = 'a.:/|@#*^$"<>,;=-_ \t\r\n\0é%&[](){}0129!\\'
WORDS = ["a.example", "www.a.example", "127.0.0.1", "local-zone:", "address=/", "CNAME", "co.uk"]
PIECES = st.one_of(st.sampled_from(WORDS), st.text(ALPHABET, max_size=6), st.text(max_size=3))
FORMS = [name for name in LIST_IMPORTERS.load() if name not in ("ut1", "archive")]


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.lists(PIECES, max_size=30).map("".join) | st.binary(max_size=100))
def test_no_list_breaks_an_importer(tmp_path: Path, form: str, content: str | bytes) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())

    check_rows(list(import_list(form, path)))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    files=st.dictionaries(
        st.sampled_from(["domains", "urls", "expressions", "usage", "other"]),
        st.lists(PIECES, max_size=20).map("".join) | st.binary(max_size=50),
    )
)
def test_no_tree_breaks_an_importer(tmp_path: Path, files: dict[str, str | bytes]) -> None:
    folder = tmp_path / "tree" / "gambling"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, content in files.items():
        text = content if isinstance(content, bytes) else content.encode()
        (folder / name).write_bytes(text)

    check_rows(list(import_list("ut1", tmp_path / "tree")))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    head=st.sampled_from([b"", b"\x1f\x8b", b"PK\x03\x04", b"BZh9", b"\xfd7zXZ"]), tail=st.data()
)
def test_no_archive_breaks_an_importer(tmp_path: Path, head: bytes, tail: st.DataObject) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(head + tail.draw(st.binary(max_size=600)))

    for form in ("archive", "ut1", "hosts"):
        check_rows(list(import_list(form, path)))


def check_rows(rows: list[ReportRow]) -> None:
    assert rows
    for row in rows:
        assert row.status in (*STATUSES, "ok_with_modifier")
        assert row.reason or row.status in ("ok", "duplicate")
        assert "\0" not in row.value + row.target


def test_a_bomb_is_cut_short(tmp_path: Path) -> None:
    """A gzip of 64 MiB of zeros in one line takes neither the memory nor the time of it."""
    path = tmp_path / "bomb.txt.gz"
    with gzip.open(path, "wb", compresslevel=1) as stream:
        for _ in range(64):
            stream.write(b"a" * 1024 * 1024)

    rows = list(import_list("hosts", path, limits=Limits(total_bytes=1024 * 1024)))

    assert [row.reason for row in rows] == ["more than 1048576 bytes"]


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("domains", "{}\n"),
        ("labelled", "url,canonical_code\nhttp://{}/x,GAMB\n"),
        ("labelled", "domain,canonical_code\n{},GAMB\n"),
        ("adblock", "||{}^\n"),
        ("wildcard", "{}\n"),
        ("squid", "{}\n"),
        ("hosts", "0.0.0.0 {}\n"),
    ],
)
def test_private_values_are_refused_line_by_line_in_each_format(
    tmp_path: Path, form: str, text: str
) -> None:
    values = ("192.168.1.1", "169.254.169.254", "127.0.0.1", "nas.local", "a.localhost",
              "metadata.google.internal", "2130706433", "0x7f.1")  # fmt: skip
    path = tmp_path / "list.txt"
    for value in values:
        path.write_text(text.format(value), encoding="utf-8")
        kept = [row for row in import_list(form, path) if row.status.startswith("ok")]
        assert [] == kept, value
    path.write_text(text.format("www.example.com"), encoding="utf-8")
    assert 1 == len([row for row in import_list(form, path) if row.status.startswith("ok")])


def test_a_refused_line_has_its_number_and_reason_and_the_others_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("a.example.com\n10.0.0.1\nhttp://[::1]/\nb.example.com\n", encoding="utf-8")

    rows = [(row.line, row.status, row.reason) for row in import_list("domains", path)]

    assert ["ok", "error", "error", "ok"] == [status for _, status, _ in rows]
    assert ("2", "error", "private address or name") in rows
    assert ("3", "error", "private address or name") in rows


def plain(texts: list[str], known: set[str]) -> list[bool]:
    """Duplicates found with a set."""
    repeated = []
    for text in texts:
        repeated.append(text in known)
        known.add(text)
    return repeated


@given(st.lists(st.lists(st.text(alphabet="ab\udc80é", max_size=3), max_size=30), max_size=8))
def test_duplicates_are_those_that_a_set_finds(batches: list[list[str]]) -> None:
    finder, known = DuplicateFinder(), set[str]()

    for batch in batches:
        assert finder.find(batch) == plain(batch, known)
    assert len(finder) == len(known)


@pytest.mark.parametrize("longest", [1, 64, 1 << 20])
def test_runs_may_be_merged_or_not(monkeypatch: pytest.MonkeyPatch, longest: int) -> None:
    monkeypatch.setattr(duplicates, "MERGE_LIMIT", longest)
    finder, texts = DuplicateFinder(), [str(n) for n in range(1000)]

    for at in range(0, 1000, 50):
        assert not any(finder.find(texts[at : at + 50]))

    assert all(finder.find(texts))
    assert len(finder) == 1000
