"""Certificates of accreditation, and the list that says which of them are valid.

What a certificate has to say follows ISO/IEC 17065:2012, 7.7; suspension and withdrawal are 7.11.
"""

from __future__ import annotations

import hashlib
from datetime import date
from enum import StrEnum
from typing import Literal

import msgspec

from harness.model.registry_record import Hex32, Time
from harness.model.signature import Key

CERTIFICATE_TYPE = "application/vnd.accredit.certificate+json"
"""The payload type of a signed certificate."""

STATUS_LIST_TYPE = "application/vnd.accredit.status-list+json"
"""The payload type of a signed status list."""

LONGEST_FILE = 1024 * 1024
"""The most bytes of a certificate, as JSON or PDF, or of a status list, that are read."""

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_GROUPS, _GROUP = 4, 4


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who accredits: the name and the address of the body."""

    name: str
    address: str


class CertifiedScheme(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The minimum specification that a service meets."""

    id: str
    version: str


class Scope(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, order=True):
    """Where a service was measured: for which group of people, on which line."""

    profile: str
    line: str


class OpenCondition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a service has yet to fix, and by when. Nothing else of an action plan is public."""

    requirement: str
    due: date


class CertifiedBasis(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the decision rests on: digests of the journal's head and of the assessment (SHA-256)."""

    journal: Hex32
    assessment: Hex32
    rules: str
    begun: Time
    concluded: Time


class Statement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What being accredited means, and what it does not mean."""

    means: str
    does_not_mean: str


class StatusReference(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to find out whether a certificate was suspended or revoked, and the command for it."""

    note: str
    command: str


class Certificate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a certificate says. All of it is public.

    ``number`` follows from everything else (``number_of_certificate``), so that two different
    certificates never have the same one. ``limited_to`` is what the measurements are limited to,
    such as "agreed list only"; empty if they are not. ``decided_key`` is the key with which
    ``decided_by`` signed the decision, if so.
    """

    format: Literal["accredit-certificate/1"] = "accredit-certificate/1"
    number: str = ""
    body: Body
    supplier: str
    service: str
    version: str
    white_labels: tuple[str, ...]
    scheme: CertifiedScheme
    scope: tuple[Scope, ...]
    limited_to: str
    status: Literal["accredited", "accredited-with-action-plan"]
    conditions: tuple[OpenCondition, ...]
    decision: str
    decided_by: str
    decided_key: Key | msgspec.UnsetType = msgspec.UNSET
    decided_at: Time
    valid_until: Time
    issued_by: str
    issued_at: Time
    basis: CertifiedBasis
    statement: Statement
    status_list: StatusReference


class IssuedCertificate(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate as the registry holds it: ``text`` is its canonical form (RFC 8785)."""

    number: str
    sha256: Hex32
    text: str


class CertificateStatus(StrEnum):
    """The status of a certificate in a status list.

    ``revoked``: the accreditation was withdrawn, or replaced by a later decision; this is final.
    """

    VALID = "valid"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
    EXPIRED = "expired"


class StatusList(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The status of every certificate of an owner by its number, and nothing else.

    ``reasons`` say why those were stopped that were, as everybody may read it. After
    ``next_update`` the list says nothing any more.
    """

    format: Literal["accredit-status-list/1"] = "accredit-status-list/1"
    issued_at: Time
    next_update: Time
    certificates: dict[str, CertificateStatus]
    reasons: dict[str, str] | msgspec.UnsetType = msgspec.UNSET


def number_of_certificate(canonical_form: bytes) -> str:
    """The number of a certificate, from its canonical form with an empty number.

    It is the first 80 bits of the SHA-256, in the letters of Crockford's base 32: ``C-7K3M-...``.
    """
    bits = int.from_bytes(hashlib.sha256(canonical_form).digest()[:10])
    letters = [_ALPHABET[bits >> shift & 31] for shift in range(75, -1, -5)]
    groups = ("".join(letters[at * _GROUP : (at + 1) * _GROUP]) for at in range(_GROUPS))
    return "-".join(("C", *groups))
