"""Events of checks in the field, made by hand, for the tests of draws, numbers and pages.

Every private text holds the word PRIVATE.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from harness.model.field_event import (
    CheckedService,
    CheckKind,
    FieldDrawn,
    FieldEvent,
    FieldSeedCommitted,
    FieldSiteAdded,
    FieldVisited,
    StreamPart,
)
from harness.model.outcome import Conformity
from harness.model.stream import stream_of
from harness.monitor.field_draw import FramedService, digest_of_frame, digest_of_seed, draw

SEED, PERIOD = "5eed" * 16, "2026"
COMMITTED = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
DRAWN = datetime(2026, 2, 2, 9, 0, tzinfo=UTC)
PERSON = "PRIVATE Person"


def framed(
    service: str, supplier: str = "Acme", sites: Iterable[str] = (), **more: str
) -> FramedService:
    """A service with a valid certificate."""
    given = {"version": "1", "scheme": "becta-2008", "certificate": f"C-{service}"} | more
    return FramedService(
        stream=stream_of(supplier), supplier=supplier, service=service, sites=tuple(sites), **given
    )


def schools(number: int, name: str = "PRIVATE School") -> tuple[str, ...]:
    """The names of so many sites."""
    return tuple(f"{name} {each}" for each in range(1, number + 1))


def committed(seed: str = SEED, **more: Any) -> FieldSeedCommitted:
    """The commitment to a seed."""
    given: dict[str, Any] = {"at": COMMITTED, "actor": PERSON, "period": PERIOD} | more
    return FieldSeedCommitted(commitment=digest_of_seed(seed), **given)


def drawn(frame: Iterable[FramedService], seed: str = SEED, **more: Any) -> FieldDrawn:
    """The draw of two per cent of a frame."""
    services = tuple(frame)
    given: dict[str, Any] = {
        "at": DRAWN, "actor": PERSON, "period": PERIOD, "seed": seed,
        "frame": digest_of_frame(services), "certificates": len(services),
        "services": draw(services, seed, 0.02, 10),
        "streams": tuple(StreamPart(stream=each.stream, events=9) for each in services),
    }  # fmt: skip
    return FieldDrawn(**given | more)


def checked(service: CheckedService) -> CheckedService:
    """A service without its certificate and sites."""
    names = CheckedService.__struct_fields__
    return CheckedService(**{name: getattr(service, name) for name in names})


def added(service: CheckedService, site: str, **more: Any) -> FieldSiteAdded:
    """A site that somebody complained about, two days after the draw."""
    given: dict[str, Any] = {
        "at": DRAWN + timedelta(days=2), "actor": PERSON, "period": PERIOD,
        "because": "PRIVATE complaint",
    }  # fmt: skip
    return FieldSiteAdded(checked=checked(service), site=site, **given | more)


def visited(
    service: CheckedService,
    site: str,
    conformity: Conformity = Conformity.CONFORMS,
    kind: CheckKind = "randomized",
    **more: Any,
) -> FieldVisited:
    """A visit whose campaign is named after the site, ten days after the draw."""
    given: dict[str, Any] = {
        "at": DRAWN + timedelta(days=12), "actor": PERSON, "period": PERIOD,
        "campaign": f"PRIVATE {service.service} {kind} {site}", "journal": "",
        "begun": DRAWN + timedelta(days=10),
    }  # fmt: skip
    return FieldVisited(
        checked=checked(service), site=site, kind=kind, conformity=conformity, **given | more
    )


def field_story(services: Iterable[FramedService]) -> tuple[FieldEvent, ...]:
    """A year in which a service was drawn, half visited, and complained about once."""
    frame = tuple(services)
    draw_of_year = drawn(frame)
    (one,) = draw_of_year.services
    results = [Conformity.CONFORMS] * 6 + [Conformity.DOES_NOT_CONFORM, Conformity.INSUFFICIENT]
    return (
        committed(),
        draw_of_year,
        added(one, "PRIVATE Library"),
        *(visited(one, site, each) for site, each in zip(one.sites, results, strict=False)),
        visited(one, "PRIVATE Library", Conformity.DOES_NOT_CONFORM, "reactive"),
        committed("another", period="2027", at=DRAWN + timedelta(days=300)),
    )
