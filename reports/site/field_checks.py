"""What the public register says of checks in the field: numbers alone, no site and no complaint."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from harness.model.field_event import FieldEvent
from harness.monitor.field_standing import Tally, periods_of, standing


class FieldPeriod(msgspec.Struct, frozen=True, kw_only=True):
    """The checks of a year: services drawn of all certificates, and sites of each kind.

    ``is_drawn``: the draw has happened; before that a commitment to its seed is on record.
    """

    period: str
    is_drawn: bool
    certificates: int
    services_required: int
    services_drawn: int
    sites_required: int
    randomized: Tally
    reactive: Tally


class ServiceChecks(msgspec.Struct, frozen=True, kw_only=True):
    """The checks of one service in a year; ``is_drawn``: at random, not on complaint alone."""

    period: str
    is_drawn: bool
    sites_required: int
    sites_on_record: int
    randomized: Tally
    reactive: Tally


CheckedBy = Mapping[tuple[str, ...], tuple[ServiceChecks, ...]]
"""Checks by the service that they are of (``CheckedService.identity``), the newest first."""


def field_periods(events: Iterable[FieldEvent]) -> tuple[FieldPeriod, ...]:
    """The checks of each year, the newest first."""
    return tuple(_periods(tuple(events)))


def _periods(events: tuple[FieldEvent, ...]) -> Iterator[FieldPeriod]:
    for period in periods_of(events):
        found = standing(events, period)
        yield FieldPeriod(
            period=period,
            is_drawn=found.drawn is not None,
            certificates=found.certificates,
            services_required=found.services_required,
            services_drawn=found.services_drawn,
            sites_required=found.sites,
            randomized=found.randomized,
            reactive=found.reactive,
        )


def checks_by_service(events: Iterable[FieldEvent]) -> CheckedBy:
    """The checks of each service that was drawn, or for which a site was added."""
    recorded = tuple(events)
    checks: dict[tuple[str, ...], tuple[ServiceChecks, ...]] = {}
    for period in periods_of(recorded):
        found = standing(recorded, period)
        for each in found.services:
            one = ServiceChecks(
                period=period,
                is_drawn=bool(each.certificate),
                sites_required=found.sites,
                sites_on_record=each.of_sites,
                randomized=each.randomized,
                reactive=each.reactive,
            )
            checks[each.identity] = (*checks.get(each.identity, ()), one)
    return checks
