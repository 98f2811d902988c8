"""Makes a pack of somebody's list: what its rows say of one value becomes one item.

The list is read to its end before a byte of the pack is written, so a list with an unknown
label, or one that is no list, leaves nothing but its report.
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
from corpora.read_list import KINDS, STATUSES, Import, Row, import_list, write_report
from corpora.source import Limits
from corpora.taxonomy import Taxonomy, shipped
from harness.errors import UsageError, known

Labels = tuple[str, ...]


class Saying(NamedTuple):
    """How a row says what it says of its value; ``once`` if no other says so of the same."""

    match: str
    label: str
    once: bool


class Values:
    """The values of one kind, each with its labels, in the order in which they came.

    Used as a context manager; the file goes with it.
    """

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._file: IO[str] | None = None
        self._said: Saying | None = None
        self._filed = 0
        self._held: dict[str, Labels] | None = None
        self._shared: dict[Labels, Labels] = {}
        self._withdrawn: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def __len__(self) -> int:
        if self._held is None:
            return self._filed
        return len(self._held) - len(self._held.keys() & self._withdrawn)

    def __iter__(self) -> Iterator[tuple[str, Labels]]:
        """The values that stay, each with its labels. Nothing may be added any more."""
        if self._held is None:
            yield from self._read()
            return
        for value, labels in self._held.items():
            if value not in self._withdrawn:
                yield value, labels

    def add(self, value: str, saying: Saying) -> None:
        """Take in what a row says of a value."""
        if self._held is None and saying.once and self._said in {None, saying}:
            self._said = saying
            self._write(value)
        else:
            self._label(self._hold(), value, saying.label)

    def withdraw(self, value: str) -> None:
        """Take in that a value is none of the list's, whatever other rows say."""
        self._hold()
        self._withdrawn.add(value)

    def _hold(self) -> dict[str, Labels]:
        """From now on in memory, with what was filed before."""
        if self._held is None:
            self._held = dict(self._read())
            self._stack.close()
        return self._held

    def _label(self, held: dict[str, Labels], value: str, label: str) -> None:
        labels = held.get(value, ())
        if label not in labels:
            labels = (*labels, label)
            held[value] = self._shared.setdefault(labels, labels)  # few, shared by many

    def _write(self, value: str) -> None:
        if self._file is None:
            self._file = self._stack.enter_context(_scratch())
        self._file.write(f"{value}\n")
        self._filed += 1

    def _read(self) -> Iterator[tuple[str, Labels]]:
        if self._file is not None and self._said is not None:
            labels = (self._said.label,)
            self._file.seek(0)
            yield from ((line[:-1], labels) for line in self._file)


def _scratch() -> IO[str]:
    """A file without a name, gone when it is closed."""
    return tempfile.TemporaryFile("w+", encoding="utf-8", errors="surrogatepass", newline="\n")


DIGEST = "hmac-sha256:"
"""How the value of an item begins that exists as a keyed digest only."""

_HIGHEST = "S4"
_ILLEGAL = "illegal"
_DIGEST_FORM = "hmac_feed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What came of an import. ``statuses`` add up to ``rows``; ``items`` are in the pack."""

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

    ``label`` is the category of a list that tells none; ``created`` an RFC 3339 moment. Raises
    UsageError if the list cannot be used as a whole, naming each unknown label.
    """
    taxonomy = taxonomy or shipped()
    _check_label(form, label, taxonomy)
    listed = import_list(form, path, taxonomy, limits)
    rows: Iterable[Row] = iter(listed)
    if report is not None:
        rows = write_report(rows, report)
    with _Gathered(path, label) as gathered:
        for row in rows:
            gathered.add(row)
        listed.check()
        gathered.check()
        items = gathered.items(form, taxonomy)
        count = write_pack(out, items, _details(listed, created, licence, gathered), taxonomy)
    statuses = {status: listed.counts[status] for status in STATUSES}
    return ImportReport(
        format=form, file=path.name, rows=listed.total, statuses=statuses, items=count
    )


class _Gathered:
    """The values of a list by kind; kinds in the order in which they came."""

    def __init__(self, path: Path, label: str) -> None:
        self._path = path
        self._label = label
        self._kinds: dict[str, Values] = {}
        self._stack = ExitStack()
        self._has_digests = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def __len__(self) -> int:
        return sum(map(len, self._kinds.values()))

    def add(self, row: Row) -> None:
        """Take a row in, if it says what something is.

        Raises UsageError if that takes a label and none is told: before more is read in vain.
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
                msg = f"{self._path}: the list tells no categories; say which one with --label CODE"
                raise UsageError(msg)
            self._has_digests |= value.startswith(DIGEST)
            # URLs were compared as they were written, and two may be one address
            once = row.status == "ok" and kind != "url"
            self._values(kind).add(value, Saying(row.match, label, once))

    def _values(self, kind: str) -> Values:
        if kind not in self._kinds:
            self._kinds[kind] = self._stack.enter_context(Values())
        return self._kinds[kind]

    @property
    def sensitivity(self) -> str:
        """What the manifest says of the pack."""
        return _HIGHEST if self._has_digests else "S3"

    def check(self) -> None:
        """Raises UsageError if no pack can be made."""
        if not len(self):
            msg = f"{self._path}: nothing in the list is an item"
            raise UsageError(msg)

    def items(self, form: str, taxonomy: Taxonomy) -> Iterator[dict[str, str]]:
        """The rows of the pack."""
        sensitivities: dict[Labels, str] = {}
        for kind, values in self._kinds.items():
            start = hashlib.sha256(f"{kind} ".encode())
            for value, labels in values:
                if labels not in sensitivities:
                    sensitivities[labels] = _sensitivity(labels, taxonomy)
                is_digest = value.startswith(DIGEST)
                digest = start.copy()
                digest.update(value.encode())
                yield {
                    "id": f"{form}-{digest.hexdigest()[:20]}",
                    "value_hmac" if is_digest else "value": value,
                    "kind": kind,
                    "registrable": _registrable(kind, value),
                    "labels": "|".join(labels),
                    "label_source": form,
                    "stratum": labels[0],
                    "verify_status": "unchecked",
                    "sensitivity": _HIGHEST if is_digest else sensitivities[labels],
                }


def _value(kind: str, value: str) -> str:
    """The value of an item; empty if it cannot be one."""
    if kind != "url" or value.startswith(DIGEST):
        return value
    try:
        return hostnames.to_address(value if "://" in value else f"http://{value}").href
    except hostnames.BadName:
        return ""


def _registrable(kind: str, value: str) -> str:
    if value.startswith(DIGEST):
        return ""
    if kind == "url":
        return hostnames.registrable(hostnames.to_address(value).host)
    return hostnames.registrable(value) if kind in ("suffix", "host") else ""


def _sensitivity(labels: Labels, taxonomy: Taxonomy) -> str:
    """The highest of the labels; not S4, for a name in plain is not secret."""
    most = max(taxonomy.categories[label].max_sensitivity for label in labels)
    return "S3" if most == _HIGHEST else most


def _check_label(form: str, label: str, taxonomy: Taxonomy) -> None:
    if label and label not in taxonomy:
        msg = f"no category {label!r}; {known(taxonomy.categories)}"
        raise UsageError(msg)
    if label and taxonomy.categories[label].tier == _ILLEGAL and form != _DIGEST_FORM:
        msg = f"category {label!r} is never stored in plain; only keyed digests of it are"
        raise UsageError(msg)


def _details(listed: Import, created: str, licence: str, gathered: _Gathered) -> PackDetails:
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
                "x-rows_out": len(gathered),
            },
        ),
        sensitivity=gathered.sensitivity,
        frame=listed.path.name,
        kind="real",
        label_method="upstream",
        max_age_days=30,
        prohibitions=("do not fetch S3 items without the assessor role",),
    )
