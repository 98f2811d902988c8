"""A list becomes a pack whole, or not at all, and its report says why."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora import read_list
from corpora.build_pack import ImportReport, RowLabel, ValueStore, import_pack
from corpora.pack_reader import Pack, open_pack
from corpora.source import ImportEntry
from harness.errors import UsageError

FIXTURES = Path(__file__).parent / "importers" / "fixtures"
NOW = "2026-11-24T00:00:00Z"


def pack_of(
    folder: Path, form: str, content: str, label: str = "GAMB", **options: object
) -> tuple[Pack, ImportReport]:
    path = folder / "list.txt"
    path.write_text(content)
    report = import_pack(form, path, folder / "pack", created=NOW, label=label, **options)  # type: ignore[arg-type]
    return open_pack(str(folder / "pack")), report


def test_a_list_becomes_a_pack_and_its_report_adds_up(tmp_path: Path) -> None:
    text = "a.example\n# x\n192.0.2.1\nhttp://b.example/x\nco.uk\na.example\nc.example/y\n"

    pack, report = pack_of(tmp_path, "domains", text, report=tmp_path / "report.csv")

    assert [(item.kind, item.value) for item in pack.items()] == [
        ("suffix", "a.example"),
        ("ip", "192.0.2.1"),
        ("url", "http://b.example/x"),
        ("url", "http://c.example/y"),
    ]
    assert report.items == 4
    assert sum(report.statuses.values()) == report.rows == 6
    assert report.statuses["error"] == report.statuses["duplicate"] == 1
    with (tmp_path / "report.csv").open(encoding="utf-8", newline="") as stream:
        assert len(list(csv.DictReader(stream))) == 6


def test_the_manifest_says_where_it_came_from(tmp_path: Path) -> None:
    pack, _ = pack_of(tmp_path, "domains", "a.example\n", licence="CC-BY-SA-4.0")

    assert pack.reference.name == "domains-list"
    assert pack.manifest.licenses[0].name == "CC-BY-SA-4.0"
    assert pack.manifest.sources[0].title == "list.txt"
    assert pack.manifest.accredit.labels.method == "upstream"


def test_ids_stay_when_the_list_grows(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    one, _ = pack_of(tmp_path / "one", "domains", "a.example\n")
    two, _ = pack_of(tmp_path / "two", "domains", "b.example\na.example\n")

    assert {item.id for item in one.items()} < {item.id for item in two.items()}


def test_a_value_in_two_categories_is_one_item_with_both(tmp_path: Path) -> None:
    for name in ("gambling", "games"):
        folder = tmp_path / "lists" / name
        folder.mkdir(parents=True)
        (folder / "domains").write_text("a.example\n")

    import_pack("ut1", tmp_path / "lists", tmp_path / "pack", created=NOW)

    (item,) = open_pack(str(tmp_path / "pack")).items()
    assert item.labels == ("GAMB", "LOC.GAME")
    assert item.sensitivity == "S1"


def test_exceptions_and_cancelled_rules_are_no_items(tmp_path: Path) -> None:
    text = "||a.example^\n@@||a.example^\n||b.example^\n||b.example^$badfilter\n||c.example^\n"

    pack, _ = pack_of(tmp_path, "adblock", text)

    assert [item.value for item in pack.items()] == ["c.example"]


def test_a_list_without_categories_needs_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no categories; give one with --label CODE"):
        pack_of(tmp_path, "domains", "a.example\n", label="")

    assert not (tmp_path / "pack").exists()


def test_a_missing_label_is_told_before_the_list_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def note_value(entry: ImportEntry) -> str:
        read.append(entry.value)
        return entry.value

    monkeypatch.setattr(read_list, "BATCH", 2)
    monkeypatch.setattr(read_list, "_duplicate_key", note_value)

    with pytest.raises(UsageError, match="the list has no categories"):
        pack_of(tmp_path, "domains", "a.example\nb.example\nc.example\n", label="")

    assert read == ["a.example", "b.example"]


def test_a_value_that_is_withdrawn_first_is_no_item(tmp_path: Path) -> None:
    pack, report = pack_of(tmp_path, "adblock", "@@||a.example^\n||a.example^\n||b.example^\n")

    assert [item.value for item in pack.items()] == ["b.example"]
    assert report.items == 1


@pytest.mark.parametrize(
    ("label", "told"),
    [("GAMBLING", "no category 'GAMBLING'"), ("ILL.CSAM", "stored only as keyed digests")],
)
def test_a_label_must_be_one_that_may_be_written(tmp_path: Path, label: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        pack_of(tmp_path, "domains", "a.example\n", label=label)


@pytest.mark.parametrize(
    ("form", "file", "told"),
    [
        ("domains", "html_error.txt", "HTML page instead of list"),
        ("archive", "traversal.zip", "path traversal refused"),
        ("citizenlab", "citizenlab.csv", "unknown citizenlab labels: 'XYZ'"),
        ("ut1", "ut1", "unknown ut1 labels: 'mystery', 'nousage'"),
        ("urlhaus", "urlhaus.csv", "the list has no entry that can become an item"),
        ("tranco", "tranco.csv", "the list has no entry that can become an item"),
    ],
)
def test_a_list_that_cannot_be_used_leaves_its_report_only(
    tmp_path: Path, form: str, file: str, told: str
) -> None:
    report = tmp_path / "report.csv"

    with pytest.raises(UsageError, match=told):
        import_pack(form, FIXTURES / file, tmp_path / "pack", created=NOW, report=report)

    assert [path.name for path in tmp_path.iterdir()] == ["report.csv"]


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
