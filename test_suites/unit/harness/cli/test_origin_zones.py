"""``accredit origin init`` prepares several zones, each with addresses of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography import x509
from typer.testing import CliRunner

from corpora.pack_reader import open_pack
from harness.campaign.origin_file import read_origin
from harness.cli.main import app
from harness.cli.origin import read_settings
from harness.errors import UsageError
from test_suites.unit.harness.cli.test_origin import TWINS, ZONE, folder, init

__all__ = ["folder"]


def test_several_zones_have_the_common_addresses_or_their_own(
    runner: CliRunner, tmp_path: Path
) -> None:
    second, third = "meadow.example.net", "harbour.example.com"
    words = ("--zone", f"{second}=198.51.100.7,2001:db8::7", "--zone", third)
    said = init(runner, tmp_path / "o", *words, "--twin-zone", TWINS, "--twin-address", "192.0.2.9")

    origin, settings = (
        read_origin(tmp_path / "o/origin.json"),
        read_settings(tmp_path / "o/origin.yaml"),
    )
    common = ("192.0.2.10", "2001:db8::10")
    assert {ZONE: common, second: ("198.51.100.7", "2001:db8::7"), third: common} == {
        zone.zone: zone.addresses for zone in origin.zones
    }
    assert settings.names.zones == origin.zones
    assert settings.names.twins == origin.twins
    assert (ZONE, TWINS) == (origin.zone, origin.twin_zone)
    for zone in (ZONE, second, third, TWINS):
        assert f"{zone}. IN NS ns1.{zone}." in said
    assert f"ns1.{second}. IN AAAA 2001:db8::7" in said
    hosts = {item.host for item in open_pack(str(tmp_path / "o/content-pages")).items()}
    assert {ZONE, second, third} == {host.partition(".sites.")[2] for host in hosts}


def test_the_authorities_of_an_origin_and_of_others_have_different_names(
    runner: CliRunner, folder: Path, tmp_path: Path
) -> None:
    init(runner, tmp_path / "other")
    names = {
        certificate.subject.rfc4514_string()
        for each in (folder, tmp_path / "other")
        for certificate in x509.load_pem_x509_certificates((each / "authority.pem").read_bytes())
    }

    assert 3 == len(names)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--zone", ZONE], f"--zone {ZONE} has no address; give --address, or write {ZONE}=ADDRESS"),
        (["--zone", f"{ZONE}=192.0.2.1,x"], "addresses: 'x' is not an IP address"),
        (["--zone", f"{ZONE}="], "has no address"),
        (["--zone", f"{ZONE}=192.0.2.1", "--zone", f"x.{ZONE}=192.0.2.1"], "must be apart"),
        (["--zone", f"{ZONE}=192.0.2.1", "--twin-address", "192.0.2.2"], "--twin-zone is missing"),
    ],
)  # fmt: skip
def test_a_wrong_zone_is_one_clear_sentence(
    runner: CliRunner, tmp_path: Path, words: list[str], said: str
) -> None:
    result = runner.invoke(app, ["origin", "init", str(tmp_path / "origin"), *words])

    assert isinstance(result.exception, UsageError)
    assert said in str(result.exception)
    assert not (tmp_path / "origin").exists()
