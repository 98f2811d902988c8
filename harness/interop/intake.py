"""Import other people's measurements into a journal, completely or not at all.

The journal's header says that it is ``foreign``: it has no sentinels, so its verdicts rest on the
control alone, and it cannot decide any requirement.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from harness.errors import InstrumentError, UsageError
from harness.interop.record import NotReadable, Record
from harness.model.campaign import (
    Campaign,
    CorpusSelection,
    LineDeclaration,
    ProfileDeclaration,
    Sentinels,
)
from harness.model.journal_header import JournalHeader
from harness.model.observation import Observation
from harness.model.service_declaration import BlockPage, Service
from harness.store.journal.header import HEADER

if TYPE_CHECKING:
    from harness.store.journal.journal import SegmentJournal

FOREIGN = "foreign"
"""The name of the type of its line, its profile and its pack."""

BATCH = 200
"""Measurements written at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedLine:
    """A line that was left out, by its number, and why. Of repeated ones the first is kept."""

    line: int
    reason: str
    repeated: bool = False


@dataclass(slots=True, kw_only=True)
class ImportCounts:
    """How many measurements were imported, and how many lines were broken or repeated."""

    taken: int = 0
    broken: int = 0
    repeated: int = 0


def foreign_header(
    name: str, form: str, source: str, sha256: str, block_page: BlockPage | None = None
) -> JournalHeader:
    """Return the header of an imported journal. ``source`` names the file, ``form`` its format.

    ``block_page`` is the one that the supplier declares, if known. Raises ValueError (pydantic's)
    if ``name`` is not valid as the name of a campaign.
    """
    campaign = Campaign(
        campaign=name,
        title=f"{source}: measurements of other people",
        service=Service(name=f"what {source} was measured on", block_page=block_page),
        lines=(LineDeclaration(name="service", type=FOREIGN),),
        profiles={FOREIGN: ProfileDeclaration()},
        corpora=(CorpusSelection(pack=FOREIGN),),
        probes=("dns", "web"),
        sentinels=Sentinels(must_allow=(), must_block=()),
    )
    corpus = " ".join(part for part in (source, form, sha256) if part)
    return JournalHeader(campaign=campaign, corpora=(corpus,), foreign=form)


@contextmanager
def journal_once_complete(folder: Path, header: JournalHeader) -> Iterator[SegmentJournal]:
    """Yield a new journal that is moved to ``folder`` only when it is complete.

    Raises UsageError if the folder is not empty, InstrumentError if writing fails.
    """
    if (folder / HEADER).exists() or (folder.is_dir() and any(folder.iterdir())):
        msg = f"{folder}: there is something here already; choose another folder"
        raise UsageError(msg)
    from harness.store.journal.journal import SegmentJournal  # noqa: PLC0415 - numpy is heavy

    beside = folder.with_name(f".{folder.name}.half")
    shutil.rmtree(beside, ignore_errors=True)
    journal = SegmentJournal.create(beside, header.as_document())
    try:
        yield journal
        journal.seal()
        journal.close()
        beside.rename(folder)
    except OSError as error:
        msg = f"{folder}: cannot be written: {error.strerror or error}"
        raise InstrumentError(msg) from error
    finally:
        journal.close()
        shutil.rmtree(beside, ignore_errors=True)


def import_measurements(
    lines: Iterable[bytes],
    read: Callable[[bytes], Record],
    journal: SegmentJournal,
    report: Callable[[SkippedLine], None],
) -> ImportCounts:
    """Read measurements line by line into the journal, and ``report`` those left out."""
    counts = ImportCounts()
    first: dict[str, int] = {}
    waiting: list[Record] = []
    numbers = count(1)
    name = journal.header.campaign.campaign
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            record = _require_control(read(line))
        except NotReadable as error:
            counts.broken += 1
            report(SkippedLine(line=number, reason=str(error)))
            continue
        if (held := first.setdefault(record.id, number)) != number:
            counts.repeated += 1
            why = f"{record.id[:200]} stands in line {held} already"
            report(SkippedLine(line=number, reason=why, repeated=True))
            continue
        counts.taken += 1
        waiting.append(record)
        if len(waiting) == BATCH:
            _append(journal, next(numbers), name, waiting)
    _append(journal, next(numbers), name, waiting)
    return counts


def _require_control(record: Record) -> Record:
    """Return the record. Raises NotReadable without a control: it could not be decided."""
    if record.alone:
        raise NotReadable("a page without a control; 'accredit judge' judges it by itself")
    return record


def _append(journal: SegmentJournal, batch: int, campaign: str, records: list[Record]) -> None:
    """Write the records as one batch, and clear the list."""
    if records:
        journal.append(batch, list(_observations(batch, campaign, records)))
    records.clear()


def _observations(batch: int, campaign: str, records: list[Record]) -> Iterator[Observation]:
    for record in records:
        for trial in record.trials:
            for seen in (trial.control, trial.service):
                if seen is not None:
                    key = msgspec.structs.replace(seen.key, campaign=campaign)
                    yield msgspec.structs.replace(seen, key=key, batch=batch)
