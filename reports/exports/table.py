"""Outcomes as a table: a pandas data frame, CSV (RFC 4180) or XLSX (ISO/IEC 29500).

Only CSV needs no extra.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import UsageError, require_library
from harness.model.outcome import Assessment, Outcome
from harness.store.atomic_write import PRIVATE, write_document
from harness.untrusted.visible_text import spreadsheet_cell
from reports.phrases import direction, limit_of

if TYPE_CHECKING:
    from pandas import DataFrame


def outcomes_table(assessment: Assessment) -> DataFrame:
    """One row per outcome. Rates are fractions, durations seconds; a missing number is empty."""
    import pandas as pd  # noqa: PLC0415 - heavy, and only needed here

    rows = _rows(assessment)
    return pd.DataFrame(rows, columns=None if rows else NO_ROWS)


NO_ROWS = ["requirement", "profile", "line", "conformity"]
"""The columns of a table without a row."""


def _rows(assessment: Assessment) -> list[dict[str, Any]]:
    return [_row(assessment, outcome) for outcome in assessment.outcomes]


def require_table_format(path: Path) -> None:
    """Raise UsageError if a table cannot be written in the format that the file's name asks for.

    So too if the format's library is not installed.
    """
    if path.suffix.lower() not in WRITERS:
        formats = " or ".join(WRITERS)
        msg = f"{path}: the format of the table is not known; give a name that ends in {formats}"
        raise UsageError(msg)
    if path.suffix.lower() == ".xlsx":
        for library in ("pandas", "openpyxl"):
            require_library(library, f"{path}: a table in this format")


def write_outcomes(assessment: Assessment, path: Path) -> Path:
    """Write the table as CSV in UTF-8 or as XLSX, by the name's ending, whole or not at all.

    Texts are escaped so that no spreadsheet runs one as a formula (see
    ``harness.untrusted.visible_text``). Raises UsageError, InstrumentError.
    """
    require_table_format(path)
    return write_document(path, WRITERS[path.suffix.lower()](assessment), PRIVATE)


def _csv(assessment: Assessment) -> bytes:
    """The table as pandas writes it: in a column with a gap or a fraction, all are fractions."""
    rows, text = _rows(assessment), io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(rows[0] if rows else NO_ROWS)
    columns = [_column([row[name] for row in rows]) for name in rows[0]] if rows else []
    writer.writerows(zip(*columns, strict=True))
    return text.getvalue().encode()


def _column(cells: list[Any]) -> list[Any]:
    numbers = [cell for cell in cells if cell is not None]
    if {type(cell) for cell in numbers} <= {int, float} and numbers:
        is_whole = len(numbers) == len(cells) and all(isinstance(cell, int) for cell in numbers)
        return cells if is_whole else ["" if cell is None else float(cell) for cell in cells]
    return [
        "" if cell is None else spreadsheet_cell(cell) if isinstance(cell, str) else cell
        for cell in cells
    ]


def _xlsx(assessment: Assessment) -> bytes:
    """A workbook of one sheet; texts are texts, also those that begin like a formula or a link."""
    import pandas as pd  # noqa: PLC0415 - as above

    table, file = outcomes_table(assessment), io.BytesIO()
    texts = table.select_dtypes(exclude="number").columns
    table[texts] = table[texts].map(
        lambda cell: spreadsheet_cell(cell) if isinstance(cell, str) else cell
    )
    with pd.ExcelWriter(file, engine="openpyxl") as writer:
        table.map(_cut).to_excel(writer, sheet_name="outcomes", index=False, freeze_panes=(1, 0))
    return file.getvalue()


def _cut(cell: Any) -> Any:
    if not isinstance(cell, str) or len(cell) <= LONGEST_CELL:
        return cell
    return f"{cell[: LONGEST_CELL - 1]}…"


LONGEST_CELL = 32_767
"""The most characters that a cell of a workbook can hold; CSV has no such limit."""

WRITERS: dict[str, Callable[[Assessment], bytes]] = {".csv": _csv, ".xlsx": _xlsx}
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
