"""The register as documents: one for each version of a service, and one for checks in the field.

A hub keeps them as rows and makes its public pages from them, without reading events. Bodies are
JSON of ``PublicService`` and ``FieldFacts``, which hold what is public and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

import msgspec

from harness.model.field_event import FieldEvent
from harness.model.stream import same_name
from reports.site.field_checks import (
    FieldPeriod,
    ServiceChecks,
    checks_by_service,
    field_periods,
)
from reports.site.public_facts import (
    PublicRegister,
    PublicService,
    public_services,
    register_of,
    service_at,
)
from reports.site.stream_view import StreamView

FIELD = "field-checks"
"""The id of the document about checks in the field; it is in the owner's stream."""


class CheckedFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The checks of one service; ``identity`` is that of ``CheckedService``."""

    identity: tuple[str, ...]
    checks: tuple[ServiceChecks, ...]


class FieldFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The checks in the field: by year, and by service."""

    periods: tuple[FieldPeriod, ...] = ()
    services: tuple[CheckedFacts, ...] = ()


SERVICES = msgspec.json.Decoder(PublicService)
FIELDS = msgspec.json.Decoder(FieldFacts)


class RegisterDocument(NamedTuple):
    """A document of the register: in which stream, its id, and its body as JSON."""

    stream: str
    id: str
    body: str


class RegisterEntry(NamedTuple):
    """What is written of a service: the document, and the columns that lists filter by."""

    document: RegisterDocument
    service: PublicService


def service_documents(view: StreamView) -> Iterator[RegisterEntry]:
    """The documents of a supplier's stream; its checks in the field are in a document of their own.

    ``view.kept`` holds the assessments that decisions rest on.
    """
    for service in public_services(view, {}):
        body = msgspec.json.encode(service).decode()
        yield RegisterEntry(RegisterDocument(view.name, service.page, body), service)


def field_document(events: Iterable[FieldEvent], stream: str) -> RegisterDocument:
    """The document about all checks in the field, in the owner's stream."""
    recorded = tuple(events)
    facts = FieldFacts(
        periods=field_periods(recorded),
        services=tuple(
            CheckedFacts(identity=identity, checks=checks)
            for identity, checks in checks_by_service(recorded).items()
        ),
    )
    return RegisterDocument(stream, FIELD, msgspec.json.encode(facts).decode())


def register_from(documents: Iterable[RegisterDocument], now: datetime) -> PublicRegister:
    """The register at a time, from its documents. Raises msgspec.MsgspecError for a faulty one."""
    held = tuple(documents)
    field = next((FIELDS.decode(each.body) for each in held if each.id == FIELD), FieldFacts())
    checks = {each.identity: each.checks for each in field.services}
    services = []
    for document in held:
        if document.id != FIELD:
            service = service_at(SERVICES.decode(document.body), now)
            identity = _identity(document.stream, service)
            services.append(msgspec.structs.replace(service, field=checks.get(identity, ())))
    return register_of(services, now, field.periods)


def _identity(stream: str, service: PublicService) -> tuple[str, ...]:
    """What checks in the field are known by (``CheckedService.identity``)."""
    return stream, same_name(service.name), same_name(service.version), service.scheme
