"""How far the people who labelled a corpus agree, beyond chance.

Krippendorff's alpha for nominal labels: 1 is perfect, 0 is chance, and missing ratings are
borne (Krippendorff, Content Analysis, 4th edition, ch. 12). The interval is a percentile
bootstrap over units (Efron 1979), seeded. The gates are Krippendorff's own: below 0.667 nothing
may be concluded, below 0.80 only tentatively.
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


TENTATIVE = 0.667
RELIABLE = 0.80
RESAMPLES = 1000

Standing = Literal["reliable", "tentative", "unreliable", "unknown"]

_Pairs = Counter[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Alpha with its interval; None where nothing can be said (no two ratings, one label only).

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
        """What alpha allows; unknown is not favourable."""
        if self.alpha is None:
            return "unknown"
        if self.alpha >= RELIABLE:
            return "reliable"
        return "tentative" if self.alpha >= TENTATIVE else "unreliable"


def agree(
    ratings: Mapping[str, Sequence[str]],
    *,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: str = "agreement",
) -> Agreement:
    """Measure agreement of ``ratings``: for each item the labels its raters gave, in any order."""
    units = [_pairs(labels) for _, labels in sorted(ratings.items()) if len(labels) > 1]
    total = _sum(units)
    weight = total.total()
    # a generator, not a secret: the same seed gives the same interval
    chance = random.Random(seed)  # noqa: S311
    drawn = (_alpha(_sum(chance.choices(units, k=len(units)))) for _ in range(resamples))
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
    """The coincidences within one unit, each weighing 1/(m-1), in units of 1/60060.

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
        return None  # one label only: there is nothing that raters could have disagreed about
    return 1 - (n - 1) * observed / (n * n - squares)
