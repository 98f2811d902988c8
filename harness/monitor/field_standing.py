"""Count what checks in the field showed in a period: services drawn, and sites of each kind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import msgspec

from harness.model.field_event import (
    LEAST_SHARE,
    LEAST_SITES,
    CheckedService,
    CheckKind,
    DrawnService,
    FieldDrawn,
    FieldEvent,
    FieldSiteAdded,
    FieldVisited,
)
from harness.model.outcome import Conformity
from harness.monitor.field_draw import (
    added_in,
    committed_in,
    drawn_in,
    refusal,
    services_required,
)


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """How many sites were drawn (or added on complaint) and visited, and what visits showed.

    Of each site the first campaign counts. ``limited`` of the ``passed`` ones passed with a limit,
    such as web filtering only. What is ``insufficient`` is not passed.
    """

    drawn: int = 0
    visited: int = 0
    passed: int = 0
    failed: int = 0
    insufficient: int = 0
    limited: int = 0


class ServiceStanding(CheckedService, frozen=True, kw_only=True):
    """What is known of a service in a period; no ``certificate`` if it was not drawn."""

    certificate: str
    of_sites: int
    randomized: Tally
    reactive: Tally

    @property
    def name(self) -> str:
        """The service and its version."""
        return f"{self.service} {self.version}"


class FieldStanding(msgspec.Struct, frozen=True, kw_only=True):
    """The checks of a period: how many services were drawn and required, and sites of each kind.

    ``sites`` are those required of each service. ``shortfalls`` say in sentences what is missing.
    """

    period: str
    committed: datetime | None
    drawn: datetime | None
    share: float
    sites: int
    certificates: int
    services_required: int
    services_drawn: int
    randomized: Tally
    reactive: Tally
    services: tuple[ServiceStanding, ...]
    shortfalls: tuple[str, ...]


def periods_of(events: Iterable[FieldEvent]) -> tuple[str, ...]:
    """The periods that events are of, the newest first."""
    return tuple(sorted({event.period for event in events}, reverse=True))


def standing(events: Sequence[FieldEvent], period: str) -> FieldStanding:
    """What is known of a period. Visits that would be refused, as of another site, do not count.

    Of several visits of a site the one whose campaign began first counts: a second one, after the
    supplier was told, would hide what the first one showed.
    """
    committed, drawn = committed_in(events, period), drawn_in(events, period)
    visits = [
        event
        for at, event in enumerate(events)
        if isinstance(event, FieldVisited)
        and event.period == period
        and not refusal(events[:at], event)
    ]
    chosen = drawn.services if drawn else ()
    held: dict[tuple[str, ...], CheckedService] = {one.identity: one for one in chosen}
    added = tuple(added_in(events, period))
    for one in added:
        held.setdefault(one.checked.identity, one.checked)
    services = tuple(_service(each, added, visits) for each in held.values())
    share, sites = (committed.share, committed.sites) if committed else (LEAST_SHARE, LEAST_SITES)
    certificates = drawn.certificates if drawn else 0
    return FieldStanding(
        period=period,
        committed=committed.at if committed else None,
        drawn=drawn.at if drawn else None,
        share=share,
        sites=sites,
        certificates=certificates,
        services_required=services_required(share, certificates),
        services_drawn=len(chosen),
        randomized=_sum(each.randomized for each in services),
        reactive=_sum(each.reactive for each in services),
        services=services,
        shortfalls=(*_undrawn(period, drawn), *_shortfalls(services, sites)),
    )


def _service(
    checked: CheckedService, added: Iterable[FieldSiteAdded], visits: Iterable[FieldVisited]
) -> ServiceStanding:
    own = [each for each in visits if each.checked.identity == checked.identity]
    sites = checked.sites if isinstance(checked, DrawnService) else ()
    complained = sum(each.checked.identity == checked.identity for each in added)
    return ServiceStanding(
        stream=checked.stream,
        supplier=checked.supplier,
        service=checked.service,
        version=checked.version,
        scheme=checked.scheme,
        certificate=checked.certificate if isinstance(checked, DrawnService) else "",
        of_sites=checked.of_sites if isinstance(checked, DrawnService) else 0,
        randomized=_tally(len(sites), own, "randomized"),
        reactive=_tally(complained, own, "reactive"),
    )


def _tally(drawn: int, visits: Iterable[FieldVisited], kind: CheckKind) -> Tally:
    first: dict[tuple[str, ...], FieldVisited] = {}
    for visit in sorted(visits, key=lambda each: each.begun):
        if visit.kind == kind:
            first.setdefault(visit.place, visit)
    found = [visit.conformity for visit in first.values()]
    limited = (one.limited_to and one.conformity is Conformity.CONFORMS for one in first.values())
    return Tally(
        drawn=drawn,
        visited=len(first),
        passed=found.count(Conformity.CONFORMS),
        failed=found.count(Conformity.DOES_NOT_CONFORM),
        insufficient=found.count(Conformity.INSUFFICIENT),
        limited=sum(map(bool, limited)),
    )


def _sum(tallies: Iterable[Tally]) -> Tally:
    rows = [msgspec.structs.asdict(each) for each in tallies]
    return Tally(**{name: sum(row[name] for row in rows) for name in Tally.__struct_fields__})


def _undrawn(period: str, drawn: FieldDrawn | None) -> Iterator[str]:
    if drawn is None:
        yield f"no service was drawn for {period}"


def _shortfalls(services: Iterable[ServiceStanding], sites: int) -> Iterator[str]:
    """Yield what is missing: sites that are not on record, and visits."""
    for each in services:
        if each.certificate and each.of_sites < sites:
            yield f"{each.name}: {each.of_sites} sites are on record, and {sites} are required"
        for kind, tally in (("drawn", each.randomized), ("added", each.reactive)):
            if tally.visited < tally.drawn:
                left = tally.drawn - tally.visited
                yield f"{each.name}: {left} of {tally.drawn} {kind} sites are not visited yet"
