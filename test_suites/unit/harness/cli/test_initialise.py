"""``init`` writes a campaign that works after two edits, and overwrites nothing."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from harness.campaign.assemble import read_campaign
from harness.cli.initialise import TEMPLATE
from harness.cli.main import app
from harness.model.campaign import Campaign
from harness.model.corpus import is_among
from harness.schemes.load import load_scheme
from harness.yaml_reader import Document, validate


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


def test_the_template_covers_what_its_scheme_names() -> None:
    """Every binding requirement about a category has items to be decided by."""
    campaign = validate(Document("c", TEMPLATE.format(name="x", file="f")), Campaign)
    scheme = load_scheme(campaign.scheme)
    chosen = [code for selection in campaign.corpora for code in selection.categories]
    named = {
        code
        for row in scheme.requirements
        if row.binding and row.measure.expectation == "block"
        for code in row.measure.categories
    }

    assert named
    assert {code for code in named if not is_among(code, chosen)} == set()
    for selection in campaign.corpora:
        assert selection.sample is None or selection.sample >= 59, "OVB-01 asks for 59"
