"""Write an assessment as OSCAL 1.2, for programs of governance and audit."""

from __future__ import annotations

from pathlib import Path

from harness.store.atomic_write import PRIVATE, write_document
from reports.documents import DOCUMENTS, Report
from reports.oscal.assessment import plan_document, results_document


@DOCUMENTS.register("oscal-results")
def write_results(report: Report, path: Path) -> Path:
    """OSCAL 1.2 assessment results as JSON: observations, findings and risks."""
    return write_document(path, results_document(report.assessment, report.follow_ups), PRIVATE)


@DOCUMENTS.register("oscal-plan")
def write_plan(report: Report, path: Path) -> Path:
    """An OSCAL 1.2 assessment plan as JSON: requirements, lines and packs of the campaign."""
    return write_document(path, plan_document(report.assessment), PRIVATE)
