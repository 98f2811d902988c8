"""``accredit origin pages`` writes the pack of content pages again, from the origin's own seed."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from corpora.pack_reader import open_pack
from harness.cli.main import app
from harness.errors import UsageError
from test_suites.unit.harness.cli.test_origin import folder

__all__ = ["folder"]


def test_its_content_pages_can_be_written_again(runner: CliRunner, folder: Path) -> None:
    """After an update the origin serves more forms of pages than the pack of an older version has."""
    pack, image = folder / "content-pages", folder / "agreed-image.png"
    before = {item.id: item.value for item in open_pack(str(pack)).items()}
    (pack / "items.csv").unlink()
    image.unlink()

    result = runner.invoke(app, ["origin", "pages", str(folder / "origin.yaml")])

    assert 0 == result.exit_code, result.output
    assert before == {item.id: item.value for item in open_pack(str(pack)).items()}
    assert image.read_bytes().startswith(b"\x89PNG")
    assert 0 == pack.stat().st_mode & 0o077


@pytest.mark.parametrize(
    ("line", "instead", "says"),
    [
        ("content_seed: content.seed", "content_seed: ''", "the origin has no content pages"),
        ("content_seed: content.seed", "content_seed: lost.seed", "the seed of the content pages"),
        ("key: origin.key", "key: content.seed-of-nothing", "the key cannot be read"),
    ],
)
def test_content_pages_without_their_seed_or_key_are_one_sentence(
    runner: CliRunner, folder: Path, line: str, instead: str, says: str
) -> None:
    path = folder / "origin.yaml"
    assert line in path.read_text()
    path.write_text(path.read_text().replace(line, instead))

    result = runner.invoke(app, ["origin", "pages", str(path)])

    assert isinstance(result.exception, UsageError)
    assert says in str(result.exception)
    assert (folder / "content-pages/items.csv").exists()
