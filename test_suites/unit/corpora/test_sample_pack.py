"""A sample is a pack of its own that says what each item stands for."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from corpora.build_pack import import_pack
from corpora.lint import lint
from corpora.pack_reader import Pack, open_pack
from corpora.pack_writer import PackDetails, write_pack
from corpora.ranks import Ranks
from corpora.sampler import ONE_PER_DOMAIN, sample_pack
from harness.errors import UsageError

RANKS = Ranks(title="r.csv", sha256="1" * 64, by_domain={"gamb-001.canary.accredit.test": 7})


def sample(out: Path, pack: str = "canary", **wanted: Any) -> Pack:
    return sample_pack(open_pack(pack, rows=False), out=out, **{"seed": "secret", **wanted})


def test_items_stand_for_those_that_were_not_taken(tmp_path: Path) -> None:
    drawn = sample(tmp_path / "sample", size=2, categories=("GAMB",))

    assert drawn.size == 4
    assert {item.stratum: item.weight for item in drawn.items()} == {"GAMB": 60, "twin:GAMB": 30}


def test_half_a_pair_is_no_pair(tmp_path: Path) -> None:
    drawn = sample(tmp_path / "sample", size=40, categories=("GAMB",))

    pairs = {item.id: item.pair_id for item in drawn.items()}
    assert all(bool(pair) == (f"{pair}-twin" in pairs and pair in pairs) for pair in pairs.values())
    assert 0 < sum(map(bool, pairs.values())) < 80
    assert not [fault for fault in lint(drawn) if fault.key == "pair_id"]


def test_the_seed_is_committed_to_and_not_written(tmp_path: Path) -> None:
    sampling = sample(tmp_path / "sample", size=1).manifest.accredit.sampling

    assert sampling.seed_commitment == "sha256:" + hashlib.sha256(b"secret").hexdigest()
    assert (sampling.design, sampling.method) == ("stratified", ONE_PER_DOMAIN)
    assert sampling.frame_size == 9210
    for path in (tmp_path / "sample").iterdir():
        assert "secret" not in path.read_text()


def test_a_frame_of_popularity_is_told_apart(tmp_path: Path) -> None:
    drawn = sample(tmp_path / "p", size=5, frame="popularity", ranks=RANKS)

    sampling = drawn.manifest.accredit.sampling
    assert drawn.reference.design == sampling.design == "popularity_weighted"
    assert sampling.frame.endswith(
        f"; ranks: r.csv {'1' * 64}; 9209 items without a rank are no part of it"
    )
    assert [(item.id, item.weight) for item in drawn.items()] == [("gamb-001:popular", 0.142857)]


def test_strata_of_several_kinds_are_written(tmp_path: Path) -> None:
    drawn = sample(tmp_path / "s", size=1, by=("category", "language"), categories=("GAMB",))

    assert {item.stratum for item in drawn.items()} == {"GAMB/und", "twin:GAMB/und"}


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("precious")

    with pytest.raises(UsageError, match="the directory exists already"):
        sample(tmp_path / "x", size=1)


def test_a_sample_is_bound_as_its_pack_was_unless_told(tmp_path: Path) -> None:
    first, second, third = (tmp_path / name for name in ("first", "second", "third"))
    vendor = imported(tmp_path, "a.example", "b.example", "c.example")
    one = sample(first, vendor, size=3, use_limit=3, audience="sealed")
    two = sample(second, str(first), size=2)
    three = sample(third, str(first), size=2, use_limit=1, audience="public")

    assert [pack.reference.use_limit for pack in (one, two, three)] == [3, 3, 1]
    assert [pack.reference.is_hidden for pack in (one, two, three)] == [True, True, False]


def imported(folder: Path, *hosts: str) -> str:
    """A pack of real items, as an import makes it."""
    listed = folder / "list.csv"
    rows = "".join(f"{host},GAMB\n" for host in hosts)
    listed.write_text(f"domain,canonical_code\n{rows}")
    import_pack("labelled", listed, folder / "vendor", created="2026-01-01T00:00:00Z")
    return str(folder / "vendor")


def test_the_kind_of_a_sample_is_that_of_its_pack(tmp_path: Path) -> None:
    real = sample(tmp_path / "real", imported(tmp_path, "a.example"), size=1, audience="sealed")
    agreed = sample(tmp_path / "agreed", size=1)

    assert (real.reference.kind, real.reference.is_hidden) == ("real", True)
    assert (agreed.reference.kind, agreed.reference.is_hidden) == ("agreed", False)


@pytest.mark.parametrize("audience", ["assessor", "sealed"])
def test_agreed_items_are_never_hidden(tmp_path: Path, audience: str) -> None:
    with pytest.raises(UsageError, match="'canary' holds agreed items"):
        sample(tmp_path / "out", size=1, audience=audience)

    assert not (tmp_path / "out").exists()


def test_an_agreed_name_that_was_imported_is_not_hidden_either(tmp_path: Path) -> None:
    """Who exports the agreed list and imports it again has no real items."""
    vendor = imported(tmp_path, "gamb-001.canary.accredit.test")

    with pytest.raises(UsageError, match="is in the agreed zone"):
        sample(tmp_path / "out", vendor, size=1, audience="sealed")

    assert not (tmp_path / "out").exists()
    assert sample(tmp_path / "open", vendor, size=1).size == 1


@pytest.mark.parametrize("cells", [{"kind": "hots"}, {"weight": "much"}, {"labels": "NONE"}])
def test_a_faulty_item_is_never_drawn(tmp_path: Path, cells: dict[str, str]) -> None:
    row = {"id": "a", "value": "a.example", "kind": "host", "labels": "GAMB"}
    details = PackDetails(name="pack", version="1.0.0", title="t", created="2026-01-01T00:00:00Z")
    write_pack(tmp_path / "pack", [row | cells], details)

    with pytest.raises(UsageError, match="a drawn row is faulty"):
        sample(tmp_path / "out", str(tmp_path / "pack"), size=1)

    assert not (tmp_path / "out").exists()
