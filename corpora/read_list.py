"""Imports other people's lists: each entry kept, refused or flagged, with a reason.

The import report is a CSV with one row an entry; its statuses add up to its rows. Formats are
plug-ins (``LIST_IMPORTERS``): a function from a Source to entries, one format a file.
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
from corpora.import_entry import SHOWN, Entry, Seen, fault
from corpora.source import Deadline, Limits, Refused, Source
from corpora.taxonomy import Taxonomy, shipped
from harness.errors import UsageError, known
from harness.plugins import PluginTable
from harness.untrusted.visible_text import spreadsheet_cell

BATCH = 8192
"""Entries that are held at a time, to see together which came before."""

KINDS = {
    "suffix": "suffix",
    "subdomains_and_self": "suffix",
    "exact": "host",
    "ip": "ip",
    "cidr": "cidr",
    "url": "url",
    "url_prefix": "url",
    "hmac": "url",
}
"""The kind of item that a way of matching makes; globs and expressions make none."""
MOST_LABELS = 50
"""So many unknown labels are named in a message."""

STATUSES = ("ok", "duplicate", "redundant", "skipped", "conflict", "error", "quarantine")
"""What can become of an entry; ``ok_with_modifier`` counts as ok."""


ListImporter = Callable[[Source], Iterator[Entry]]
"""Reads the entries of a list in one format. Raises Refused if it is no list as a whole."""

LIST_IMPORTERS = PluginTable[ListImporter]("importers", "corpora.importers", of="lists")


class Row(msgspec.Struct, frozen=True, kw_only=True):
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


class Import:
    """One list, read once from its beginning to its end; counts as it goes.

    ``refused`` is the reason why the list as a whole is none, if so.
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
        self._seen = Seen()
        if not path.exists():
            msg = f"{path}: no such file"
            raise UsageError(msg)

    def __iter__(self) -> Iterator[Row]:
        entries = map(_guarded, self._entries())
        while batch := list(islice(entries, BATCH)):
            sound = [entry for entry in batch if entry.status == "ok"]
            doubles = iter(self._seen.sift(list(map(_saying, sound))))
            for entry in batch:
                yield self._row(entry, is_double=entry.status == "ok" and next(doubles))

    def _entries(self) -> Iterator[Entry]:
        """All that the importer says, and last, if so, why the list is none."""
        refusal, count, noted = None, 0, self._source.faults
        try:
            for entry in self._importer(self._source):
                while noted:  # lines that no importer saw, because they cannot be read
                    count += 1
                    yield noted.pop(0)
                count += 1
                yield entry
                if count >= self._source.limits.entries:
                    refusal = Refused(f"more than {self._source.limits.entries} entries")
                    break
        except Refused as raised:
            refusal = raised
        except OSError as error:
            refusal = Refused(f"not readable: {error.strerror or error}")
        count += len(noted)
        yield from noted
        noted.clear()
        if not count and refusal is None:
            refusal = Refused("empty list refused")
        if refusal is not None:
            self.refused = str(refusal)
            yield Entry(0, refusal.value, status="error", note=self.refused)

    @property
    def total(self) -> int:
        """The number of rows so far."""
        return self.counts.total()

    @property
    def unknown(self) -> dict[str, tuple[str, ...]]:
        """External labels that no code is known for, by scheme."""
        return {scheme: tuple(sorted(found)) for scheme, found in self._source.unknown.items()}

    def check(self) -> None:
        """Raises UsageError if the list as a whole cannot be used, saying all that is wrong."""
        if self.refused:
            msg = f"{self.path}: {self.refused}"
            raise UsageError(msg)
        wrong = [
            f"{self.path}: unknown {scheme} labels: {_listed(found)}; "
            + known(self._labels_of(scheme))
            for scheme, found in self.unknown.items()
        ]
        if wrong:
            raise UsageError(*wrong)

    def _labels_of(self, scheme: str) -> Iterable[str]:
        taxonomy = self._source.taxonomy
        return taxonomy.categories if scheme == taxonomy.name else taxonomy.labels_of(scheme)

    def _row(self, entry: Entry, *, is_double: bool) -> Row:
        line, value, match, action, target, status, note, spelling = entry
        if is_double:
            status, reason = "duplicate", spelling
        else:
            reason = f"{spelling}; {note}" if spelling and note else spelling or note
        self.counts["ok" if status == "ok_with_modifier" else status] += 1
        return Row(
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


def _guarded(entry: Entry) -> Entry:
    """The entry, or its refusal where it names a private address."""
    kind = KINDS.get(entry.match, "")
    if not kind or not entry.status.startswith("ok") or entry.match == "hmac":
        return entry
    refused = why_refused(kind, entry.value)
    return fault(entry.line, refused, entry.value) if refused else entry


def _listed(labels: tuple[str, ...]) -> str:
    """The first labels, and how many more there are."""
    shown = ", ".join(repr(label[:SHOWN]) for label in labels[:MOST_LABELS])
    return shown + (f" and {len(labels) - MOST_LABELS} more" * (len(labels) > MOST_LABELS))


def _saying(entry: Entry) -> str:
    """What an entry says, as one text; a second rank of a name says nothing new."""
    target = "" if entry.action == "rank" else entry.target
    return f"{entry.match}\0{entry.action}\0{target}\0{entry.value}"


def import_list(
    form: str, path: Path, taxonomy: Taxonomy | None = None, limits: Limits | None = None
) -> Import:
    """Read a list; iterate over what is given for its rows.

    Raises UsageError if the format or the file does not exist. Whatever the file holds, reading
    it raises nothing: what is wrong is a row.
    """
    return Import(form, path, taxonomy, limits)


def write_report(rows: Iterable[Row], path: Path) -> Iterator[Row]:
    """Write rows to a CSV as they pass by; it is there when the last one has passed.

    It is for people: no spreadsheet takes a cell for a formula (see
    ``harness.untrusted.visible_text``). Raises UsageError if it cannot be written.
    """
    draft = path.with_name(f".{path.name}.draft")
    try:
        # names of files need not be text; backslashes show what cannot be written
        with draft.open("w", encoding="utf-8", errors="backslashreplace", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_ALL)
            writer.writerow(Row.__struct_fields__)
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
