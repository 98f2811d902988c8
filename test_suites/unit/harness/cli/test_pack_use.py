"""A pack is retired when as many campaigns as its manifest allows have used the same bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from corpora.pack_reader import open_pack
from harness.cli.compose import campaigns_using, refuse_retired
from harness.cli.corpus import app
from harness.cli.measure import measure_campaign
from harness.errors import UsageError
from harness.model.corpus import CorpusReference
from harness.store.journal.header import write_header


def reference(limit: int | None, sha256: str = "ab") -> CorpusReference:
    return CorpusReference(name="pack", version="1.0.0", sha256=sha256, use_limit=limit)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    for name in ("one", "two"):
        header = {"corpora": ["pack 1.0.0 ab", "canary 1.0.0 cd"]}
        write_header(tmp_path / name / "journal", header)
    write_header(tmp_path / "old" / "journal", {"corpora": ["pack 0.9.0 ab"]})
    return tmp_path


def test_campaigns_with_the_same_bytes_are_uses(out: Path) -> None:
    assert campaigns_using(reference(None), out) == ("one", "two")
    assert campaigns_using(reference(None, "ef"), out) == ()


def test_a_retired_pack_is_refused_with_those_who_used_it(out: Path) -> None:
    with pytest.raises(
        UsageError, match="retired: its use limit is 2, and it was used by one, two"
    ):
        refuse_retired([reference(2)], "three", out)


@pytest.mark.parametrize(("limit", "campaign"), [(3, "three"), (None, "three"), (2, "two")])
def test_a_campaign_that_has_begun_goes_on(limit: int | None, campaign: str, out: Path) -> None:
    refuse_retired([reference(limit)], campaign, out)


def test_a_sample_with_a_limit_serves_so_many_campaigns(
    runner: CliRunner, simulated: Any, tmp_path: Path
) -> None:
    sample, out = tmp_path / "sample", tmp_path / "out"
    words = ["sample", "canary", "--size", "1", "--seed", "s", "--category", "GAMB"]
    runner.invoke(app, [*words, "--use-limit", "1", "--out", str(sample)])
    campaigns = [simulated(name, 2) for name in ("one", "two")]
    rest = f"corpora: [{{pack: '{sample}'}}]\norigin: '{tmp_path}/origin.json'\n"
    for path in campaigns:
        kept = path.read_text().split("corpora:")[0]
        path.write_text(f"{kept}{rest}control: {{type: simulated}}\n")

    measure_campaign(campaigns[0], out)
    measure_campaign(campaigns[0], out)
    with pytest.raises(UsageError, match="is retired"):
        measure_campaign(campaigns[1], out)

    assert open_pack(str(sample)).reference.use_limit == 1
