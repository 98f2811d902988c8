"""``accredit origin init`` makes a key to sign mails with, and publishes its public part."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.campaign.origin_file import read_origin
from harness.cli.origin import read_settings
from harness.errors import FaultyDocument
from probes.mail.sender_domains import public_key_of
from probes.mail.signature import signing_key
from test_suites.unit.harness.cli.test_origin import folder

__all__ = ["folder"]


def test_its_key_for_mail_is_in_the_secret_file_and_its_public_part_in_the_settings(
    folder: Path,
) -> None:
    key = signing_key(read_origin(folder / "origin.json").services, "origin.json")

    assert public_key_of(key) == read_settings(folder / "origin.yaml").mail_key
    for path in folder.iterdir():
        if path.is_file() and path.name != "origin.json":
            assert key.splitlines()[1] not in path.read_text(encoding="utf-8", errors="replace")


def test_a_key_for_mail_that_is_none_is_refused_and_may_be_missing(folder: Path) -> None:
    path = folder / "origin.yaml"
    before = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r"(?m)^mail_key: .*$", "mail_key: MIIB", before), encoding="utf-8")

    with pytest.raises(FaultyDocument, match="this is no public RSA key in Base64"):
        read_settings(path)
    path.write_text(re.sub(r"(?m)^mail_key: .*\n", "", before), encoding="utf-8")
    assert "" == read_settings(path).mail_key
