"""Outcomes as a table: a pandas data frame, or CSV (RFC 4180) for spreadsheets."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.model.outcome import Assessment, Outcome
from harness.store.atomic_write import write_document
from harness.untrusted.visible_text import spreadsheet_cell
from reports.phrases import limit_of

if TYPE_CHECKING:
    from pandas import DataFrame


def outcomes_table(assessment: Assessment) -> DataFrame:
    """One row per outcome. Rates are fractions, durations seconds; a missing number is empty."""
    import pandas as pd  # noqa: PLC0415 - heavy, and only needed here

    rows = [_row(assessment, outcome) for outcome in assessment.outcomes]
    columns = [] if rows else ["requirement", "profile", "line", "conformity"]
    return pd.DataFrame(rows, columns=columns or None)


def write_outcomes(assessment: Assessment, path: Path) -> Path:
    """Write the table as CSV in UTF-8, whole or not at all. Raises InstrumentError.

    Texts are escaped so that no spreadsheet runs one as a formula (see
    ``harness.untrusted.visible_text``).
    """
    table = outcomes_table(assessment)
    texts = table.select_dtypes(exclude="number").columns
    table[texts] = table[texts].map(
        lambda cell: spreadsheet_cell(cell) if isinstance(cell, str) else cell
    )
    written = table.to_csv(index=False, lineterminator="\r\n", quoting=csv.QUOTE_NONNUMERIC)
    return write_document(path, written.encode())


def _row(assessment: Assessment, outcome: Outcome) -> dict[str, Any]:
    requirement, metric = outcome.requirement, outcome.metric
    limit = requirement.threshold
    return {
        "campaign": assessment.campaign,
        "scheme": assessment.scheme,
        "scheme_version": assessment.scheme_version,
        "requirement": requirement.id,
        "title": requirement.title,
        "area": requirement.area,
        "severity": requirement.severity,
        "binding": requirement.binding,
        "profile": outcome.profile,
        "line": outcome.line,
        "kind": outcome.kind,
        "metric": metric.name,
        "unit": metric.unit,
        "value": metric.value,
        "k": metric.k,
        "n": metric.n,
        "domains": metric.spread.domains if metric.spread else None,
        "domain_rate": metric.spread.rate if metric.spread else None,
        "indeterminate": metric.indeterminate,
        "lower": metric.lower,
        "upper": metric.upper,
        "alpha": metric.alpha,
        "method": metric.method,
        "threshold": limit_of(limit),
        "direction": _direction(outcome),
        "provenance": limit.provenance if limit else "",
        "source": limit.source if limit else "",
        "conformity": outcome.conformity.value,
        "qualifier": outcome.qualifier,
        "leaning": outcome.leaning,
        "decided_by": outcome.decided_by,
        "reasons": "; ".join(outcome.reasons),
        "items": " ".join(witness.item for witness in outcome.witnesses),
    }


def _direction(outcome: Outcome) -> str:
    limit = outcome.requirement.threshold
    if limit is None or limit_of(limit) is None:
        return ""
    return "at_least" if limit.at_least is not None else "at_most"
