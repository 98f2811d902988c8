"""The changes of the instrument between campaigns of a service, from series and kept instruments.

One series of each place tells where the instrument changed; what changed is told by the documents
of the kind ``INSTRUMENT``, which hold an instrument each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec

from harness.store.hub.projection import Document, documents_of
from reports.dashboard.result_facts import SERIES, SERIES_FACTS, CurrentFacts, Figure
from reports.site.trend_causes import Cause, Instrument, changes_of_instrument

if TYPE_CHECKING:
    from sqlalchemy import Connection

INSTRUMENT = "instrument"
"""The kind of documents that hold an instrument."""

_NO_TIME = datetime(2000, 1, 1, tzinfo=UTC)
_INSTRUMENTS = msgspec.json.Decoder(Instrument)


def instrument_document(name: str, instrument: Instrument) -> Document:
    """The document of an instrument; ``name`` is what figures call it."""
    body = msgspec.json.encode(instrument).decode()
    return Document(INSTRUMENT, name, "", "", _NO_TIME, body)


def instrument_causes(
    connection: Connection, stream: str, currents: Sequence[CurrentFacts]
) -> Iterator[Cause]:
    """The changes of the instrument; one that several places have is told once."""
    places = {(each.about.scheme, each.about.site, each.about.schedule): each for each in currents}
    ids = [each.series for each in places.values()]
    held = documents_of(connection, stream, SERIES, ids=ids)
    series = [SERIES_FACTS.decode(held[name].body).figures for name in ids]
    names = {figure.instrument for figures in series for figure in figures}
    known = {
        name: _INSTRUMENTS.decode(row.body)
        for name, row in documents_of(connection, stream, INSTRUMENT, ids=sorted(names)).items()
    }
    told: dict[tuple[str, str], Cause] = {}
    for before, after in sorted(_changes(series), key=lambda both: both[1].at):
        if before.instrument in known and after.instrument in known:
            both = known[before.instrument], known[after.instrument]
            for what, detail in changes_of_instrument(*both):
                at = after.since or after.at
                cause = Cause(at, what, detail, breaks=True, after=before.at)
                told.setdefault((what, detail), cause)
    yield from told.values()


def _changes(series: Iterable[tuple[Figure, ...]]) -> Iterator[tuple[Figure, Figure]]:
    """The neighbouring figures that were measured with different instruments."""
    for figures in series:
        for before, after in pairwise(figures):
            if before.instrument != after.instrument:
                yield before, after
