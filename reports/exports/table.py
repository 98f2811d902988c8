"""Outcomes as a table: a pandas data frame, CSV (RFC 4180) or XLSX (ISO/IEC 29500)."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import UsageError
from harness.model.outcome import Assessment, Outcome
from harness.store.atomic_write import PRIVATE, write_document
from harness.untrusted.visible_text import spreadsheet_cell
from reports.phrases import direction, limit_of

if TYPE_CHECKING:
    from pandas import DataFrame


def outcomes_table(assessment: Assessment) -> DataFrame:
    """One row per outcome. Rates are fractions, durations seconds; a missing number is empty."""
    import pandas as pd  # noqa: PLC0415 - heavy, and only needed here

    rows = [_row(assessment, outcome) for outcome in assessment.outcomes]
    columns = [] if rows else ["requirement", "profile", "line", "conformity"]
    return pd.DataFrame(rows, columns=columns or None)


def require_table_format(path: Path) -> None:
    """Raise UsageError if a table cannot be written in the format that the file's name asks for.

    Raises ModuleNotFoundError if the format's library is not installed.
    """
    if path.suffix.lower() not in WRITERS:
        formats = " or ".join(WRITERS)
        msg = f"{path}: the format of the table is not known; give a name that ends in {formats}"
        raise UsageError(msg)
    if path.suffix.lower() == ".xlsx":
        import_module("openpyxl")  # pandas would fail only after everything is concluded


def write_outcomes(assessment: Assessment, path: Path) -> Path:
    """Write the table as CSV in UTF-8 or as XLSX, by the name's ending, whole or not at all.

    Texts are escaped so that no spreadsheet runs one as a formula (see
    ``harness.untrusted.visible_text``). Raises UsageError, InstrumentError.
    """
    require_table_format(path)
    table = outcomes_table(assessment)
    texts = table.select_dtypes(exclude="number").columns
    table[texts] = table[texts].map(
        lambda cell: spreadsheet_cell(cell) if isinstance(cell, str) else cell
    )
    return write_document(path, WRITERS[path.suffix.lower()](table), PRIVATE)


def _csv(table: DataFrame) -> bytes:
    text = table.to_csv(index=False, lineterminator="\r\n", quoting=csv.QUOTE_NONNUMERIC)
    return text.encode()


def _xlsx(table: DataFrame) -> bytes:
    """A workbook of one sheet; texts are texts, also those that begin like a formula or a link."""
    import pandas as pd  # noqa: PLC0415 - as above

    file = io.BytesIO()
    with pd.ExcelWriter(file, engine="openpyxl") as writer:
        table.map(_cut).to_excel(writer, sheet_name="outcomes", index=False, freeze_panes=(1, 0))
    return file.getvalue()


def _cut(cell: Any) -> Any:
    if not isinstance(cell, str) or len(cell) <= LONGEST_CELL:
        return cell
    return f"{cell[: LONGEST_CELL - 1]}…"


LONGEST_CELL = 32_767
"""The most characters that a cell of a workbook can hold; CSV has no such limit."""

WRITERS: dict[str, Callable[[DataFrame], bytes]] = {".csv": _csv, ".xlsx": _xlsx}
"""What writes a table, by the ending of the file's name."""


def _row(assessment: Assessment, outcome: Outcome) -> dict[str, Any]:
    requirement, metric = outcome.requirement, outcome.metric
    limit = requirement.threshold
    return {
        "campaign": assessment.campaign,
        "limited_to": assessment.limit,
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
        "counted_kind": outcome.counted_kind,
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
        "direction": direction(limit),
        "provenance": limit.provenance if limit else "",
        "source": limit.source if limit else "",
        "conformity": outcome.conformity.value,
        "qualifier": outcome.qualifier,
        "leaning": outcome.leaning,
        "decided_by": outcome.decided_by,
        "reasons": "; ".join(outcome.reasons),
        "items": " ".join(witness.item for witness in outcome.witnesses),
    }
