"""One journal assessed against every shipped scheme: every requirement has an outcome."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.campaign.origin_file import write_origin
from harness.cli.conclude import conclude_journal
from harness.cli.main import app
from harness.model.metric import CANNOT_MEASURE, COMPARED
from harness.model.metric_spec import spec_of
from harness.model.outcome import Assessment, Conformity
from harness.ports.network import Origin
from harness.schemes.load import load_scheme, shipped
from test_suites.kit.campaigns.rehearsal import rehearse, write_campaign
from test_suites.kit.rooms import ROOT

BLOCKED = ["PORN", "ADLT", "VIOL", "DISC", "DRUG", "ILL", "copper-meadow.accredit.test"]
TRIED = ["PORN", "ADLT", "VIOL", "DISC", "DRUG", "ILL.CSAM", "GAMB"]


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A campaign over a simulated service that does not block gambling."""
    home = tmp_path_factory.mktemp("every-scheme")
    origin = Origin(
        zone="accredit.test", resolver="127.0.0.1:1", ports={}, authority="a.pem", key=b"k" * 32
    )
    write_origin(origin, home / "origin.json")
    line = {"name": "proxy", "type": "simulated", "options": {"block": BLOCKED}}
    campaign = write_campaign(
        home / "simulated",
        origin=home / "origin.json",
        lines=[line],
        categories=TRIED,
        sample=40,
        control={"type": "simulated"},
    )
    return rehearse(campaign).journal


@cache
def held_against(journal: Path, scheme: str) -> Assessment:
    return conclude_journal(journal, scheme)[0]


@pytest.mark.parametrize("scheme", shipped())
def test_every_requirement_has_an_outcome_or_is_not_applicable(journal: Path, scheme: str) -> None:
    assessment = held_against(journal, scheme)
    told = {outcome.requirement.id for outcome in assessment.outcomes}
    excused = {sentence.partition("[")[0] for sentence in assessment.not_applicable}

    assert {one.id for one in load_scheme(scheme).requirements} == told | excused


@pytest.mark.parametrize("scheme", shipped())
def test_no_requirement_conforms_without_counted_items(journal: Path, scheme: str) -> None:
    for outcome in held_against(journal, scheme).outcomes:
        metric = outcome.metric
        if outcome.conformity is Conformity.CONFORMS:
            assert metric.n >= max(1, outcome.requirement.n_min), outcome.id
            assert metric.lower is not None
            assert metric.upper is not None
        measured = outcome.requirement.measure.metric
        if not spec_of(measured).is_implemented:
            assert outcome.conformity is Conformity.INSUFFICIENT
            assert outcome.reasons[0] in (CANNOT_MEASURE, COMPARED)
        assert outcome.decided_by


@pytest.mark.parametrize("scheme", shipped())
def test_conclude_json_contains_metric_rule_threshold_and_outcome(
    journal: Path, scheme: str
) -> None:
    ended = CliRunner().invoke(app, ["conclude", str(journal), "--scheme", scheme, "--json"])

    assert ended.exit_code in {0, 1, 3}, ended.output
    for outcome in json.loads(ended.stdout)["outcomes"]:
        assert {"value", "k", "n", "lower", "upper", "method"} <= outcome["metric"].keys()
        assert outcome["conformity"]
        assert outcome["requirement"]["rule"]
        threshold = outcome["requirement"]["threshold"]
        assert threshold is None or threshold["provenance"] in {"seen", "reported", "proposed"}


def test_an_unblocked_category_fails_the_requirements_that_name_it(journal: Path) -> None:
    by_id = {one.requirement.id: one for one in held_against(journal, "uksic-2024").outcomes}

    assert by_id["URL-06"].conformity is Conformity.DOES_NOT_CONFORM
    assert "GAMB" in by_id["URL-06"].metric.method
    assert by_id["POL-03"].conformity is Conformity.DOES_NOT_CONFORM
    assert by_id["URL-04"].conformity is Conformity.CONFORMS


def test_the_example_scheme_of_the_documentation_loads(tmp_path: Path) -> None:
    page = (ROOT / "docs/reference/schemes.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    path = tmp_path / "our-school.yaml"
    path.write_text(example)

    scheme = load_scheme(str(path))

    assert scheme.requirements[-1].id == "OVB-03"
    assert "PRF-03" not in {one.id for one in scheme.requirements}
