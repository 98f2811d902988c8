"""The API for whole tables: CSV, JSON lines or Parquet, sent in little memory."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec
from fastapi import APIRouter, Depends
from fastapi.responses import FileResponse, Response, StreamingResponse
from pydantic import BaseModel
from starlette.background import BackgroundTask

from harness.model.hub_access import Viewer
from harness.store.hub.export_rows import Wanted, key_of, read_table
from harness.store.hub.repository import Repository
from harness.store.parquet import TIME, TYPES, write_parquet
from reports.dashboard.access import AnyViewer, require
from reports.dashboard.api.answers import CampaignAnswer, ItemAnswer, OutcomeAnswer
from reports.dashboard.api.listing import PREFIX, REFUSALS, Name, When, in_utc, name
from reports.dashboard.api.results import READS, item_answer
from reports.dashboard.csv_answers import csv_answer
from reports.dashboard.rate_limit import RateLimit

AT_ONCE = 1000
"""How many rows are read in one transaction."""

Form = Literal["csv", "jsonl", "parquet"]
TableName = Literal["campaigns", "outcomes", "items"]
MODELS: dict[str, type[BaseModel]] = {
    "campaigns": CampaignAnswer,
    "outcomes": OutcomeAnswer,
    "items": ItemAnswer,
}
KINDS = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
}


def export_routes(repository: Repository, limit_rate: RateLimit) -> APIRouter:
    """The routes of whole tables."""
    router = APIRouter(
        prefix=PREFIX, tags=["exports"], responses=REFUSALS, dependencies=[Depends(limit_rate)]
    )
    contents: dict[str, Any] = {kind: {} for kind in KINDS.values()}

    @router.get(
        "/exports/{table}.{form}", response_class=Response, responses={200: {"content": contents}}
    )
    def export(
        viewer: AnyViewer, table: TableName, form: Form, service: Name = "", since: When = None,
        until: When = None,
    ) -> Response:  # fmt: skip
        """All rows of a table that you may see."""
        require(viewer, *READS[table])
        wanted = Wanted(service=name(service), since=in_utc(since), until=in_utc(until))
        rows = _rows(repository, viewer, table, wanted)
        columns = tuple(MODELS[table].model_fields)
        if form == "csv":
            return csv_answer(table, columns, ([row[each] for each in columns] for row in rows))
        headers = {"Content-Disposition": f'attachment; filename="{table}.{form}"'}
        if form == "jsonl":
            lines = (msgspec.json.encode(row) + b"\n" for row in rows)
            return StreamingResponse(lines, 200, headers, KINDS[form])
        return _parquet(rows, table, headers)

    return router


def _rows(
    repository: Repository, viewer: Viewer, table: str, wanted: Wanted
) -> Iterator[dict[str, Any]]:
    """All rows, a thousand at a time, each thousand in a transaction of its own."""
    after = None
    while True:
        with repository.reading(viewer) as reading:
            rows = read_table(reading, table, wanted, after, AT_ONCE)
        for row in rows:
            made = (
                item_answer(row, viewer) if table == "items" else MODELS[table].model_validate(row)
            )
            yield made.model_dump()
        if len(rows) < AT_ONCE:
            return
        after = key_of(table, rows[-1])


def _parquet(rows: Iterator[dict[str, Any]], table: str, headers: dict[str, str]) -> Response:
    """A Parquet file, which is removed once it was sent."""
    folder = tempfile.TemporaryDirectory(prefix="accredit-export-")
    target = Path(folder.name) / f"{table}.parquet"
    try:
        write_parquet(rows, _types(table), target)
    except BaseException:
        folder.cleanup()
        raise
    done = BackgroundTask(folder.cleanup)
    return FileResponse(target, 200, headers, KINDS["parquet"], background=done)


def _types(table: str) -> list[tuple[str, str]]:
    """The columns of a table with DuckDB's types."""
    found = []
    for column, field in MODELS[table].model_fields.items():
        kinds = [
            each for each in get_args(field.annotation) or (field.annotation,) if each in TYPES
        ]
        found.append((column, TYPES[kinds[0]] if kinds else TIME))
    return found
