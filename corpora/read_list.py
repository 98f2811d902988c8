"""Read other people's lists, and write the import report.

The import report is a CSV file with one row for each entry of the list: accepted, skipped or
rejected, with a reason. Its counts by status add up to its rows. Formats are plug-ins
(``corpora.importers``): functions from a ``Source`` to entries.
"""

from __future__ import annotations

import contextlib
import csv
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path

import msgspec

from corpora.hostnames import why_refused
from corpora.importers import LIST_IMPORTERS
from corpora.source import (
    SHOWN_CHARACTERS,
    Deadline,
    ImportEntry,
    Limits,
    ListRefused,
    Source,
    rejected_entry,
)
from corpora.taxonomy import Taxonomy, shipped
from harness.errors import UsageError, first_of, known
from harness.model.corpus import SEALED
from harness.untrusted.visible_text import spreadsheet_cell

BATCH = 8192
"""How many entries are checked for duplicates at a time."""

KINDS = {
    "suffix": "suffix",
    "subdomains_and_self": "suffix",
    "exact": "host",
    "ip": "ip",
    "cidr": "cidr",
    "url": "url",
    "url_prefix": "url",
    "hmac": SEALED,
}
"""The kind of item for each way of matching; globs and regular expressions make no item."""
MOST_LABELS = 50
"""How many unknown labels a message names."""

STATUSES = ("ok", "duplicate", "redundant", "skipped", "conflict", "error", "quarantine")
"""The statuses of rows; ``ok_with_modifier`` counts as ok."""


class ReportRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the import report."""

    file: str
    format: str
    line: str
    value: str
    match: str
    action: str
    target: str
    status: str
    reason: str


class ListImport:
    """One pass over a list, which yields report rows and counts them.

    ``refused`` is the reason why the list as a whole was refused; empty if it was not.
    """

    def __init__(
        self,
        form: str,
        path: Path,
        taxonomy: Taxonomy | None = None,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.form = form
        self.path = path
        self.refused = ""
        self.counts: Counter[str] = Counter()
        self._importer = LIST_IMPORTERS.find(form)
        limits = limits or Limits()
        self._source = Source(
            path=path,
            taxonomy=taxonomy or shipped(),
            limits=limits,
            deadline=Deadline(limits.seconds, clock),
        )
        from corpora.duplicates import DuplicateFinder  # noqa: PLC0415 - numpy is slow to import

        self._duplicates = DuplicateFinder()
        if not path.exists():
            msg = f"{path}: no such file"
            raise UsageError(msg)

    def __iter__(self) -> Iterator[ReportRow]:
        entries = map(_reject_private, self._entries())
        while batch := list(islice(entries, BATCH)):
            sound = [entry for entry in batch if entry.status == "ok"]
            duplicates = iter(self._duplicates.find(list(map(_duplicate_key, sound))))
            for entry in batch:
                yield self._row(entry, is_duplicate=entry.status == "ok" and next(duplicates))

    def _entries(self) -> Iterator[ImportEntry]:
        """The entries of the importer; the last one says why the list was refused, if it was."""
        refusal, count, noted = None, 0, self._source.faults
        try:
            for entry in self._importer(self._source):
                while noted:  # lines that could not be read, so the importer did not get them
                    count += 1
                    yield noted.pop(0)
                count += 1
                yield entry
                if count >= self._source.limits.entries:
                    refusal = ListRefused(f"more than {self._source.limits.entries} entries")
                    break
        except ListRefused as raised:
            refusal = raised
        except OSError as error:
            refusal = ListRefused(f"not readable: {error.strerror or error}")
        count += len(noted)
        yield from noted
        noted.clear()
        if not count and refusal is None:
            refusal = ListRefused("empty list refused")
        if refusal is not None:
            self.refused = str(refusal)
            yield ImportEntry(0, refusal.value, status="error", note=self.refused)

    @property
    def total(self) -> int:
        """The number of rows so far."""
        return self.counts.total()

    @property
    def unknown(self) -> dict[str, tuple[str, ...]]:
        """External labels that have no code in the taxonomy, by scheme."""
        return {scheme: tuple(sorted(found)) for scheme, found in self._source.unknown.items()}

    def check(self) -> None:
        """Raise UsageError with everything that is wrong, if the list as a whole cannot be used."""
        if self.refused:
            msg = f"{self.path}: {self.refused}"
            raise UsageError(msg)
        wrong = [
            f"{self.path}: unknown {scheme} labels: {_quoted(found)}; "
            + known(self._labels_of(scheme))
            for scheme, found in self.unknown.items()
        ]
        if wrong:
            raise UsageError(*wrong)

    def _labels_of(self, scheme: str) -> Iterable[str]:
        taxonomy = self._source.taxonomy
        return taxonomy.categories if scheme == taxonomy.name else taxonomy.labels_of(scheme)

    def _row(self, entry: ImportEntry, *, is_duplicate: bool) -> ReportRow:
        line, value, match, action, target, status, note, changes = entry
        if is_duplicate:
            status, reason = "duplicate", changes
        else:
            reason = f"{changes}; {note}" if changes and note else changes or note
        self.counts["ok" if status == "ok_with_modifier" else status] += 1
        return ReportRow(
            file=self.path.name,
            format=self.form,
            line=str(line),
            value=value,
            match=match,
            action=action,
            target=target,
            status=status,
            reason=reason,
        )


def _reject_private(entry: ImportEntry) -> ImportEntry:
    """The entry, or a rejected one if its value is a private address or name."""
    kind = KINDS.get(entry.match, "")
    if not kind or not entry.status.startswith("ok") or entry.match == "hmac":
        return entry
    refused = why_refused(kind, entry.value)
    return rejected_entry(entry.line, refused, entry.value) if refused else entry


def _quoted(labels: tuple[str, ...]) -> str:
    """The first labels in quotes, and how many more there are."""
    return first_of([repr(label[:SHOWN_CHARACTERS]) for label in labels], MOST_LABELS)


def _duplicate_key(entry: ImportEntry) -> str:
    """The text by which duplicates are found; the rank of a name is no part of it."""
    target = "" if entry.action == "rank" else entry.target
    return f"{entry.match}\0{entry.action}\0{target}\0{entry.value}"


def import_list(
    form: str, path: Path, taxonomy: Taxonomy | None = None, limits: Limits | None = None
) -> ListImport:
    """Open a list; iterate over the returned import to read its rows.

    Raises UsageError if the format or the file does not exist. Reading raises nothing, whatever
    the file holds: each fault is a row of its own.
    """
    return ListImport(form, path, taxonomy, limits)


def write_report(rows: Iterable[ReportRow], path: Path) -> Iterator[ReportRow]:
    """Yield the rows and write them to a CSV file, which is complete after the last row.

    Cells are escaped so that no spreadsheet runs one as a formula (see
    ``harness.untrusted.visible_text``). Raises UsageError if the file cannot be written.
    """
    draft = path.with_name(f".{path.name}.draft")
    try:
        # file names may hold bytes that are not text; they are written with backslashes
        with draft.open("w", encoding="utf-8", errors="backslashreplace", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_ALL)
            writer.writerow(ReportRow.__struct_fields__)
            for row in rows:
                writer.writerow(map(spreadsheet_cell, msgspec.structs.astuple(row)))
                yield row
        draft.replace(path)
    except OSError as error:
        msg = f"{path}: {error.strerror or error}"
        raise UsageError(msg) from None
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
