"""Assessment plan and results are valid, say what was found, and call nothing satisfied unshown."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from harness.model.action_plan import FollowUp
from harness.model.outcome import Assessment, Conformity
from reports.documents import DOCUMENTS, Report
from reports.oscal.assessment import plan_document, results_document
from reports.oscal.pieces import id_of_risk
from test_suites.kit.campaigns.example import example_assessment, example_finding, example_outcome
from test_suites.unit.reports.oscal.oscal_schema import faults

TEXTS = st.text(st.characters(codec="utf-8"), max_size=60)


def results(assessment: Assessment, *followed: FollowUp) -> Any:
    document = json.loads(results_document(assessment, followed))
    assert faults(document) == []
    return document["assessment-results"]


def test_each_outcome_is_an_observation_and_a_finding() -> None:
    assessment = example_assessment()

    (result,) = results(assessment)["results"]

    assert len(result["observations"]) == len(assessment.outcomes) == len(result["findings"])
    found = {each["title"]: each["target"]["status"] for each in result["findings"]}
    for outcome in assessment.outcomes:
        status = found[outcome.id.replace("[", "\\[").replace("]", "\\]").replace("_", "\\_")]
        assert (status["state"] == "satisfied") == assessment.is_granted(outcome)
    observations = {each["uuid"] for each in result["observations"]}
    risks = {each["uuid"] for each in result["risks"]}
    for each in result["findings"]:
        assert {one["observation-uuid"] for one in each["related-observations"]} <= observations
        assert {one["risk-uuid"] for one in each.get("related-risks", ())} <= risks
    failing = [one for one in assessment.outcomes if one.conformity is Conformity.DOES_NOT_CONFORM]
    assert len(result["risks"]) == len(failing)


def test_what_is_insufficient_or_limited_is_not_satisfied() -> None:
    outcomes = (
        example_outcome(Conformity.INSUFFICIENT),
        example_outcome(code="URL-02", qualifier="agreed list only"),
        example_outcome(code="URL-03"),
    )
    assessment = replace(example_assessment(), outcomes=outcomes, items="real")

    (result,) = results(assessment)["results"]

    said = [
        (each["target"]["status"]["state"], each["target"]["status"]["reason"])
        for each in result["findings"]
    ]
    assert said == [("not-satisfied", "other"), ("not-satisfied", "other"), ("satisfied", "pass")]
    assert "risks" not in result


def test_the_schema_refuses_what_is_not_oscal() -> None:
    document = json.loads(results_document(example_assessment(), ()))
    assert faults({**document, "more": 1})
    result = document["assessment-results"]["results"][0]
    result["start"] = "yesterday"
    assert faults(document)
    result["start"] = result["end"]
    assert faults(document) == []
    result["findings"][0]["target"]["status"]["state"] = "maybe"
    assert faults(document)


def test_items_are_not_named() -> None:
    text = results_document(example_assessment(), ()).decode()

    assert "canary.accredit.test" not in text
    assert "canary/DRUG" not in text


def test_a_risk_has_the_same_id_as_in_the_poam() -> None:
    assessment = replace(
        example_assessment(), outcomes=(example_outcome(Conformity.DOES_NOT_CONFORM),)
    )
    finding = replace(example_finding(), requirement="URL-01", profile="ks2", line="proxy")

    (result,) = results(assessment, FollowUp(finding=finding))["results"]

    ours = id_of_risk(assessment.supplier, assessment.service, finding.id)
    assert [each["uuid"] for each in result["risks"]] == [ours]


def test_the_plan_names_requirements_and_the_results_refer_to_it() -> None:
    assessment = example_assessment()

    document = json.loads(plan_document(assessment))

    assert faults(document) == []
    plan = document["assessment-plan"]
    (named,) = plan["reviewed-controls"]["control-selections"]
    ids = {each["control-id"] for each in named["include-controls"]}
    assert ids == {each.requirement.id for each in assessment.outcomes}
    (resource,) = results(assessment)["back-matter"]["resources"]
    assert resource["document-ids"] == [{"identifier": f"urn:uuid:{plan['uuid']}"}]


def test_an_assessment_of_nothing_is_valid() -> None:
    nothing = replace(
        example_assessment(), outcomes=(), lines=(), corpora=(), supplier="", title=""
    )

    assert faults(json.loads(plan_document(nothing))) == []
    assert "findings" not in results(nothing)["results"][0]


@given(title=TEXTS, service=TEXTS, supplier=TEXTS, campaign=TEXTS, line=TEXTS, profile=TEXTS)
def test_any_text_gives_valid_documents(
    title: str, service: str, supplier: str, campaign: str, line: str, profile: str
) -> None:
    failed = example_outcome(Conformity.DOES_NOT_CONFORM, line=line, profile=profile)
    one = replace(
        example_assessment(), title=title, service=service, supplier=supplier, campaign=campaign,
        outcomes=(failed,),
    )  # fmt: skip

    assert faults(json.loads(plan_document(one))) == []
    results(one)


def test_both_are_documents_of_reports_and_the_same_each_time(tmp_path: Path) -> None:
    report = Report(assessment=example_assessment())
    for name in ("oscal-plan", "oscal-results"):
        paths = [DOCUMENTS.find(name)(report, tmp_path / f"{name}-{n}.json") for n in range(2)]
        first, second = (path.read_bytes() for path in paths)
        assert first == second
        assert json.loads(first)
