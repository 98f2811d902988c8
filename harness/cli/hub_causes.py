"""The changes of the instrument between campaigns of a service, from series and kept instruments.

One series of each place tells where the instrument changed; what changed is told by the documents
of the kind ``INSTRUMENT``, which hold an instrument each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from harness.store.hub.projection import Document, documents_of
from reports.dashboard.result_facts import SERIES, SERIES_FACTS, CurrentFacts, Figure
from reports.site.trend_causes import NOT_KNOWN, Cause, Instrument, changes_of_instrument

if TYPE_CHECKING:
    from sqlalchemy import Connection

INSTRUMENT = "instrument"
"""The kind of documents that hold an instrument."""

_NO_TIME = datetime(2000, 1, 1, tzinfo=UTC)
_INSTRUMENTS = msgspec.json.Decoder(Instrument)


def instrument_document(name: str, instrument: Instrument) -> Document:
    """The document of an instrument without its software; ``name`` is what figures call it."""
    instrument = msgspec.structs.replace(instrument, software=NOT_KNOWN)
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
    for before, after in sorted(_changes(series), key=lambda both: both[1].figure.at):
        if before.figure.instrument in known and after.figure.instrument in known:
            both = before.instrument(known), after.instrument(known)
            for what, detail in changes_of_instrument(*both):
                at = after.figure.since or after.figure.at
                cause = Cause(at, what, detail, breaks=True, after=before.figure.at)
                told.setdefault((what, detail), cause)
    yield from told.values()


class _Measured(NamedTuple):
    """A figure, and the version of our software that was known last then."""

    figure: Figure
    software: str

    def instrument(self, known: Mapping[str, Instrument]) -> Instrument:
        """What it was measured with."""
        software = self.software or NOT_KNOWN
        return msgspec.structs.replace(known[self.figure.instrument], software=software)


def _changes(series: Iterable[tuple[Figure, ...]]) -> Iterator[tuple[_Measured, _Measured]]:
    """The neighbouring figures that were measured with different instruments."""
    for figures in series:
        before: _Measured | None = None
        for figure in figures:
            known = before.software if before is not None else ""
            after = _Measured(figure, figure.software or known)
            if before is not None and figure.has_other_instrument(before.figure, known):
                yield before, after
            before = after
