"""The shipped packs are what the generator makes, byte for byte."""

from collections import Counter
from pathlib import Path

import pytest

from corpora.generator import generate
from corpora.pack_reader import PACKS, open_pack


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("packs")
    generate.main(["--out", str(out)])
    return out


def test_the_shipped_packs_are_those_it_makes(made: Path) -> None:
    shipped = {path.relative_to(PACKS): path.read_bytes() for path in PACKS.glob("*/*")}
    fresh = {path.relative_to(made): path.read_bytes() for path in made.glob("*/*")}

    assert fresh == shipped


def test_making_them_again_replaces_them(made: Path) -> None:
    generate.generate(made)

    assert open_pack(str(made / "canary")).reference == open_pack("canary").reference


def test_canary_has_120_items_and_60_twins_a_category(made: Path) -> None:
    strata = Counter(item.stratum for item in open_pack("canary").items())
    codes = {name for name in strata if ":" not in name}

    assert len(codes) == 51
    assert not codes & {"ILL", "LOC", "CTRL"}
    assert all(strata[code] == 120 and strata[f"twin:{code}"] == 60 for code in codes)
    assert {name: strata[f"special:{name}"] for name in generate.SPECIAL} == generate.SPECIAL


def test_each_twin_is_benign_and_shares_its_pair(made: Path) -> None:
    items = list(open_pack("canary").items())
    blocks = {item.pair_id: item for item in items if item.pair_id and ":" not in item.stratum}
    twins = [item for item in items if item.stratum.startswith("twin:")]

    assert len(twins) == len(blocks) == 51 * 60
    for twin in twins:
        assert twin.category.startswith("ALW.")
        assert twin.stratum == f"twin:{blocks[twin.pair_id].category}"
        assert twin.host.endswith(".twin.accredit.test")


def test_every_canary_is_its_own_site_and_small_enough() -> None:
    items = list(open_pack("canary").items())

    assert len({item.registrable for item in items}) == len(items)
    assert {item.sensitivity for item in items} == {"S0"}
    assert (PACKS / "canary" / "items.csv").stat().st_size < 1_500_000


def test_overblock_tells_what_each_page_is() -> None:
    pack = open_pack("overblock")

    assert pack.notes()["ob-0001.overblock.accredit.test"].endswith("local history of Scunthorpe")
    assert len(list(pack.items())) == 376


def test_education_uk_has_one_site_a_domain_and_nothing_contested() -> None:
    items = list(open_pack("education-uk").items())

    assert len({item.registrable for item in items}) == len(items) > 200
    assert not [item for item in items if "torproject" in item.value]
    assert all(item.category.startswith("ALW.") for item in items)
