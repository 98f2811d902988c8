"""Put the journal and the assessment of a bundle into the results folder, as a run leaves them.

Reports, the site, re-tests and decisions then work from them. A journal only grows: a shorter or
equal one changes nothing, a longer one replaces the one that is there, and one that contradicts it
is refused. A crash leaves the old journal or the new one.
"""

from __future__ import annotations

import os
import shutil
import threading
from contextlib import closing
from enum import StrEnum
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.conclude import keep_assessment
from harness.cli.paths import CampaignPaths
from harness.errors import InstrumentError, UsageError
from harness.store.atomic_write import sync_file, sync_folder
from harness.store.private_folder import WriterLock, make_private

if TYPE_CHECKING:
    from harness.model.outcome import Assessment
    from harness.store.journal.journal import SegmentJournal

BUILDING = ".placing"
"""The folder in the results where folders are built before they are renamed."""

RESERVED = ("registry.", "registry-")
"""What the name of a campaign from outside must not begin with: the registry's files do."""

_ONE_AT_A_TIME = threading.Lock()


class Continuation(StrEnum):
    """How a journal relates to the one that the results hold under the same name."""

    NEW = "new"
    LONGER = "longer"
    SAME = "same"
    SHORTER = "shorter"


def place_campaign(results: Path, journal: SegmentJournal, assessment: Assessment) -> Continuation:
    """Put a verified journal with its assessment into the results, unless they hold it already.

    Raises UsageError where the results hold another journal under that name, InstrumentError where
    it cannot be written now.
    """
    paths = CampaignPaths(out=results, campaign=assessment.campaign)
    _require_free_name(paths)
    with _ONE_AT_A_TIME:
        try:
            return _placed(paths, journal, assessment)
        except OSError as error:
            msg = f"{paths.home}: the campaign cannot be put here: {error.strerror or error}"
            raise InstrumentError(msg) from None


def continuation(held: Path, journal: SegmentJournal) -> Continuation:
    """Compare a journal with the one in the folder ``held``, if there is one.

    Raises UsageError if neither continues the other: then they are of different runs, or one of
    them holds another observation for an attempt.
    """
    from harness.store.journal.journal import open_journal  # noqa: PLC0415 - numpy is heavy

    if not held.exists():
        return Continuation.NEW
    name = journal.header.campaign.campaign
    with closing(open_journal(held)) as other:
        if other.start != journal.start:
            msg = f"the hub has another run of the campaign {name!r}; give the campaign a new name"
            raise UsageError(msg)
        if other.head != journal.head:
            _require_same_beginning(other, journal)
        if other.rows == journal.rows:
            return Continuation.SAME
        return Continuation.LONGER if journal.rows > other.rows else Continuation.SHORTER


def _require_same_beginning(held: SegmentJournal, journal: SegmentJournal) -> None:
    """Raise UsageError at the first observation in which two journals differ."""
    pairs = zip_longest(held.observations(), journal.observations())
    for number, (recorded, sent) in enumerate(pairs, 1):
        if recorded is None or sent is None:
            return
        if recorded != sent:
            what = "another result for it" if recorded.key == sent.key else "another attempt there"
            msg = (
                f"observation {number:,} ({sent.key.item} on line {sent.key.line}) contradicts "
                f"what is recorded: the hub has {what}"
            )
            raise UsageError(msg)


def _require_free_name(paths: CampaignPaths) -> None:
    """Raise UsageError for a name under which something else is, or will be, in the results."""
    name = paths.campaign
    is_taken = paths.home.exists() and not paths.home.is_dir()
    if is_taken or name.lower().startswith(RESERVED):
        msg = f"a campaign cannot be named {name!r} here; give it another name"
        raise UsageError(msg)


def _placed(paths: CampaignPaths, journal: SegmentJournal, assessment: Assessment) -> Continuation:
    building, before = (paths.out / BUILDING / name / paths.campaign for name in ("new", "before"))
    if before.exists() and not paths.journal.exists():  # of a process that was killed
        before.rename(paths.journal)
    found = continuation(paths.journal, journal)
    if found in (Continuation.NEW, Continuation.LONGER):
        _build(building, journal.directory)
        new = CampaignPaths(out=building.parent, campaign=building.name)
        if not paths.home.exists():
            keep_assessment(assessment, new)
            building.rename(paths.home)
        else:
            _swap(new.journal, paths.journal, before)
        sync_folder(paths.out)
    if found is not Continuation.SHORTER and not _is_assessed(assessment, paths):
        keep_assessment(assessment, paths)
    for left in (building, before):
        shutil.rmtree(left, ignore_errors=True)
    return found


def _is_assessed(assessment: Assessment, paths: CampaignPaths) -> bool:
    """Whether the results hold an assessment of the same journal by the same scheme."""
    from harness.store.assessments import read_assessment  # noqa: PLC0415 - keep the start light

    try:
        held = read_assessment(paths.assessment(assessment.scheme))
    except UsageError:
        return False
    return held.journal_head == assessment.journal_head


def _build(folder: Path, source: Path) -> None:
    """Copy a journal into a new folder, and wait until it is on the disk."""
    from harness.store.bundle import journal_files  # noqa: PLC0415 - keep the start light
    from harness.store.journal.header import SEED  # noqa: PLC0415 - the same

    shutil.rmtree(folder, ignore_errors=True)
    journal = folder / "journal"
    for each in (folder.parent, folder, journal):
        make_private(each)
    files = [*journal_files(source).values(), source / SEED]
    for path in filter(Path.exists, files):
        target = journal / path.name
        with path.open("rb") as read, os.fdopen(_private(target), "wb") as written:
            shutil.copyfileobj(read, written, 1 << 20)
        sync_file(target)
    for each in (journal, folder, folder.parent):
        sync_folder(each)


def _private(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)


def _swap(new: Path, held: Path, before: Path) -> None:
    """Replace a journal by a longer one, unless somebody is writing there."""
    if not held.exists():
        new.rename(held)
        return
    lock = WriterLock(held)
    try:
        lock.take()
    except UsageError as error:  # another process measures there
        raise InstrumentError(*error.args) from None
    make_private(before.parent)
    try:
        held.rename(before)
        new.rename(held)
    finally:
        lock.release()
    sync_folder(held.parent)
