"""The scheme that judges a campaign: the one that it declared when it was measured, or another.

The declared scheme is kept with the journal, so that a file that was edited since changes nothing,
and so that the campaign can be concluded in another folder.
"""

from __future__ import annotations

from pathlib import Path

from harness.cli.paths import journal_folder
from harness.cli.printing import warn
from harness.errors import HarnessError, UsageError
from harness.model.content_identity import (
    POLICY,
    SCHEME,
    Parts,
    differences,
    ordered,
    scheme_document,
    scheme_parts,
)
from harness.model.journal_header import JournalHeader
from harness.model.scheme import Scheme
from harness.ports.storage import Clock


def judging_scheme(
    journal: Path,
    header: JournalHeader,
    named: str | None = None,
    clock: Clock | None = None,
    *,
    quiet: bool = False,
) -> Scheme:
    """The scheme ``named``, or else the one that the campaign of a journal declared.

    Warns if the file of the declared scheme was edited since, and unless ``quiet`` if its review is
    overdue. Raises UsageError for a named file with another content than the declared scheme of
    the same id and version, InstrumentError if the kept scheme was changed.
    """
    scheme = _named(header, named) if named else _declared(journal, header)
    if not quiet:
        from harness.cli.compose import warn_if_overdue  # noqa: PLC0415 - it knows what measures

        warn_if_overdue(scheme, clock)
    return scheme


def scheme_of(path: Path, named: str | None = None, clock: Clock | None = None) -> Scheme:
    """The scheme that judges the journal in a folder; see ``judging_scheme``."""
    from harness.store.journal.reader import JournalReader  # noqa: PLC0415 - numpy is heavy

    folder = journal_folder(path)
    return judging_scheme(folder, JournalReader(folder).header, named, clock)


def _named(header: JournalHeader, named: str) -> Scheme:
    from harness.schemes.load import load_scheme, shipped  # noqa: PLC0415 - keep the start light

    scheme = load_scheme(named)
    if scheme.id not in shipped():
        for each in _changes(header.measured_with, scheme):
            msg = (
                f"{named}: {each}: it was edited since campaign {header.campaign.campaign!r} was "
                "measured; leave out --scheme to judge by the declared one, or give the edited "
                "one another version"
            )
            raise UsageError(msg)
    return scheme


def _declared(journal: Path, header: JournalHeader) -> Scheme:
    from harness.schemes.load import load_scheme  # noqa: PLC0415 - keep the start light
    from harness.store.journal.scheme_file import kept_scheme  # noqa: PLC0415 - the same

    own = header.campaign.scheme
    kept = kept_scheme(journal, header.measured_with)
    if kept is None:
        scheme = load_scheme(own)
        declared = dict(header.measured_with)
        held = {part: declared[part] for part in declared if part.startswith((SCHEME, POLICY))}
        if held and held != dict(scheme_parts(scheme_document(scheme))):
            msg = (
                f"{own}: it is another scheme than campaign {header.campaign.campaign!r} declared, "
                "and no copy of the declared one is beside the journal; put it back"
            )
            raise UsageError(msg)
        return scheme
    if Path(own).is_file():
        try:
            changes = _changes(header.measured_with, load_scheme(own))
        except HarnessError:
            changes = ("it cannot be read",)
        for each in changes:
            warn(f"{own}: {each}; judged by the scheme as it was when it was measured")
    return kept


def _changes(declared: Parts, scheme: Scheme) -> tuple[str, ...]:
    """How a scheme differs from the declared one of the same id and version, in sentences."""
    own = scheme_parts(scheme_document(scheme))
    held = dict(declared)
    name = f"{SCHEME}{scheme.id}"
    if held.get(name, "").rpartition(" ")[0] != scheme.version:
        return ()
    before = {part: value for part, value in held.items() if part.startswith((SCHEME, POLICY))}
    return tuple(each.sentence for each in differences(ordered(before), ordered(own)))
