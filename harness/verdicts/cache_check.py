"""Check cached verdicts: what is not what this user wrote, or not what the journal gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from harness.ports.judging import MakeJudge
from harness.ports.storage import Journal
from harness.store.journal.sealed_segment import digest_of_file
from harness.verdicts.cache_seal import (
    KEPT,
    Sealed,
    described,
    has_seal_of,
    id_of,
    read_sealed,
)
from harness.verdicts.cached_verdicts import (
    StoredVerdicts,
    counted_verdicts,
    made_of_journal,
    rows_of,
)

REMEDY = "delete that folder: verdicts are judged again"


def cache_faults(
    folder: Path,
    key: bytes | None,
    journal: Callable[[], Journal],
    judge_maker: Callable[[Journal], MakeJudge],
) -> Iterator[str]:
    """Yield a sentence if the cache in a folder was changed; ``key`` is the user's own, if any.

    ``journal`` gives the journal that the cache is of, with labels as appeals corrected them.

    A cache under another key, as in a folder that was copied from elsewhere, is never read. If it
    claims to be of this journal by the present rules, it must hold what judging gives; that takes
    one judging. What older rules or versions made claims nothing about the journal as it is.
    Raises InstrumentError if the journal is damaged.
    """
    path = folder / KEPT
    while True:
        before = _bytes_of(path)
        if before is None:
            return
        fault = _fault(folder, key) or _fault_of_another(folder, key, journal, judge_maker)
        if not fault or before == _bytes_of(path):  # else another process renewed it meanwhile
            break
    if fault:
        yield f"{path}: {fault}; {REMEDY}"


def _bytes_of(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _fault(folder: Path, key: bytes | None) -> str:
    """What is wrong with a cache, as far as it shows without the journal."""
    try:
        text = read_sealed(folder / KEPT)
        kept = described(text)
        if not _is_own(text, key):
            return ""
        if key is None or not has_seal_of(text, key):
            return "does not have the seal that it was written with: it was changed"
        is_whole = kept.sha256 == digest_of_file(rows_of(folder, kept.made_of))
    except (OSError, ValueError):
        return "cannot be read: it is damaged, or was changed"
    return "" if is_whole else "its rows were changed"


def _fault_of_another(
    folder: Path,
    key: bytes | None,
    journal: Callable[[], Journal],
    judge_maker: Callable[[Journal], MakeJudge],
) -> str:
    """The fault of a cache that this user did not write, if it claims to be of the journal."""
    text = read_sealed(folder / KEPT)
    kept = described(text)
    if _is_own(text, key) or kept.made_of != made_of_journal(held := journal()):
        return ""
    if not text.seal:
        return "claims to be of this version, which seals what it writes: it was forged"
    rows = rows_of(folder, kept.made_of)
    if not rows.is_file() or kept.sha256 != digest_of_file(rows):
        return "its rows were changed"
    with (
        counted_verdicts(held, judge_maker(held)) as judged,
        closing(StoredVerdicts(rows, kept.counts, kept.basis)) as cached,
    ):
        found = cached.same_as(judged)
        is_same = found.same == found.verdicts and cached.counts == judged.counts
    return "" if is_same else "holds other verdicts than the journal gives: it was changed"


def _is_own(text: Sealed, key: bytes | None) -> bool:
    return key is not None and text.key == id_of(key)
