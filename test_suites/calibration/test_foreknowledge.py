"""A service that only filters the public list is reported as tuned to known items."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from corpora.pack_writer import PackDetails, write_pack
from harness.cli.conclude import conclude_journal
from harness.cli.measure import measure_campaign
from harness.model.corpus import Audience
from harness.model.outcome import Assessment
from reports.documents import Report
from reports.documents.html import render
from reports.terminal import render_assessment

PUBLIC, SEALED = range(1, 41), range(41, 81)
CAMPAIGN = """\
campaign: tuned
service: {{name: a simulated service}}
scheme: becta-2008
control: {{type: simulated}}
lines:
  - {{name: proxy, type: simulated, options: {{block: [{blocked}]}}}}
profiles: {{ks2: {{}}}}
plain_twins: {{number: 0}}
corpora: [{{pack: ./open}}, {{pack: ./secret}}]
"""


def host(number: int) -> str:
    return f"gamb-{number:03}.canary.accredit.test"


def write(folder: Path, name: str, numbers: range, audience: Audience) -> None:
    details = PackDetails(
        name=name,
        version="1.0.0",
        title=name,
        created="2026-11-24T00:00:00Z",
        audience=audience,
        design="stratified",
        kind="real",
    )
    kind = {"kind": "host", "labels": "GAMB"}
    rows = [{"id": f"{name}-{n}", "value": host(n), "registrable": host(n)} | kind for n in numbers]
    write_pack(folder / name, rows, details)


def conclude(folder: Path, *blocked: str) -> Assessment:
    """Measure and conclude a campaign over both packs, by the functions of the commands."""
    write(folder, "open", PUBLIC, "public")
    write(folder, "secret", SEALED, "sealed")
    names = ", ".join((*blocked, "copper-meadow.accredit.test"))
    (folder / "campaign.yaml").write_text(CAMPAIGN.format(blocked=names))
    journal = measure_campaign(folder / "campaign.yaml", folder / "out")
    assessment, _ = conclude_journal(journal)
    return assessment


@pytest.mark.parametrize(
    ("blocked", "hidden", "says"),
    [
        ([host(n) for n in PUBLIC], 0, "tuned to the known list"),
        (["GAMB"], 40, "no difference shown"),
        ([host(n) for n in (*PUBLIC[3:], *SEALED[4:])], 36, "no difference shown"),
    ],
)
def test_a_service_tuned_to_known_items_is_reported(
    tmp_path: Path, blocked: list[str], hidden: int, says: str
) -> None:
    assessment = conclude(tmp_path, *blocked)

    (found,) = assessment.foreknowledge
    assert (found.group, found.known_n, found.hidden_n) == ("GAMB", 40, 40)
    assert found.hidden_right == hidden
    assert found.conclusion.startswith(says)
    rates = {rate.pack: rate.right for rate in assessment.packs}
    assert rates == {"open": found.known_right, "secret": hidden}
    console = Console(file=io.StringIO(), width=200)
    render_assessment(assessment, console)
    assert says in console.file.getvalue()  # type: ignore[attr-defined]
    assert says in render(Report(assessment=assessment))
