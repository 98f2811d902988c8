"""Two versions of a pack differ in their items, and each way of differing has its name."""

from pathlib import Path

from corpora.pack_reader import Pack, compare_packs, open_pack
from corpora.pack_writer import PackDetails, write_pack


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
