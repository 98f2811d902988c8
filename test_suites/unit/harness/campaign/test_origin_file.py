"""An origin file is read whole or refused, and its key stays its owner's."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from harness.campaign.origin_file import read_origin, write_origin
from harness.errors import UsageError
from harness.model.origin_zone import OriginZone
from harness.ports.network import Origin

ORIGIN = Origin(
    zone="accredit.test",
    resolver="127.0.0.1:5353",
    ports={80: 8080, 443: 8443},
    authority="authority.pem",
    key=bytes(range(32)),
    log="origin.log.jsonl",
    services={"reference": {"proxy": {"ks2": "http://127.0.0.1:3128"}}},
)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    write_origin(ORIGIN, tmp_path / "origin.json")

    read = read_origin(tmp_path / "origin.json")

    assert (ORIGIN.zone, ORIGIN.ports, ORIGIN.key, ORIGIN.services) == (
        read.zone,
        read.ports,
        read.key,
        read.services,
    )
    assert str(tmp_path / "authority.pem") == read.authority


ZONES = tuple(
    OriginZone(zone=zone, addresses=(address,), nameservers=(f"ns1.{zone}",))
    for zone, address in (
        ("canary.example.org", "192.0.2.10"),
        ("meadow.example.net", "192.0.2.20"),
    )
)
TWINS = OriginZone(zone="orchard.example.com", addresses=("198.51.100.10", "2001:db8::1"))
PUBLIC = replace(
    ORIGIN, zone=ZONES[0].zone, address="192.0.2.10", twin_zone=TWINS.zone, zones=ZONES,
    twins=TWINS, resolver="192.0.2.10:5353",
)  # fmt: skip


def test_all_zones_of_a_public_origin_are_written_once_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "origin.json"
    write_origin(PUBLIC, path)

    read = read_origin(path)

    named = replace(PUBLIC, authority=read.authority, log=read.log)
    assert named == read
    assert ("canary.example.org", "meadow.example.net") == read.zone_names
    assert ("192.0.2.10", "192.0.2.20", "198.51.100.10", "2001:db8::1") == read.addresses
    assert "198.51.100.10:5353" == read.twin_resolver
    assert read.covers("a.meadow.example.net")
    assert not {"zone", "address", "twin_zone"} & set(json.loads(path.read_text()))


@pytest.mark.parametrize(
    "change",
    [{"zones": []}, {"zones": [{"zone": "", "addresses": ["192.0.2.1"]}]},
     {"zones": [{"zone": "a.example", "addresses": []}]},
     {"twins": {"zone": "b.example", "addresses": []}}],
)  # fmt: skip
def test_a_zone_without_a_name_or_an_address_is_refused(
    tmp_path: Path, change: dict[str, object]
) -> None:
    path = tmp_path / "origin.json"
    write_origin(PUBLIC, path)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))

    with pytest.raises(UsageError, match="each of its zones needs a name and an address"):
        read_origin(path)


def test_only_the_owner_may_read_the_key(tmp_path: Path) -> None:
    write_origin(ORIGIN, tmp_path / "origin.json")

    assert 0o600 == (tmp_path / "origin.json").stat().st_mode & 0o777
    assert ORIGIN.key.hex() not in repr(ORIGIN)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not an origin file"),
        ("{}", "missing required field `resolver`"),
        (
            '{"zone": "a.test", "resolver": "x", "ports": {"80": 99999}, "authority": "a", "key": "00"}',
            "ports",
        ),
    ],
)
def test_a_wrong_file_is_refused_with_the_reason(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "origin.json"
    path.write_text(text)

    with pytest.raises(UsageError, match=said):
        read_origin(path)


def test_a_missing_file_tells_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="accredit range up"):
        read_origin(tmp_path / "origin.json")


def test_the_zone_covers_its_names_only() -> None:
    assert ORIGIN.covers("gamb-001.canary.ACCREDIT.test.")
    assert ORIGIN.covers("accredit.test")
    assert not ORIGIN.covers("notaccredit.test")
