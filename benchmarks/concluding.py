"""The two ways of concluding that are compared, each in its own process."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pandas as pd

from benchmarks.made_journal import CATEGORIES, PROBES
from harness.model.scheme import Scheme
from harness.model.verdict import State
from harness.pipeline import conclude
from harness.schemes.load import load_scheme
from harness.store.journal.journal import open_journal
from harness.store.private_folder import LENGTH
from harness.verdicts.cache_seal import KEPT
from harness.verdicts.cached_verdicts import VerdictCache
from harness.verdicts.count_outcomes import STATES

MARK = {"provenance": "proposed", "source": "benchmark"}


async def concluded(folder: str, journal: str) -> AsyncIterator[dict[str, Any]]:
    """Assess a journal; its observations are judged first, unless verdicts are kept."""
    scheme = made_scheme()
    yield {}
    cache = VerdictCache(Path(folder), b"k" * LENGTH)
    assessment = conclude(open_journal(Path(journal)), scheme, verdicts=cache)
    met = [outcome.metric for outcome in assessment.outcomes]
    yield {
        "observations": assessment.observations,
        "trials": sum(each.n for each in met if each.name != "first_byte_overhead"),
        "metrics": {outcome.id: outcome.metric.value for outcome in assessment.outcomes},
        "witnesses": sum(len(outcome.witnesses) for outcome in assessment.outcomes),
    }


async def asked(folder: str) -> AsyncIterator[dict[str, Any]]:
    """Compute the same rates and quantiles from the same verdicts with DuckDB alone."""
    kept, verdicts = _kept(Path(folder))
    blocked = STATES.index(State.BLOCKED)
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("CREATE TABLE fates (fate INTEGER, category VARCHAR)")
        named = [[one["number"], one["category"]] for one in kept["fates"]]
        connection.executemany("INSERT INTO fates VALUES (?, ?)", named)
        connection.execute("CREATE TABLE places (place INTEGER, probe VARCHAR)")
        places = [[number, one[2]] for number, one in enumerate(kept["probes"])]
        connection.executemany("INSERT INTO places VALUES (?, ?)", places)
        connection.register("verdicts", verdicts)
        yield {}
        found = connection.execute(
            f"""SELECT category, probe, count(*) AS trials, avg((state = {blocked})::INT) AS rate,
                quantile_disc(service - control, 0.95) AS overhead
            FROM verdicts JOIN fates USING (fate) JOIN places USING (place)
            GROUP BY category, probe ORDER BY category, probe"""
        ).fetchall()
        yield {"trials": sum(row[2] for row in found), "rows": [list(row) for row in found]}


def _kept(folder: Path) -> tuple[dict[str, Any], pd.DataFrame]:
    """Return the stored counts and the verdicts."""
    with closing(sqlite3.connect(next(folder.glob("*.sqlite")))) as connection:
        columns = ("fate", "place", "state", "service", "control")
        question = f"SELECT {', '.join(columns)} FROM verdicts"
        verdicts = pd.DataFrame(connection.execute(question), columns=columns)
    return msgspec.json.decode((folder / KEPT).read_bytes())["kept"]["counts"], verdicts


def made_scheme() -> Scheme:
    """A rate (of blocks, or of over-blocking) and a quantile for each category and probe."""
    wanted = [(code, probe) for code in CATEGORIES for probe in PROBES]
    requirements = [
        {
            "id": f"{kind}-{number:02d}",
            "title": f"{code} by {probe}",
            "area": "url",
            "severity": "Maj",
            "rule": "quantile" if kind == "PRF" else "guarded",
            "measure": measure | {"categories": (code,), "probes": (probe,)},
            "threshold": threshold | MARK,
        }
        for number, (code, probe) in enumerate(wanted)
        for kind, measure, threshold in (
            ("OVB", {"metric": "overblock_rate"}, {"at_most": 0.05})
            if code.startswith("ALW")
            else ("URL", {"metric": "block_rate"}, {"at_least": 0.9}),
            ("PRF", {"metric": "first_byte_overhead", "quantile": 0.95}, {"at_most": 0.2}),
        )
    ]
    policy = load_scheme("becta-2008").policy
    return Scheme.model_validate(
        {
            "id": "bench",
            "version": "1",
            "title": "t",
            "policy": policy.model_dump(),
            "requirements": tuple(requirements),
        }
    )
