"""Ratings: which label each rater gave each item, in a CSV file with a line a rating."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from corpora.taxonomy import Taxonomy, shipped
from corpora.validation_errors import FaultList
from harness.errors import UsageError
from harness.untrusted.regular_file import open_regular

LINE_BYTES = 64 * 1024
TOTAL_BYTES = 64 * 1024**2
"""More than a million ratings."""
COLUMNS = ("item", "rater", "label")


def read_ratings(path: Path, taxonomy: Taxonomy | None = None) -> dict[str, list[str]]:
    """The labels of each item, for ``agreement.agree``; a line without a label is no rating.

    Raises UsageError if the file cannot be read, FaultyDocument with a line per fault.
    """
    taxonomy = taxonomy or shipped()
    faults = FaultList(str(path))
    ratings: dict[tuple[str, str], str] = {}
    try:
        with open_regular(path) as plain:
            reader = csv.DictReader(_lines(plain, path), strict=True)
            if not set(COLUMNS) <= set(reader.fieldnames or ()):
                faults.add(1, "", "the columns are not known", f"known: {', '.join(COLUMNS)}")
                raise faults.error()
            for row in reader:
                item, rater, label = ((row[column] or "").strip() for column in COLUMNS)
                _check(reader.line_num, (item, rater, label), ratings, taxonomy, faults)
                if label:
                    ratings[item, rater] = label
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        msg = f"{path}: {getattr(error, 'strerror', None) or error}"
        raise UsageError(msg) from None
    if faults:
        raise faults.error()
    labels: dict[str, list[str]] = defaultdict(list)
    for (item, _), label in ratings.items():
        labels[item].append(label)
    return dict(labels)


def _lines(stream: BinaryIO, path: Path) -> Iterator[str]:
    """The lines of the file. Raises UsageError where one is too long, or they are too many."""
    encoding, number, total = "utf-8-sig", 0, 0
    while raw := stream.readline(LINE_BYTES + 1):
        number, total = number + 1, total + len(raw)
        if len(raw) > LINE_BYTES:
            raise UsageError(f"{path}:{number}: a line of more than {LINE_BYTES} bytes")
        if total > TOTAL_BYTES:
            raise UsageError(f"{path}:{number}: more than {TOTAL_BYTES} bytes")
        yield raw.decode(encoding)
        encoding = "utf-8"


def _check(
    line: int,
    rating: tuple[str, str, str],
    ratings: dict[tuple[str, str], str],
    taxonomy: Taxonomy,
    faults: FaultList,
) -> None:
    item, rater, label = rating
    if not item or not rater:
        faults.add(line, "", "the item or the rater is missing", "each rating names both")
    if label and label not in taxonomy:
        faults.add(line, "label", f"{label[:40]!r} is no category", "see the codes in taxonomy.csv")
    if label and (item, rater) in ratings:
        faults.add(line, "rater", f"{rater[:40]!r} has rated {item[:40]!r} already", "keep one")
