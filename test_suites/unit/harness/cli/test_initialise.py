"""``init`` writes a campaign that works after two edits, and overwrites nothing."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from harness.cli.initialise import TEMPLATE
from harness.cli.main import app
from harness.declared import Document, validate
from harness.equipment import read_campaign
from harness.model.campaign import Campaign


def test_the_file_is_a_valid_campaign(runner: CliRunner, tmp_path: Path) -> None:
    ended = runner.invoke(app, ["init", str(tmp_path / "new"), "--name", "autumn"])

    campaign, _ = read_campaign(tmp_path / "new/campaign.yaml")
    assert 0 == ended.exit_code
    assert ("autumn", "becta-2008") == (campaign.campaign, campaign.scheme)


def test_two_lines_are_to_be_edited() -> None:
    assert 2 == TEMPLATE.count("# EDIT ")


def test_the_commented_lines_are_valid_too() -> None:
    """Whoever takes the comment signs away gets a campaign with a resolver."""
    opened = (
        TEMPLATE.replace("#  - name: resolver", "  - name: resolver")
        .replace("#    ", "    ")
        .format(name="x", file="f")
    )

    assert ["proxy", "resolver"] == [
        line.name for line in validate(Document("c", opened), Campaign).lines
    ]


def test_a_file_that_is_there_stays(runner: CliRunner, tmp_path: Path) -> None:
    (tmp_path / "campaign.yaml").write_text("mine")

    ended = runner.invoke(app, ["init", str(tmp_path)])

    assert "exists already" in str(ended.exception)
    assert "mine" == (tmp_path / "campaign.yaml").read_text()
