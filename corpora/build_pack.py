"""Import a list as a pack: every value of the list becomes one item with all its labels.

The whole list is read before anything of the pack is written, so a list with an unknown label,
or a file that is not a list, leaves only its report. ``ValueStore`` keeps a long list in a
temporary file as long as all its rows say the same of their values.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple, Self

from corpora import hostnames
from corpora.pack_writer import PackDetails, write_pack
from corpora.read_list import KINDS, STATUSES, ListImport, ReportRow, import_list, write_report
from corpora.sealed_rows import sealed_row
from corpora.source import Limits
from corpora.taxonomy import Taxonomy, shipped
from harness.errors import UsageError, known
from harness.model.corpus import SEALED

Labels = tuple[str, ...]


class RowLabel(NamedTuple):
    """The label that a row gives its value, and how it matches.

    ``is_unique`` if no other row of the list gives this value the same label in the same way.
    """

    match: str
    label: str
    is_unique: bool


class ValueStore:
    """The values of one kind with their labels, in the order of the list.

    Values are written to a temporary file while all rows give the same label, and are kept in
    memory otherwise. Use it as a context manager; it deletes the file when it ends.
    """

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._file: IO[str] | None = None
        self._filed_label: RowLabel | None = None
        self._filed_count = 0
        self._in_memory: dict[str, Labels] | None = None
        self._shared: dict[Labels, Labels] = {}
        self._withdrawn: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def __len__(self) -> int:
        if self._in_memory is None:
            return self._filed_count
        return len(self._in_memory) - len(self._in_memory.keys() & self._withdrawn)

    def __iter__(self) -> Iterator[tuple[str, Labels]]:
        """The values that were not withdrawn, with their labels. Add nothing after this."""
        if self._in_memory is None:
            yield from self._read()
            return
        for value, labels in self._in_memory.items():
            if value not in self._withdrawn:
                yield value, labels

    def add(self, value: str, row_label: RowLabel) -> None:
        """Add the label that a row gives to a value."""
        if (
            self._in_memory is None
            and row_label.is_unique
            and self._filed_label in {None, row_label}
        ):
            self._filed_label = row_label
            self._write(value)
        else:
            self._add_label(self._load(), value, row_label.label)

    def withdraw(self, value: str) -> None:
        """Remove a value from the list, whatever other rows say of it."""
        self._load()
        self._withdrawn.add(value)

    def _load(self) -> dict[str, Labels]:
        """Move all values from the file into memory, where further ones are kept as well."""
        if self._in_memory is None:
            self._in_memory = dict(self._read())
            self._stack.close()
        return self._in_memory

    def _add_label(self, in_memory: dict[str, Labels], value: str, label: str) -> None:
        labels = in_memory.get(value, ())
        if label not in labels:
            labels = (*labels, label)
            # a few combinations of labels, each shared by many values
            in_memory[value] = self._shared.setdefault(labels, labels)

    def _write(self, value: str) -> None:
        if self._file is None:
            self._file = self._stack.enter_context(_scratch())
        self._file.write(f"{value}\n")
        self._filed_count += 1

    def _read(self) -> Iterator[tuple[str, Labels]]:
        if self._file is not None and self._filed_label is not None:
            labels = (self._filed_label.label,)
            self._file.seek(0)
            yield from ((line[:-1], labels) for line in self._file)


def _scratch() -> IO[str]:
    """A temporary file without a name, deleted when it is closed."""
    return tempfile.TemporaryFile("w+", encoding="utf-8", errors="surrogatepass", newline="\n")


_HIGHEST = "S4"
_ILLEGAL = "illegal"
_DIGEST_FORM = "hmac_feed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """Counts of an import: rows by status (they add up to ``rows``) and items in the pack."""

    format: str
    file: str
    rows: int
    statuses: Mapping[str, int]
    items: int


def import_pack(
    form: str,
    path: Path,
    out: Path,
    *,
    created: str,
    label: str = "",
    licence: str = "unknown",
    report: Path | None = None,
    taxonomy: Taxonomy | None = None,
    limits: Limits | None = None,
) -> ImportReport:
    """Read a list in format ``form`` and write it as a pack into the new directory ``out``.

    ``label`` is the category of all values if the list has no categories of its own; ``created``
    is an RFC 3339 time. Raises UsageError, which names each unknown label, if the list as a
    whole cannot be used.
    """
    taxonomy = taxonomy or shipped()
    _check_label(form, label, taxonomy)
    listed = import_list(form, path, taxonomy, limits)
    rows: Iterable[ReportRow] = iter(listed)
    if report is not None:
        rows = write_report(rows, report)
    with _PackBuilder(path, label) as builder:
        for row in rows:
            builder.add(row)
        listed.check()
        builder.check()
        items = builder.items(form, taxonomy)
        count = write_pack(out, items, _details(listed, created, licence, builder), taxonomy)
    statuses = {status: listed.counts[status] for status in STATUSES}
    return ImportReport(
        format=form, file=path.name, rows=listed.total, statuses=statuses, items=count
    )


class _PackBuilder:
    """Collect the values of a list by kind, and make the items of the pack from them."""

    def __init__(self, path: Path, label: str) -> None:
        self._path = path
        self._label = label
        self._kinds: dict[str, ValueStore] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def __len__(self) -> int:
        return sum(map(len, self._kinds.values()))

    def add(self, row: ReportRow) -> None:
        """Add a row, if it labels, blocks or allows a value.

        Raises UsageError at the first row that needs a label if neither the row nor the caller
        gives one.
        """
        kind = KINDS.get(row.match)
        if not kind or row.status not in ("ok", "ok_with_modifier"):
            return
        value = _value(kind, row.value)
        if not value:
            return
        if row.action in ("allow", "cancel"):
            self._values(kind).withdraw(value)
        elif row.action in ("label", "block"):
            label = row.target if row.action == "label" else self._label
            if not label:
                raise UsageError(
                    f"{self._path}: the list has no categories; give one with --label CODE"
                )
            # duplicate URLs were found as text, but two texts may be the same address
            is_unique = row.status == "ok" and kind != "url"
            self._values(kind).add(value, RowLabel(row.match, label, is_unique))

    def _values(self, kind: str) -> ValueStore:
        if kind not in self._kinds:
            self._kinds[kind] = self._stack.enter_context(ValueStore())
        return self._kinds[kind]

    @property
    def pack_kind(self) -> str:
        """What the items can show; a sealed list is one that suppliers are given."""
        return "agreed" if SEALED in self._kinds else "real"

    @property
    def sensitivity(self) -> str:
        """The sensitivity that the manifest gives for the whole pack."""
        return _HIGHEST if SEALED in self._kinds else "S3"

    def check(self) -> None:
        """Raises UsageError if no pack can be made."""
        if not len(self):
            msg = f"{self._path}: the list has no entry that can become an item"
            raise UsageError(msg)

    def items(self, form: str, taxonomy: Taxonomy) -> Iterator[dict[str, str]]:
        """The rows of the pack."""
        sensitivities: dict[Labels, str] = {}
        for kind, values in self._kinds.items():
            if kind == SEALED:
                for value, labels in values:
                    yield sealed_row(value.rpartition(":")[2], "|".join(labels))
                continue
            start = hashlib.sha256(f"{kind} ".encode())
            for value, labels in values:
                if labels not in sensitivities:
                    sensitivities[labels] = _sensitivity(labels, taxonomy)
                digest = start.copy()
                digest.update(value.encode())
                yield {
                    "id": f"{form}-{digest.hexdigest()[:20]}",
                    "value": value,
                    "kind": kind,
                    "registrable": _registrable(kind, value),
                    "labels": "|".join(labels),
                    "label_source": form,
                    "stratum": labels[0],
                    "verify_status": "unchecked",
                    "sensitivity": sensitivities[labels],
                }


def _value(kind: str, value: str) -> str:
    """The normalised value of an item; empty if the value cannot be an item."""
    if kind != "url":
        return value
    try:
        return hostnames.to_address(value if "://" in value else f"http://{value}").href
    except hostnames.BadName:
        return ""


def _registrable(kind: str, value: str) -> str:
    if kind == "url":
        return hostnames.registrable(hostnames.to_address(value).host)
    return hostnames.registrable(value) if kind in ("suffix", "host") else ""


def _sensitivity(labels: Labels, taxonomy: Taxonomy) -> str:
    """The highest sensitivity of the labels, but at most S3: a name in plain text is no secret."""
    most = max(taxonomy.categories[label].max_sensitivity for label in labels)
    return "S3" if most == _HIGHEST else most


def _check_label(form: str, label: str, taxonomy: Taxonomy) -> None:
    if label and label not in taxonomy:
        msg = f"no category {label!r}; {known(taxonomy.categories)}"
        raise UsageError(msg)
    if label and taxonomy.categories[label].tier == _ILLEGAL and form != _DIGEST_FORM:
        msg = (
            f"category {label!r} is stored only as keyed digests: import a list of format hmac_feed"
        )
        raise UsageError(msg)


def _details(listed: ListImport, created: str, licence: str, builder: _PackBuilder) -> PackDetails:
    stem = re.sub(r"[^a-z0-9._-]+", "-", listed.path.name.partition(".")[0].lower()).strip("-._")
    return PackDetails(
        name=f"{listed.form.replace('_', '-')}-{stem or 'list'}"[:64],
        version="1.0.0",
        title=f"{listed.path.name}, imported from format {listed.form}",
        created=created,
        licence=licence,
        sources=(
            {
                "title": listed.path.name,
                "x-licence": licence,
                "x-rows_in": listed.total,
                "x-rows_out": len(builder),
            },
        ),
        sensitivity=builder.sensitivity,
        frame=listed.path.name,
        kind=builder.pack_kind,
        label_method="upstream",
        max_age_days=30,
        prohibitions=("do not fetch S3 items without the assessor role",),
    )
