"""Read the labels of several raters, and measure how far they agree beyond chance.

The measure is Krippendorff's alpha for nominal labels: 1 is perfect agreement, 0 is chance, and
ratings may be missing (Krippendorff, Content Analysis, 4th edition, ch. 12). The interval is a
seeded percentile bootstrap over units (Efron 1979). The limits are Krippendorff's: below 0.667
nothing may be concluded, below 0.80 only tentatively.
"""

from __future__ import annotations

import csv
import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import BinaryIO, Literal

from corpora.item_table import FaultList
from corpora.taxonomy import Taxonomy, shipped
from harness.errors import UsageError
from harness.untrusted.regular_file import open_regular

LINE_BYTES = 64 * 1024
TOTAL_BYTES = 64 * 1024**2
"""More than a million ratings."""
COLUMNS = ("item", "rater", "label")


def read_ratings(path: Path, taxonomy: Taxonomy | None = None) -> dict[str, list[str]]:
    """Read the labels of each item; a line without a label is not a rating.

    Raises UsageError if the file cannot be read, FaultyDocument with a line per fault.
    """
    taxonomy = taxonomy or shipped()
    faults = FaultList(str(path))
    ratings: dict[tuple[str, str], str] = {}
    try:
        with open_regular(path) as plain:
            reader = csv.DictReader(_lines(plain, path), strict=True)
            if not set(COLUMNS) <= set(reader.fieldnames or ()):
                faults.add(1, "", "unknown columns", f"known: {', '.join(COLUMNS)}")
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
    """The lines of the file. Raises UsageError if a line or the whole file is too long."""
    encoding, number, total = "utf-8-sig", 0, 0
    while raw := stream.readline(LINE_BYTES + 1):
        number, total = number + 1, total + len(raw)
        if len(raw) > LINE_BYTES:
            raise UsageError(f"{path}:{number}: the line is longer than {LINE_BYTES} bytes")
        if total > TOTAL_BYTES:
            raise UsageError(f"{path}:{number}: the file is longer than {TOTAL_BYTES} bytes")
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
        faults.add(line, "", "the item or the rater is missing", "name both in each rating")
    if label and label not in taxonomy:
        faults.add(
            line, "label", f"{label[:40]!r} is not a category", "see the codes in taxonomy.csv"
        )
    if label and (item, rater) in ratings:
        faults.add(line, "rater", f"{rater[:40]!r} has already rated {item[:40]!r}", "keep one")


TENTATIVE = 0.667
RELIABLE = 0.80
RESAMPLES = 1000

Standing = Literal["reliable", "tentative", "unreliable", "unknown"]

_Pairs = Counter[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Alpha with its interval; None where it is undefined (no two ratings, or one label only).

    ``units`` are the items with at least two ratings; ``percent`` is the share of pairs of
    ratings that agree.
    """

    alpha: float | None
    lower: float | None
    upper: float | None
    percent: float | None
    units: int
    confidence: float

    @property
    def standing(self) -> Standing:
        """What alpha allows to conclude; unknown counts as unreliable."""
        if self.alpha is None:
            return "unknown"
        if self.alpha >= RELIABLE:
            return "reliable"
        return "tentative" if self.alpha >= TENTATIVE else "unreliable"


def measure_agreement(
    ratings: Mapping[str, Sequence[str]],
    *,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: str = "agreement",
) -> Agreement:
    """Measure the agreement of ``ratings``: the labels of each item, in any order."""
    units = [_pairs(labels) for _, labels in sorted(ratings.items()) if len(labels) > 1]
    total = _sum(units)
    weight = total.total()
    # seeded, so that the same ratings give the same interval
    generator = random.Random(seed)  # noqa: S311
    drawn = (_alpha(_sum(generator.choices(units, k=len(units)))) for _ in range(resamples))
    known = sorted(value for value in drawn if value is not None) if units else []
    tail = (1 - confidence) / 2
    alpha = _alpha(total)
    has_interval = alpha is not None and bool(known)
    return Agreement(
        alpha=alpha,
        lower=known[int(tail * (len(known) - 1))] if has_interval else None,
        upper=known[-1 - int(tail * (len(known) - 1))] if has_interval else None,
        percent=sum(n for (a, b), n in total.items() if a == b) / weight if weight else None,
        units=len(units),
        confidence=confidence,
    )


def _pairs(labels: Sequence[str]) -> _Pairs:
    """The coincidences within one unit, each with weight 1/(m-1), in units of 1/60060.

    Whole numbers keep the sums exact; 60060 is divisible by all m-1 up to 7.
    """
    weight = _SCALE // (len(labels) - 1)
    pairs: _Pairs = Counter()
    for pair in permutations(labels, 2):
        pairs[pair] += weight
    return pairs


_SCALE = 60060


def _sum(units: Sequence[_Pairs]) -> _Pairs:
    total: _Pairs = Counter()
    for pairs in units:
        total.update(pairs)
    return total


def _alpha(pairs: _Pairs) -> float | None:
    """Alpha of a coincidence matrix: 1 - observed / expected disagreement."""
    values: Counter[str] = Counter()
    for (label, _), count in pairs.items():
        values[label] += count
    n = values.total() / _SCALE
    observed = sum(count for (a, b), count in pairs.items() if a != b) / _SCALE
    squares = sum((count / _SCALE) ** 2 for count in values.values())
    if n <= 1 or squares == n * n:
        return None  # one label only, so alpha is undefined
    return 1 - (n - 1) * observed / (n * n - squares)
