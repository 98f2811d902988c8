"""The records that a submission makes, each with the place in the file that it is made from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from harness.model.registry_record import (
    AnyRecord,
    Contact,
    Service,
    ServiceVersion,
    SubmissionRecord,
    WhiteLabel,
)
from harness.model.scheme import Scheme
from harness.model.submission import Submission
from harness.yaml_reader import KeyPath


def records_of(told: Submission, scheme: Scheme, text: str) -> Iterator[tuple[KeyPath, AnyRecord]]:
    """The records of a submission: service, version, labels, contacts, and itself.

    ``text`` is the whole file; as UTF-8 it is the file byte for byte.
    """
    service, certified = told.service, told.certification
    yield ("service", "name"), Service(id=service.name, description=service.description)
    yield ("service", "version"), ServiceVersion(id=service.version, of=service.name)
    for position, label in enumerate(told.white_labels):
        record = WhiteLabel(id=label.name, of=service.name, seller=label.seller)
        yield ("white_labels", position, "name"), record
    for position, person in enumerate(told.contacts):
        contact = Contact(id=person.name, role=person.role, email=person.email)
        yield ("contacts", position, "name"), contact
    yield (
        ("submission",),
        SubmissionRecord(
            id=told.submission,
            of=service.name,
            version=service.version,
            scheme=scheme.id,
            scheme_version=scheme.version,
            by=certified.by,
            signed=certified.signed,
            sha256=hashlib.sha256(text.encode()).hexdigest(),
            text=text,
        ),
    )
