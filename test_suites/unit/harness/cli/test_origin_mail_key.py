"""An origin has a key to sign mails with: private in its origin file, public in its settings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.campaign.origin_file import read_origin
from harness.cli.main import app
from harness.cli.origin import read_settings
from harness.errors import FaultyDocument
from probes.mail.sender_domains import public_key_of
from probes.mail.signature import signing_key

WORDS = ("--zone", "canary.example.org", "--address", "192.0.2.10")


@pytest.fixture
def folder(runner: CliRunner, tmp_path: Path) -> Path:
    made = runner.invoke(app, ["origin", "init", str(tmp_path / "origin"), *WORDS])
    assert made.exception is None
    return tmp_path / "origin"


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
