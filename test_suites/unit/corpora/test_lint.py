"""Lint finds what makes the figures of a sound pack worth less."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from corpora.lint import lint, revealing_word
from corpora.pack_reader import Pack, open_pack, shipped_packs
from corpora.pack_writer import PackDetails, write_pack
from corpora.taxonomy import Taxonomy, shipped
from harness.model.campaign import Sentinels

NOW = datetime(2026, 12, 1, tzinfo=UTC)


def pack_of(
    folder: Path,
    *rows: dict[str, str],
    purpose: str = "self-test",
    audience: str = "public",
) -> Pack:
    details = PackDetails(
        name="mine",
        version="1.0.0",
        title="Mine",
        created="2026-11-24T00:00:00Z",
        purpose=purpose,
        audience=audience,
        max_age_days=30,
    )
    filled = (
        {"id": str(number), "kind": "url", "labels": "GAMB", **row}
        for number, row in enumerate(rows)
    )
    write_pack(folder / "mine", filled, details)
    return open_pack(str(folder / "mine"))


def told(pack: Pack, now: datetime = NOW) -> list[str]:
    return [str(fault).split("/")[-1] for fault in lint(pack, now)]


VENDORS = "vendor-tests"
"""Its description says it: vendors have many test pages on one domain."""


@pytest.mark.parametrize("name", sorted({*shipped_packs()} - {VENDORS}))
def test_nothing_is_to_mend_in_the_shipped_packs(name: str) -> None:
    assert lint(open_pack(name), NOW) == []


def test_the_pages_of_vendors_are_told_not_to_be_independent() -> None:
    assert {fault.key for fault in lint(open_pack(VENDORS), NOW)} == {"registrable", "value"}


def test_one_item_a_registrable_domain(tmp_path: Path) -> None:
    pack = pack_of(tmp_path, {"value": "http://a.b.example/"}, {"value": "http://c.b.example/"})

    assert told(pack) == [
        "items.csv:3: registrable: 'b.example' is already on line 2; keep one item per registrable domain"
    ]


def test_a_pair_wants_both_halves(tmp_path: Path) -> None:
    pack = pack_of(
        tmp_path,
        {"value": "http://a.example/", "pair_id": "p"},
        {"value": "http://b.example/", "pair_id": "q"},
        {"value": "http://c.example/", "pair_id": "q"},
    )

    assert told(pack) == [
        "items.csv:2: pair_id: 'p' has one item only; add its twin, or leave it empty"
    ]


def test_near_duplicates(tmp_path: Path) -> None:
    pack = pack_of(
        tmp_path,
        {"value": "http://www.A.example/x/", "registrable": "a"},
        {"value": "https://a.example/x", "registrable": "b"},
    )

    assert told(pack) == ["items.csv:3: value: item '1' is a near-duplicate of line 2; keep one"]


def test_a_stale_pack(tmp_path: Path) -> None:
    pack = pack_of(tmp_path, {"value": "http://a.example/"})

    (fault,) = lint(pack, datetime(2027, 1, 1, tzinfo=UTC))

    assert fault.key == "accredit.freshness"
    assert fault.found == "was checked 38 days ago"


def test_sensitivity_above_the_manifest(tmp_path: Path) -> None:
    pack = pack_of(tmp_path, {"value": "http://a.example/", "sensitivity": "S3"})

    assert told(pack) == [
        "items.csv:2: sensitivity: S3 is above the sensitivity in the manifest; at most S0"
    ]


def test_unsigned_packs_serve_self_tests_only(tmp_path: Path) -> None:
    pack = pack_of(tmp_path, {"value": "http://a.example/"}, purpose="accreditation")

    (fault,) = lint(pack, NOW)

    assert fault.key == "accredit.purpose"
    assert "not signed" in fault.found


def test_another_taxonomy(tmp_path: Path) -> None:
    pack = pack_of(tmp_path, {"value": "http://a.example/"})
    other = Taxonomy(version="2.0.0", sha256="0" * 64, categories=shipped().categories)

    (fault,) = lint(open_pack(str(pack.directory), other), NOW)

    assert fault.key == "accredit.taxonomy"


@pytest.mark.parametrize(
    ("labels", "purpose", "found"),
    [
        (
            {"method": "double_blind"},
            "self-test",
            "is missing, although several raters labelled the items",
        ),
        ({"method": "adjudicated", "krippendorff_alpha": 0.6}, "self-test", "is 0.600"),
        ({"method": "adjudicated", "krippendorff_alpha": 0.7}, "self-test", ""),
        ({"method": "adjudicated", "krippendorff_alpha": 0.7}, "accreditation", "is 0.700"),
        ({"method": "upstream"}, "self-test", ""),
    ],
)
def test_labels_must_agree(
    tmp_path: Path, labels: dict[str, object], purpose: str, found: str
) -> None:
    pack = pack_of(tmp_path, {"value": "http://a.example/"}, purpose=purpose)
    path = pack.directory / "datapackage.json"
    manifest = json.loads(path.read_text())
    manifest["accredit"]["labels"] = labels
    path.write_text(json.dumps(manifest))

    faults = lint(open_pack(str(pack.directory)), NOW)

    told = [fault.found for fault in faults if "labels" in fault.key]
    assert told == ([found] if found else [])


@pytest.mark.parametrize(
    ("kind", "audience", "host", "found"),
    [
        ("agreed", "sealed", "a.example", "suppliers know them"),
        ("real", "sealed", "gamb-001.canary.accredit.test", "is in the agreed zone"),
        ("real", "sealed", "a.example", ""),
        ("content", "assessor", "a.example", ""),
        ("agreed", "supplier", "a.example", ""),
    ],
)
def test_a_hidden_pack_holds_real_or_content_items(
    tmp_path: Path, kind: str, audience: str, host: str, found: str
) -> None:
    details = PackDetails(
        name="mine", version="1.0.0", title="t", created="2026-11-24T00:00:00Z", kind=kind,
        audience=audience,
    )  # fmt: skip
    row = {"id": "a", "kind": "host", "value": host, "labels": "GAMB"}
    write_pack(tmp_path / "mine", [row], details)

    faults = told(open_pack(str(tmp_path / "mine")))

    assert (found in faults[0]) if found else faults == []


@pytest.mark.parametrize("audience", ["assessor", "sealed"])
def test_hidden_hosts_of_our_zone_must_not_tell_what_they_are(
    tmp_path: Path, audience: str
) -> None:
    values = ("gamb-001.canary.accredit.test", "amber-lantern-07.accredit.test", "a.gamb.example")
    rows = [{"kind": "host", "value": value} for value in values]

    found = [
        line for line in told(pack_of(tmp_path, *rows, audience=audience)) if "contains" in line
    ]
    assert len(found) == 1
    assert found[0].startswith(
        "items.csv:2: value: the host name of a hidden item contains 'gamb' "
    )


def test_known_items_may_be_called_what_they_are(tmp_path: Path) -> None:
    row = {"kind": "host", "value": "gamb-001.canary.accredit.test"}

    assert told(pack_of(tmp_path, row)) == []


ZONE = "accredit.test"


@pytest.mark.parametrize(
    ("label", "word"),
    [
        ("porn-nude-017.canary", "porn"),
        ("x.gamb", "gamb"),
        ("drug7", "drug"),
        ("mygamblingplace", "gambling"),
        ("blue.violence-9", "violence"),
        ("amber-01.twin", "twin"),
        ("sentinel-1", "sentinel"),
        ("NUDE", "nude"),
    ],
)
def test_what_tells(label: str, word: str) -> None:
    assert revealing_word(f"{label}.{ZONE}", ZONE) == word


@pytest.mark.parametrize(
    "host",
    [
        f"amber-lantern-07.{ZONE}",
        f"crimson-discovery.{ZONE}",
        ZONE,
        "porn.example",
        f"porn{ZONE}",
        *Sentinels().hosts("must_allow"),
        *Sentinels().hosts("must_block"),
    ],
)
def test_what_does_not_tell(host: str) -> None:
    assert revealing_word(host, ZONE) == ""
