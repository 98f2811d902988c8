"""A journal of any size in the journal's own form, made by DuckDB from a few real observations.

Ten categories of a hundred; nine must be blocked, and the service blocks 98 in 100 of them with
a page that names the host; of the tenth it blocks 2. Each item is tried over HTTP and HTTPS, on
the service and the control; two items share a domain. Sentinels bracket every batch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import duckdb
import msgspec

from harness.model.campaign import Campaign
from harness.model.corpus import Item
from harness.model.facts import WebFacts
from harness.model.observation import CONTROL, AttemptKey, Observation, Timings
from harness.store.journal.hash_chains import append_line, chained
from harness.store.journal.header import HEADER, write_header
from harness.store.journal.journal_state import SealedSegment, scan_folder, write_head
from harness.store.journal.jsonl_segment import encode_batch
from harness.store.journal.sealed_segment import SUFFIX, digest_of_file, write_sealed
from harness.store.parquet import read_parquet

CATEGORIES = ("PORN", "GAMB", "DRUG", "VIOL", "DISC", "CRIM", "SELF", "WEAP", "HATE", "ALW.EDU")
PROBES = ("web", "web_https")
ITEMS, SENTINELS, BATCHES = 498, 8, 100
ROWS = 2 * ITEMS + SENTINELS
"""Of a batch; a segment has ``BATCHES`` of them."""

_ITEM, _HOST, _CODE, _PROBE, _BATCH = "@item@", "@host@", "@code@", "@probe@", 987654321
_SERVICE = 0.987654321
_MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


def make_journal(folder: Path, observations: int) -> int:
    """Write at least so many observations, in whole segments; gives their number."""
    campaign = Campaign.model_validate(
        {
            "campaign": "bench",
            "service": {"name": "a made service"},
            "lines": ({"name": "filtered", "type": "explicit_proxy", "probes": PROBES},),
            "profiles": {"ks2": {}},
            "corpora": ({"pack": "made"},),
        }
    )
    corpora = ["made 1.0.0 0"]
    write_header(folder, {"campaign": campaign.model_dump_json(), "corpora": corpora})
    start = previous = hashlib.sha256((folder / HEADER).read_bytes()).hexdigest()
    segments = -(-observations // (ROWS * BATCHES))
    for number in range(segments):
        path = folder / f"segment-{number + 1:06d}{SUFFIX}"
        records = write_sealed(_opened(number * BATCHES, folder), path)
        batches = tuple(range(number * BATCHES + 1, (number + 1) * BATCHES + 1))
        line = chained(
            SealedSegment(
                name=path.name,
                rows=ROWS * BATCHES,
                batches=batches,
                sha256=digest_of_file(path),
                records_sha256=records,
                previous=previous,
            )
        )
        append_line(folder / "manifest.jsonl", line)
        previous = line.hash
    (folder / "rows.jsonl").unlink()
    write_head(folder, scan_folder(folder, start).head)
    return segments * ROWS * BATCHES


def _opened(first: int, folder: Path) -> Path:
    """Write an open segment of batches from number ``first``."""
    table, path = folder / "rows.parquet", folder / "rows.jsonl"
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute(_segment(first, table))
    rows = read_parquet(table, ("batch", "record"))
    with path.open("wb") as file:
        for batch, members in groupby(rows, key=itemgetter(0)):
            file.write(encode_batch(batch, [msgspec.Raw(line.encode()) for _, line in members]))
    table.unlink()
    return path


def _segment(first: int, path: Path) -> str:
    """Row after row: batch ``b``, place ``p`` in it, item ``k`` of the whole journal."""
    codes = ", ".join(f"'{code}'" for code in CATEGORIES)
    block = f"((b // {len(PROBES)}) * {ITEMS} + (p - {SENTINELS // 2}) // 2)"
    edge = f"p < {SENTINELS // 2} OR p >= {ROWS - SENTINELS // 2}"
    return f"""COPY (
        SELECT 'bench' AS campaign, item, probe, line, 'ks2' AS profile, 1 AS round,
            CAST(b + 1 AS INTEGER) AS batch, role, code AS category, {_record()} AS record
        FROM (SELECT *,
            CASE WHEN role = 'must_allow' THEN 'sentinel-allow.canary.test'
                WHEN role = 'must_block' THEN 'sentinel-block.canary.test'
                ELSE 'site-' || (k // 2) || '.canary.test' END AS host,
            CASE WHEN role = 'item' THEN 'item-' || k
                ELSE role || '@' || (b + 1) || IF(p < {SENTINELS // 2}, '.before', '.after')
                END AS item,
            CASE WHEN role = 'must_block' THEN true WHEN role = 'must_allow' THEN false
                WHEN code = 'ALW.EDU' THEN hash(k) % 100 < 2 ELSE hash(k) % 100 >= 2 END AS blocked
        FROM (SELECT b, p, k, [{codes}][CAST(abs(k) % 10 AS INTEGER) + 1] AS code,
            CASE WHEN NOT ({edge}) THEN 'item' WHEN p % 4 < 2 THEN 'must_allow'
                ELSE 'must_block' END AS role,
            IF(p % 2 = 0, 'filtered', '{CONTROL}') AS line,
            ['web', 'web_https'][CAST(b % 2 AS INTEGER) + 1] AS probe,
            printf('%.6f', 0.1 + (hash(b * {ROWS} + p) % 100000) / 1e6) AS seconds
        FROM (SELECT b, p, {block} AS k
            FROM range({first}, {first + BATCHES}) one(b), range({ROWS}) other(p))))
        ORDER BY b, p)
        TO '{path}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 20000)"""


def _record() -> str:
    """SQL that puts an observation's line together."""
    parts = {
        name: " || ".join(_pieces(text))
        for name, text in (
            ("blocked", _line("filtered", blocked=True)),
            ("open", _line("filtered", blocked=False)),
            ("control", _line(CONTROL, blocked=False)),
        )
    }
    return (
        f"CASE WHEN line = '{CONTROL}' THEN {parts['control']} "
        f"WHEN blocked THEN {parts['blocked']} ELSE {parts['open']} END"
    )


def _pieces(text: str) -> Iterator[str]:
    """The line as SQL literals and columns, in turn."""
    columns = {
        _ITEM: "item",
        _HOST: "host",
        _CODE: "code",
        _PROBE: "probe",
        str(_BATCH): "CAST(b + 1 AS VARCHAR)",
        str(_SERVICE): "seconds",
        '"must_block"': "'\"' || role || '\"'",
    }
    while text:
        places = {mark: text.find(mark) for mark in columns if mark in text}
        if not places:
            yield f"'{text}'"
            return
        mark = min(places, key=lambda one: places[one])
        yield f"'{text[: places[mark]]}'"
        yield columns[mark]
        text = text[places[mark] + len(mark) :]


def _line(line: str, *, blocked: bool) -> str:
    """One observation as the journal keeps it, with marks where rows differ."""
    words = "This page was blocked by the filter of your school. Category: other. You asked for"
    seen = Observation(
        key=AttemptKey(campaign="bench", item=_ITEM, probe=_PROBE, line=line, profile="ks2"),
        item=Item(id=_ITEM, value=_HOST, labels=(_CODE,), registrable=_HOST),
        started=_MOMENT,
        batch=_BATCH,
        role="must_block",  # a mark as well: the default would be left out
        timings=Timings(resolve=0.001, connect=0.002, first_byte=_SERVICE, total=1.5),
        facts=WebFacts(
            url=f"http://{_HOST}/",
            status=403 if blocked else 200,
            headers=(("content-type", "text/html"), ("server", "origin")),
            peer="192.0.2.1",
            title="Blocked" if blocked else "A page",
            text=f"{words} {_HOST}." if blocked else "Plain words, such as any page has. " * 7,
            body_length=4096,
            body_sha256=("1" if blocked else "0") * 64,
            canary="absent" if blocked else "seen",
        ),
        nonce="0" * 32,
    )
    return msgspec.json.encode(seen).decode()
