"""Who judged what, when and from which documents: on a terminal, in HTML and in OSCAL."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import UTC, datetime

from msgspec import structs
from rich.console import Console

from harness.model.outcome import Assessment
from harness.model.people_answer import (
    DeclaredConformity,
    DeclaredDifference,
    SupplierDeclaration,
)
from reports.documents import Report, html
from reports.oscal.assessment import results_document
from reports.terminal import render_assessment
from test_suites.kit.campaigns.example import (
    example_assessment,
    example_metric,
    example_outcome,
    example_people,
)
from test_suites.unit.reports.oscal.oscal_schema import faults

HOSTILE = "</td><script>alert(1)</script>\x1b[31m"


def assessed(name: str = "Head of IT") -> Assessment:
    """An assessment with one outcome on two lines that people judged, and a self-certification."""
    metric = replace(example_metric(), name="rationale_published")
    stated = (
        "'What it cannot do' is as required: yes (present)",
        "'How it decides' is as required: no",
    )
    people = structs.replace(example_people(name), stated=stated)
    outcome = example_outcome(code="SUP-01", metric=metric, people=people)
    differences = (
        DeclaredDifference(
            requirement="URL-01", says="it is met", measured="it could not be decided",
            where=("URL-01[a-b]",), is_decided=False,
        ),
        DeclaredDifference(
            requirement="URL-02", says="it is met", measured="it is not met",
            where=tuple(f"URL-02[{line}]" for line in "abcd"), is_decided=True,
        ),
    )  # fmt: skip
    declaration = SupplierDeclaration(
        supplier="Acme", signed=datetime(2026, 1, 2, tzinfo=UTC), sha256="cd" * 32, claims={}
    )
    return example_assessment(
        outcomes=(outcome, replace(outcome, line="dns"), example_outcome()),
        declared=DeclaredConformity(declaration=declaration, differences=differences),
    )


def printed(assessment: Assessment) -> str:
    console = Console(file=io.StringIO(), width=400)
    render_assessment(assessment, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_terminal_names_reviewers_documents_and_the_expiry_once() -> None:
    text = printed(assessed())

    assert 1 == text.count(
        "SUP-01: stated by Head of IT (2026-11-27, identities by name only): Head of IT read it "
        "and Head of IT 2 (2026-11-28, answered anew, identities by name only); Head of IT.pdf (SHA-256 abababababababab), a page (only "
        "shown); counts until 2027-11-27"
    )


def test_differences_of_a_self_certification_are_named_contradictions_first() -> None:
    text = printed(assessed())

    assert "Acme certified its own service on 2026-01-02" in text
    assert "2 differences. The self-certification changes no outcome." in text
    first = text.index("URL-02: the supplier says that it is met; measured: it is not met")
    assert first < text.index("URL-01: the supplier says that it is met; measured: it could not")
    assert "(URL-02[a], URL-02[b], URL-02[c] and more)" in text


def test_the_page_shows_the_same_and_escapes_it() -> None:
    page = html.render(Report(assessment=assessed(HOSTILE)))

    assert "What people stated" in page
    assert "What the supplier certifies itself" in page
    assert "How it decides&#39; is as required: no" in page
    assert "What it cannot do&#39; is as required: yes (present)" in page
    assert "examined, interviewed" in page
    assert "<script>alert" not in page
    assert "\x1b" not in page


def test_a_report_without_people_has_no_such_parts() -> None:
    page = html.render(Report(assessment=example_assessment()))

    assert "What people stated" not in page
    assert "certifies itself" not in page


def test_oscal_names_the_methods_and_the_expiry_but_no_reviewer() -> None:
    text = results_document(assessed("Zacharias"), ())
    document = json.loads(text)
    assert faults(document) == []
    (result,) = document["assessment-results"]["results"]
    by_people, _, measured = result["observations"]

    assert by_people["methods"] == ["EXAMINE", "INTERVIEW"]
    assert by_people["expires"] == "2027-11-28T00:00:00Z"
    assert measured["methods"] == ["TEST"]
    assert "expires" not in measured
    assert b"Zacharias" not in text


def test_a_measured_outcome_with_a_condition_of_people_was_tested_as_well() -> None:
    outcome = example_outcome(code="LOG-05", people=example_people())
    document = json.loads(results_document(example_assessment(outcomes=(outcome,)), ()))
    (observation,) = document["assessment-results"]["results"][0]["observations"]

    assert observation["methods"] == ["TEST", "EXAMINE", "INTERVIEW"]
