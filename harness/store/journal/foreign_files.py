"""Find files in the folder of a journal that are no part of it.

Nothing reads such a file today. It is named all the same: one that lies where segments lie is taken
for measured by whoever looks, or by another program.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from harness.store.journal.hash_chains import CHAINS
from harness.store.journal.header import HEADER, SEED
from harness.store.journal.journal_state import HEAD, MANIFEST, JournalState
from harness.store.journal.jsonl_segment import lines_of, scan
from harness.store.journal.scheme_file import FILE as SCHEME
from harness.store.journal.signature_files import PATTERN as SIGNATURES

RECEIPTS = "witness.jsonl"
"""The receipts of witnesses, whose signatures are verified where they are read."""

OWN = frozenset({HEADER, HEAD, MANIFEST, SEED, SCHEME, RECEIPTS, *CHAINS, "lock", "lock.pid"})
"""The names of a journal's files, beside segments and what crashes leave."""

_LEFT_BY_CRASHES = re.compile(
    rf"torn-\d{{6}}\.bin|segment-\d{{6}}\.(?:gz|parquet)\.tmp"
    rf"|(?:torn-\d{{6}}\.bin|{'|'.join(map(re.escape, sorted(OWN)))})\.\d+\.tmp"
)


def foreign_files(directory: Path, state: JournalState) -> Iterator[str]:
    """Yield a sentence for each file in a journal's folder that is no part of the journal.

    Hidden files, which desktops leave in folders, are passed over. Raises OSError.
    """
    listed = {segment.name for segment in state.sealed}
    stems = {Path(name).stem for name in listed}
    being_written = f"segment-{len(state.sealed) + 1:06d}"
    for path in sorted(directory.iterdir()):
        name = path.name
        if name.startswith(".") or (path.is_file() and name in OWN | listed):
            continue
        if path.is_file() and path.match(SIGNATURES):
            continue
        if path.is_file() and _LEFT_BY_CRASHES.fullmatch(name):
            continue
        if path.is_file() and path.stem == being_written:  # also while it is sealed
            continue
        if path.stem in stems and path.suffix == ".jsonl":
            if not _is_left_by_sealing(path, state):
                yield f"{path}: is not what was sealed: this file was changed or added"
            continue
        yield f"{path}: is no part of the journal: this file was added"


def _is_left_by_sealing(path: Path, state: JournalState) -> bool:
    """Whether an open segment holds the lines of its sealed form: a crash left it."""
    (segment,) = (one for one in state.sealed if Path(one.name).stem == path.stem)
    try:
        digest = hashlib.sha256()
        for line in lines_of(path, scan(path).good):
            digest.update(line)
    except FileNotFoundError:  # removed by the process that sealed it
        return True
    return digest.hexdigest() == segment.records_sha256
