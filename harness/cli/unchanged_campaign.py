"""Whether the folder of a campaign is as it was left: journal, evidence, cache and assessments.

``accredit journal verify`` names what is not, and whatever judges a journal refuses it. What it
costs, and what it cannot find, is in docs/design/dd-059-what-is-trusted.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from harness.cli.paths import CampaignPaths, paths_of_journal
from harness.cli.registry_facts import appeals_in, session_if_any
from harness.errors import InstrumentError
from harness.model.outcome import PrintedHead
from harness.model.retention_event import FilesExpired
from harness.model.stream import OWNER, same_name

if TYPE_CHECKING:
    from harness.ports.storage import Journal
    from harness.store.journal.journal import SegmentJournal

SHOWN = 20
"""How many faults are named."""


class _Made(msgspec.Struct):
    """The head of the journal that an assessment was made of; the rest is not decoded."""

    journal_head: PrintedHead | None = None


_MADE = msgspec.json.Decoder(_Made)


def open_unchanged(folder: Path) -> SegmentJournal:
    """Open a journal to judge it. Raises InstrumentError with a line for each thing changed."""
    from harness.store.journal.journal import SegmentJournal  # noqa: PLC0415 - numpy is heavy

    journal = SegmentJournal(folder)
    require_no_faults(faults_of(paths_of_journal(folder), journal))
    return journal


def require_no_faults(found: Iterable[str]) -> None:
    """Raise InstrumentError with a line for each fault, up to ``SHOWN``."""
    faults = list(found)
    if len(faults) > SHOWN:
        faults[SHOWN:] = [f"and {len(faults) - SHOWN} more faults"]
    if faults:
        raise InstrumentError(*faults)


def faults_of(paths: CampaignPaths, journal: SegmentJournal) -> Iterator[str]:
    """Yield a sentence for each thing in a campaign's folder that was changed, once each.

    Where the journal itself is damaged, what does not need it is checked all the same.
    """
    checks: tuple[Callable[[], Iterable[str] | None], ...] = (
        journal.require_unchanged,
        lambda: _require_scheme(paths, journal),
        lambda: _evidence_faults(paths, journal),
        lambda: _cache_faults(paths, journal),
        lambda: _assessments_of_others(paths, journal),
    )
    found: set[str] = set()
    for check in checks:
        for fault in _found_by(check):
            if fault not in found:
                found.add(fault)
                yield fault


def _found_by(check: Callable[[], Iterable[str] | None]) -> Iterator[str]:
    try:
        yield from check() or ()
    except InstrumentError as error:
        yield from map(str, error.args)
    except OSError as error:
        yield f"{error.filename}: cannot be read: {error.strerror or error}"


def _require_scheme(paths: CampaignPaths, journal: SegmentJournal) -> None:
    """Raise InstrumentError unless the scheme beside a journal is the one that its header names."""
    from harness.store.journal.scheme_file import kept_scheme  # noqa: PLC0415 - pydantic is heavy

    kept_scheme(paths.journal, journal.header.measured_with)


def _evidence_faults(paths: CampaignPaths, journal: SegmentJournal) -> Iterator[str]:
    """Bodies that were changed, and that are missing, unless none is kept: ``evidence_in_words``.

    The folder beside a journal that names no evidence is not the journal's.
    """
    from harness.store.evidence_check import changed_bodies, held_files, missing_bodies  # noqa: PLC0415 - only where evidence is kept

    if not paths.evidence.is_dir():
        return
    try:
        named = journal.evidence()
        if not named:
            return
    except InstrumentError:  # the journal is damaged, which is named elsewhere
        named = frozenset()
    held = held_files(paths.evidence)
    yield from changed_bodies(paths.evidence, held)
    missing = missing_bodies(held, named)
    if missing and not _has_expired(paths):
        for digest in missing:
            yield f"{paths.evidence}: {digest} is missing: the evidence was removed"


def _has_expired(paths: CampaignPaths) -> bool:
    """Whether the registry records that a campaign's evidence was removed for its age."""
    with session_if_any(paths.registry) as session:
        if session is None:
            return False
        with session.registry.reading(OWNER) as access:
            events = access.found(kind=[str(FilesExpired.__struct_config__.tag)])
    return any(
        isinstance(event, FilesExpired)
        and event.rule == "evidence"
        and same_name(paths.campaign) in map(same_name, event.names)
        for _, event in events
    )


def evidence_in_words(paths: CampaignPaths, journal: SegmentJournal) -> str:
    """A sentence on the evidence of an unchanged campaign.

    A hub removes all evidence of a campaign when it is old, and a bundle holds none: that is said,
    and is no fault.
    """
    from harness.store.evidence_check import held_files, missing_bodies  # noqa: PLC0415 - as above

    named = journal.evidence()
    if not named:
        return "evidence: none is named"
    missing = len(missing_bodies(held_files(paths.evidence), named))
    bodies = f"{len(named):,} {'body' if len(named) == 1 else 'bodies'}"
    if not missing:
        return f"evidence: {bodies}, unchanged"
    why = "removed for their age" if _has_expired(paths) else "none is kept here"
    return f"evidence: {missing:,} of {bodies} not checked: {why}"


def _cache_faults(paths: CampaignPaths, journal: SegmentJournal) -> Iterable[str]:
    from harness.judge.composite_measurements import judge_maker  # noqa: PLC0415 - heavy
    from harness.verdicts.cache_check import cache_faults  # noqa: PLC0415 - numpy is heavy
    from harness.verdicts.cache_seal import own_key  # noqa: PLC0415 - the same
    from harness.verdicts.corrected_labels import with_corrected_labels  # noqa: PLC0415 - the same

    def corrected() -> Journal:
        return with_corrected_labels(journal, appeals_in(paths.registry))

    return cache_faults(paths.verdicts, own_key(), corrected, judge_maker)


def _assessments_of_others(paths: CampaignPaths, journal: SegmentJournal) -> Iterator[str]:
    """Assessments beside the journal that were made of another one, or of more of it."""
    from harness.store.journal.reader import past_heads  # noqa: PLC0415 - numpy is heavy

    heads: set[str] = set()
    for path in sorted(paths.home.glob("assessment-*.json")):
        try:
            made = _MADE.decode(path.read_bytes())
        except msgspec.MsgspecError:
            yield f"{path}: is no assessment: the file was changed"
            continue
        head = made.journal_head.hash if made.journal_head else journal.head.hash
        if head == journal.head.hash:
            continue
        heads = heads or {each.hash for each in past_heads(journal)}
        if head not in heads:
            yield (
                f"{path}: was made of a journal with the head {head[:16]}, which this one never "
                "had: the journal was cut, rewritten or replaced since; if you began it anew "
                "yourself, remove that file"
            )
