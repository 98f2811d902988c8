"""OONI's fingerprints of block pages (https://github.com/ooni/blocking-fingerprints).

They are no items, for they name no content; the report keeps them for those who judge pages.
"""

from __future__ import annotations

from collections.abc import Iterator

from corpora.import_entry import SHOWN, Entry, fault
from corpora.read_list import LIST_IMPORTERS
from corpora.source import Refused, Source

NEEDED = ("name", "pattern_type", "pattern")
MATCHES = {"full": "exact", "prefix": "prefix", "contains": "contains", "regexp": "regex"}
_FALSE_POSITIVES = "confidence_no_fp"


@LIST_IMPORTERS.register("ooni_fingerprints")
def read_fingerprints(source: Source) -> Iterator[Entry]:
    """Entries of ``fingerprints_http.csv`` or ``fingerprints_dns.csv``; patterns are never run."""
    records = source.records()
    header = next(records, None)
    columns = header.cells if header else []
    if missing := [name for name in NEEDED if name not in columns]:
        raise Refused(f"no column {', '.join(missing)}")
    for record in records:
        line = source.place(record.first)
        if len(record.cells) != len(columns):
            found = f"{len(record.cells)} cells instead of {len(columns)}"
            yield fault(line, found, ",".join(record.cells)[:SHOWN])
            continue
        cells = dict(zip(columns, record.cells, strict=True))
        match = MATCHES.get(cells["pattern_type"])
        if not match or not cells["pattern"]:
            found = "unknown pattern type" if cells["pattern"] else "no pattern"
            yield fault(line, found, cells["pattern_type"])
        else:
            sure = cells.get(_FALSE_POSITIVES, "")
            note = "; ".join(
                part
                for part in (f"confidence {sure}" if sure else "", cells.get("scope", ""))
                if part
            )
            pattern = cells["pattern"].replace("\r", "\\r").replace("\n", "\\n")
            yield Entry(line, pattern, match, "fingerprint", cells["name"][:SHOWN], note=note)
