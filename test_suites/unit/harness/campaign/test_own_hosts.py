"""Packs and sentinels of the range are measured on the hosts of the campaign's own origin."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora.pack_reader import open_pack
from corpora.pack_writer import PackDetails, write_pack
from harness.campaign.origin_file import write_origin
from harness.campaign.own_hosts import (
    OwnHosts,
    on_own_host,
    refuse_blocked_allowed,
    require_served,
    with_own_sentinels,
)
from harness.cli.compose import prepare
from harness.errors import FaultyDocument, UsageError
from harness.model.campaign import Campaign, Sentinel, Sentinels
from harness.model.corpus import Item, ItemKind
from harness.model.origin_zone import OriginZone, home_of
from harness.ports.network import Origin
from test_suites.kit.campaigns.rehearsal import write_campaign

ZONES = ("canary.example.org", "meadow.example.net", "orchard.example.com")
ONE = Origin(
    zone=ZONES[0], resolver="192.0.2.1:53", ports={80: 80}, authority="", key=b"k" * 32,
    address="192.0.2.1",
)  # fmt: skip
THREE = replace(ONE, zones=tuple(OriginZone(zone=zone, addresses=("192.0.2.1",)) for zone in ZONES))
RANGE = replace(ONE, zone="accredit.test")


def test_the_same_items_are_on_the_origin_s_hosts() -> None:
    shipped = open_pack("canary")
    own = OwnHosts(shipped, ONE)

    assert (shipped.reference, shipped.size) == (own.reference, own.size)
    for one, other in zip(shipped.items(), own.items(), strict=True):
        assert one.value.removesuffix("accredit.test") + ZONES[0] == other.value
        assert (one.id, one.labels, one.pair_id) == (other.id, other.labels, other.pair_id)
        assert other.registrable == other.host
    assert [item.id for item in own.items(9000)] == [item.id for item in shipped.items(9000)]


def test_several_zones_share_the_hosts_evenly_and_a_new_zone_takes_only_its_share() -> None:
    two = replace(THREE, zones=THREE.zones[:2])
    hosts = [item.host for item in open_pack("canary").items()]

    counts = Counter(THREE.home_of(host).partition(".")[2].partition(".")[2] for host in hosts)
    moved = [host for host in hosts if two.home_of(host) != THREE.home_of(host)]

    assert set(ZONES) == set(counts)
    assert max(counts.values()) < 1.1 * min(counts.values())
    assert all(THREE.home_of(host).endswith(ZONES[2]) for host in moved)
    turned = replace(THREE, zones=THREE.zones[::-1])
    assert all(turned.home_of(host) == THREE.home_of(host) for host in hosts)
    other_key = replace(THREE, key=b"x" * 32)
    assert any(other_key.home_of(host) != THREE.home_of(host) for host in hosts)


def test_the_origin_of_the_range_changes_nothing() -> None:
    item = Item(id="i", value="drug-001.canary.accredit.test", labels=("DRUG",))

    assert on_own_host(item, RANGE) is item


@given(st.text())
def test_any_other_host_stays_as_it_is(host: str) -> None:
    if not host.lower().rstrip(".").endswith("accredit.test"):
        assert host == home_of(host, ZONES, b"k")


def test_only_the_host_of_a_url_is_replaced() -> None:
    value = "http://Page-1.Overblock.Accredit.Test:81/a?x=page-1.overblock.accredit.test"
    item = Item(id="i", value=value, labels=("ALW.EDU",), kind="url", registrable="r")

    own = on_own_host(item, ONE)

    assert f"http://page-1.overblock.{ZONES[0]}:81/a?x=page-1.overblock.accredit.test" == own.value
    assert f"page-1.overblock.{ZONES[0]}" == own.registrable


@pytest.mark.parametrize("host", ["notaccredit.test", "accredit.test.example.org", ""])
def test_a_host_that_only_looks_like_the_range_s_stays(host: str) -> None:
    item = Item(id="i", value=host, labels=("DRUG",))

    assert on_own_host(item, ONE) is item


def campaign(tmp_path: Path, **changes: Any) -> Path:
    write_origin(THREE, tmp_path / "origin.json")
    return write_campaign(
        tmp_path, origin=tmp_path / "origin.json", categories=["DRUG"], sample=5,
        lines=[{"name": "names", "type": "resolver", "options": {"server": "192.0.2.53"}}],
        **changes,
    )  # fmt: skip


def test_a_campaign_is_prepared_on_the_origin_s_hosts(tmp_path: Path) -> None:
    path = campaign(tmp_path)

    prepared, again = prepare(path), prepare(path)

    hosts = [item.host for item in prepared.items]
    assert hosts == [item.host for item in again.items]
    assert all(THREE.covers(host) for host in hosts)
    assert all(item.registrable == item.host for item in prepared.items)
    (reference,) = {corpus.reference for corpus in prepared.corpora}
    assert open_pack("canary").reference == reference
    (corpus,) = prepared.corpora
    assert set(hosts) <= {item.host for item in corpus.items()}
    sentinels = prepared.campaign.sentinels
    assert (THREE.home_of("amber-lantern.accredit.test"),) == sentinels.hosts("must_allow")
    assert (THREE.home_of("copper-meadow.accredit.test"),) == sentinels.hosts("must_block")
    once_more = prepare(path, prepared.campaign)
    assert once_more.campaign == prepared.campaign


def test_sentinels_of_the_tester_s_own_stay() -> None:
    sentinels = Sentinels(
        must_allow=(Sentinel(at="https://www.example.org/x"),),
        must_block=(Sentinel(at="http://Copper-Meadow.accredit.test/x", probes=("web",)),),
    )
    declared = Campaign.model_construct(sentinels=sentinels)

    own = with_own_sentinels(declared, ONE).sentinels

    assert sentinels.must_allow == own.must_allow
    (block,) = own.must_block
    assert (f"http://copper-meadow.{ZONES[0]}/x", ("web",)) == (block.at, block.probes)


@pytest.mark.parametrize(
    ("at", "own"),
    [
        ("Copper-Meadow.accredit.test", f"copper-meadow.{ZONES[0]}"),
        ("http://Copper-Meadow.ACCREDIT.test/X", f"http://copper-meadow.{ZONES[0]}/X"),
    ],
)
def test_a_sentinel_in_capitals_is_moved_as_well(tmp_path: Path, at: str, own: str) -> None:
    declared = prepare(campaign(tmp_path)).campaign
    sentinels = Sentinels(must_block=(Sentinel(at=at),))
    declared = declared.model_copy(update={"sentinels": sentinels})

    (moved,) = with_own_sentinels(declared, ONE).sentinels.must_block

    assert own == moved.at


def other_pack(tmp_path: Path, kind: str) -> Path:
    """A pack whose second host is in a zone of somebody else."""
    hosts = (f"drug-001.canary.{ZONES[1]}", "drug-002.canary.elsewhere.example")
    rows = (
        {"id": f"i{place}", "value": host, "kind": "host", "registrable": host, "labels": "DRUG"}
        for place, host in enumerate(hosts)
    )
    details = PackDetails(
        name="theirs", version="1.0.0", title="t", created="2026-11-01T00:00:00Z", kind=kind
    )
    write_pack(tmp_path / "theirs", rows, details)
    return tmp_path / "theirs"


@pytest.mark.parametrize("kind", ["agreed", "content"])
def test_a_pack_of_another_origin_is_refused_with_one_sentence(tmp_path: Path, kind: str) -> None:
    pack = other_pack(tmp_path, kind)

    with pytest.raises(FaultyDocument) as error:
        prepare(campaign(tmp_path, corpora=[{"pack": str(pack)}]))

    assert 1 == len(error.value.faults)
    said = str(error.value)
    assert "pack 'theirs': the host drug-002.canary.elsewhere.example is in none of the" in said
    assert f"origin's zones ({', '.join(ZONES)}); use the origin that" in said


def test_real_items_are_anywhere(tmp_path: Path) -> None:
    pack = other_pack(tmp_path, "real")

    assert 2 == len(prepare(campaign(tmp_path, corpora=[{"pack": str(pack)}])).items)


def test_a_pack_without_hosts_needs_no_zone() -> None:
    for name in ("content", "mail", "malware", "upload", "circumvention"):
        require_served(OwnHosts(open_pack(name), ONE), ONE)


def test_a_list_that_would_block_a_must_allow_sentinel_is_refused(tmp_path: Path) -> None:
    declared = prepare(campaign(tmp_path)).campaign
    passes = declared.sentinels.hosts("must_allow")[0]
    site = f"http://{passes}/"
    page = Item(id="p", value=f"{site}drugs", labels=("DRUG",), kind="url")
    refuse_blocked_allowed([page], declared)
    for value, kind in (
        (passes, "host"), (passes, "suffix"), (passes.partition(".")[2], "suffix"), (site, "url"),
        (site.rstrip("/"), "url"),
    ):  # fmt: skip
        wide = Item(id="w", value=value, labels=("DRUG",), kind=cast("ItemKind", kind))
        with pytest.raises(UsageError, match="the list would block the must-allow sentinel"):
            refuse_blocked_allowed([wide], declared)
