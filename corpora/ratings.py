"""Ratings: which label each rater gave each item, in a CSV file with a line a rating."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

from corpora.faults import FaultList
from corpora.taxonomy import Taxonomy, shipped
from harness.errors import UsageError
from harness.plugins import register

COLUMNS = ("item", "rater", "label")


@register("corpora", "ratings")
def read_ratings(path: Path, taxonomy: Taxonomy | None = None) -> dict[str, list[str]]:
    """The labels of each item, for ``agreement.agree``; a line without a label is no rating.

    Raises UsageError if the file cannot be read, FaultyDocument with a line per fault.
    """
    taxonomy = taxonomy or shipped()
    faults = FaultList(str(path))
    ratings: dict[tuple[str, str], str] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, strict=True)
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
