"""The packs of what is no page: named things, each with a harmless twin where one makes sense."""

from __future__ import annotations

from collections import Counter

import pytest

from corpora.generator.vector_packs import HARMLESS, PACKS
from corpora.lint import lint
from corpora.pack_reader import open_pack
from harness.model.corpus import Item

NAMES = [pack.name for pack in PACKS]
TWINNED = ["circumvention", "content", "malware", "search", "upload"]


def items(pack: str) -> list[Item]:
    return list(open_pack(pack).items())


def test_the_seven_packs_hold_what_was_handed_to_them() -> None:
    sizes = {name: len([item for item in items(name) if "-twin" not in item.id]) for name in NAMES}

    assert sizes == {
        "circumvention": 346,
        "content": 20,
        "malware": 88,
        "upload": 59,
        "mail": 41,
        "search": 31,
        "vendor-tests": 297,
    }


@pytest.mark.parametrize("name", [name for name in NAMES if name != "vendor-tests"])
def test_what_is_made_at_run_time_is_no_host_and_has_nothing_to_mend(name: str) -> None:
    pack = open_pack(name)

    hosts = [item.host for item in pack.items()]
    if name == "circumvention":  # each technique leads to a host of its own
        assert len(set(hosts)) == len(hosts)
    else:
        assert set(hosts) == {""}
    assert lint(pack) == []


def test_vendor_tests_are_pages_of_a_few_domains() -> None:
    found = items("vendor-tests")

    assert {item.kind for item in found} == {"url"}
    assert all(item.registrable for item in found)
    assert [item for item in found if item.category.startswith("ALW.")]


@pytest.mark.parametrize("name", TWINNED)
def test_each_twin_is_harmless_and_shares_its_pair(name: str) -> None:
    found = items(name)
    twins = [item for item in found if item.stratum.startswith("twin:")]
    pairs = Counter(item.pair_id for item in found if item.pair_id)

    assert twins
    assert set(pairs.values()) == {2}
    for twin in twins:
        assert twin.category.startswith("ALW.")
        assert twin.value.endswith(HARMLESS) or twin.host.partition(".")[0].endswith("-twin")


def test_what_is_harmless_already_has_no_twin() -> None:
    alone = [item for item in items("malware") if not item.pair_id]

    assert "ALW.TECH" in {item.category for item in alone}
    assert {item.category for item in items("mail")} >= {"ALW.EDU", "ALW.HEALTH", "ALW.PLACE"}


def test_no_pack_holds_a_sample() -> None:
    half = "X5O!P%@AP[4\\PZX54(P^)7CC)7}$"

    assert not [name for name in NAMES if half in open_pack(name).table.read_text("utf-8")]
