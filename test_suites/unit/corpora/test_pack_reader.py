"""A pack opens when everything in it is right, and not at all otherwise."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from corpora import pack_reader
from corpora.generator import vector_packs
from corpora.pack_reader import PACKS, Pack, compare_packs, open_pack, shipped_packs
from corpora.pack_writer import PackDetails, write_pack
from harness.errors import FaultyDocument, UsageError
from harness.ports.corpora import Corpus

HEADER = "id,value,kind,labels,notes\n"


def pack_with(folder: Path, table: str, **changes: object) -> Path:
    """A pack whose manifest is right for ``table``, but for ``changes`` of its resource."""
    manifest: dict[str, Any] = json.loads((PACKS / "overblock" / "datapackage.json").read_text())
    content = (HEADER + table).encode()
    manifest["resources"][0] |= {
        "bytes": len(content),
        "hash": "sha256:" + hashlib.sha256(content).hexdigest(),
        "x-rows": table.count("\n"),
        **changes,
    }
    (folder / "datapackage.json").write_text(json.dumps(manifest))
    (folder / "items.csv").write_bytes(content)
    return folder


@pytest.mark.parametrize("name", ["canary", "overblock", "education-uk", "school-pages"])
def test_shipped_packs_open_by_name(name: str) -> None:
    pack = open_pack(name)

    assert isinstance(pack, Corpus)
    assert pack.reference.name == name
    digest = hashlib.sha256((PACKS / name / "items.csv").read_bytes()).hexdigest()
    assert pack.reference.sha256 == digest
    assert next(iter(pack.items())).labels


def test_a_pack_opens_by_path_and_can_be_read_twice(tmp_path: Path) -> None:
    pack = open_pack(str(pack_with(tmp_path, "a,a.example,host,GAMB,hello\n")))

    assert [item.id for item in pack.items()] == ["a"]
    assert [item.id for item in pack.items()] == ["a"]
    assert pack.notes() == {"a.example": "hello"}


def test_the_example_of_the_format_opens(tmp_path: Path) -> None:
    """Kinds url and recipe, pairs, and one S4 row that is only a digest."""
    table = (
        "EX-1,https://recipe/CR-014,recipe,GAMB,\n"
        "EX-2,https://www.nhs.uk/conditions/breast-cancer/,url,ALW.HEALTH,\n"
    )

    items = list(open_pack(str(pack_with(tmp_path, table))).items())

    assert [item.kind for item in items] == ["recipe", "url"]
    assert [item.registrable for item in items] == ["", "www.nhs.uk"]


def test_an_unknown_pack_names_the_known() -> None:
    with pytest.raises(UsageError, match="no pack 'canaries'; known: canary, circumvention"):
        open_pack("canaries")


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    table = "a,a.example,host,GAMB,\na,b.example,host,NOPE,\na,c.example,host,GAMB,\n"

    with pytest.raises(FaultyDocument) as caught:
        open_pack(str(pack_with(tmp_path, table)))

    told = str(caught.value).splitlines()
    assert len(told) == 2
    assert "items.csv:3: labels: 'NOPE' is not a category" in told[0]
    assert "items.csv:4: id: 'a' appears twice" in told[1]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"hash": "sha256:" + "0" * 64}, r"resources\[items\].hash: the file has sha256:"),
        ({"bytes": 1}, r"resources\[items\].bytes: the file has 55 bytes; the manifest says 1"),
        ({"x-rows": 5}, "items.csv: 1 rows; the manifest says 5"),
        ({"path": "../items.csv"}, "is outside the pack"),
        ({"path": "/etc/hostname"}, "is outside the pack"),
        ({"path": "none.csv"}, "'none.csv': No such file"),
        ({"path": "."}, "is a folder, not a regular file"),
        ({"path": "a\0b"}, "is outside the pack"),
    ],
)
def test_the_manifest_must_be_true(tmp_path: Path, changes: dict[str, object], told: str) -> None:
    folder = pack_with(tmp_path, "a,a.example,host,GAMB,hello\n", **changes)

    with pytest.raises(FaultyDocument, match=told):
        open_pack(str(folder))


def test_a_link_out_of_the_pack_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "pack"
    folder.mkdir()
    pack_with(folder, "a,a.example,host,GAMB,hello\n")
    shutil.move(folder / "items.csv", tmp_path / "outside.csv")
    (folder / "items.csv").symlink_to(tmp_path / "outside.csv")

    with pytest.raises(FaultyDocument, match="is outside the pack"):
        open_pack(str(folder))


def test_a_link_to_itself_is_refused(tmp_path: Path) -> None:
    pack_with(tmp_path, "a,a.example,host,GAMB,hello\n")
    (tmp_path / "items.csv").unlink()
    (tmp_path / "items.csv").symlink_to("items.csv")

    with pytest.raises(FaultyDocument, match="Too many levels"):
        open_pack(str(tmp_path))


def test_a_short_pack_stays_what_was_checked(tmp_path: Path) -> None:
    pack = open_pack(str(pack_with(tmp_path, "a,a.example,host,GAMB,\nb,b.example,host,GAMB,\n")))
    (tmp_path / "items.csv").write_text(HEADER + "a,a.example,host,NOPE,\n")

    assert ["a", "b"] == [item.id for item in pack.items()]
    assert ["b"] == [item.id for item in pack.items(1)]


def test_a_change_of_a_long_pack_after_opening_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pack_reader, "KEPT_ROWS", 0)
    pack = open_pack(str(pack_with(tmp_path, "a,a.example,host,GAMB,\n")))
    (tmp_path / "items.csv").write_text(HEADER + "a,a.example,host,NOPE,\n")

    with pytest.raises(FaultyDocument, match="'NOPE' is not a category"):
        list(pack.items())


def test_the_rows_of_a_shipped_pack_are_checked_once_a_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, rows = open_pack("overblock"), list[Path]()
    shutil.copytree(PACKS / "overblock", tmp_path / "overblock")

    def check_rows(path: Path, *_: Any) -> tuple[Any, ...]:
        rows.append(path)
        return ()

    monkeypatch.setattr(pack_reader, "_check_rows", check_rows)

    assert list(open_pack("overblock").items()) == list(first.items())
    assert open_pack(str(tmp_path / "overblock")).size == first.size
    assert [tmp_path / "overblock/items.csv"] == rows


def test_rows_that_were_checked_are_not_checked_again(tmp_path: Path) -> None:
    path = pack_with(tmp_path, "a,a.example,host,NOPE,\n")
    manifest = json.loads((path / "datapackage.json").read_text())
    digest = manifest["resources"][0]["hash"].removeprefix("sha256:")
    vouched = f"{manifest['name']} {manifest['version']} {digest}"

    with pytest.raises(FaultyDocument, match="'NOPE' is not a category"):
        open_pack(str(path), checked=["another 1.0.0 " + digest])
    assert open_pack(str(path), checked=[vouched]).reference.sha256 == digest


def test_bytes_that_changed_are_noticed_even_if_the_rows_were_checked(tmp_path: Path) -> None:
    path = pack_with(tmp_path, "a,a.example,host,GAMB,\n")
    one = open_pack(str(path)).reference
    (path / "items.csv").write_text(HEADER + "a,b.example,host,GAMB,\n")

    with pytest.raises(FaultyDocument, match="the manifest says"):
        open_pack(str(path), checked=[f"{one.name} {one.version} {one.sha256}"])


def test_items_are_streamed_from_a_place(tmp_path: Path) -> None:
    rows = "".join(f"{name},{name}.example,host,GAMB,\n" for name in "abcd")
    pack = open_pack(str(pack_with(tmp_path, rows)))

    for start in range(6):
        assert [item.id for item in pack.items(start)] == list("abcd")[start:]
    assert [entry.line for entry in pack.entries(2)] == [4, 5]


def test_many_faults_are_counted(tmp_path: Path) -> None:
    table = "".join(f"{number},x.example,host,NOPE,\n" for number in range(80))

    with pytest.raises(FaultyDocument, match="and 30 more"):
        open_pack(str(pack_with(tmp_path, table)))


def test_the_shipped_packs_are_listed() -> None:
    own = ("canary", "education-uk", "overblock", "school-pages", "tls-checks")

    assert shipped_packs() == tuple(sorted((*own, *(pack.name for pack in vector_packs.PACKS))))


def pack_of(folder: Path, version: str, *rows: tuple[str, str, str, str]) -> Pack:
    details = PackDetails(
        name="mine", version=version, title="Mine", created="2026-11-24T00:00:00Z"
    )
    filled = (
        {"id": identity, "value": value, "kind": "host", "labels": labels, "lang": lang}
        for identity, value, labels, lang in rows
    )
    write_pack(folder / version, filled, details)
    return open_pack(str(folder / version))


def test_each_way_of_differing_has_its_name(tmp_path: Path) -> None:
    old = pack_of(
        tmp_path,
        "1.0.0",
        ("gone", "a.example", "GAMB", ""),
        ("same", "b.example", "GAMB", ""),
        ("label", "c.example", "GAMB", ""),
        ("value", "d.example", "GAMB", ""),
        ("lang", "e.example", "GAMB", ""),
    )
    new = pack_of(
        tmp_path,
        "1.1.0",
        ("same", "b.example", "GAMB", ""),
        ("label", "c.example", "GAMB|LOC.GAME", ""),
        ("value", "x.example", "GAMB", ""),
        ("lang", "e.example", "GAMB", "cy"),
        ("new", "f.example", "GAMB", ""),
    )

    difference = compare_packs(old, new)

    assert difference.added == ("new",)
    assert difference.removed == ("gone",)
    assert difference.relabelled == ("label",)
    assert difference.revalued == ("value",)
    assert difference.otherwise == ("lang",)
    assert difference


def test_a_pack_does_not_differ_from_itself() -> None:
    assert not compare_packs(open_pack("overblock"), open_pack("overblock"))
