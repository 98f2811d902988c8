"""An origin file is read whole or refused, and its key stays its owner's."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.campaign.origin_file import read_origin, write_origin
from harness.errors import UsageError
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
