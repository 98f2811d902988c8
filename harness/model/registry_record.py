"""Records of the registry beside findings and plans: what is accredited, who, and what happened.

Each belongs to the stream of a supplier, or to that of the scheme's owner. ``id`` is what people
call it; within a stream, two open records of one kind cannot have the same.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Literal, get_args, get_type_hints

import msgspec

from harness.errors import UsageError, known
from harness.model.signature import Key
from harness.model.stream import same_name

Text = Annotated[str, msgspec.Meta(max_length=4000)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Time = Annotated[datetime, msgspec.Meta(tz=True)]
"""A time with its offset from UTC."""
Hex32 = Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{64})?\Z")]
"""32 bytes in hexadecimal, or nothing."""


class RegistryRecord(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """The field of all records: the name that people call it by."""

    id: Name

    @property
    def kind(self) -> str:
        """The kind of the record, such as ``service``."""
        return str(self.__struct_config__.tag)

    @property
    def key(self) -> str:
        """The key of the record in its stream, such as ``service:safe net``."""
        return record_key(self.kind, self.id)


def record_key(kind: str, name: str) -> str:
    """Return the key of a record that is not of a service in its stream."""
    return f"{kind}:{same_name(name)}"


class OfService(RegistryRecord, frozen=True, kw_only=True):
    """A record about the service ``of``, which must be in the same stream."""

    of: Name

    @property
    def key(self) -> str:
        """The key of the record in its stream: its kind, its service, and its name."""
        return f"{self.kind}:{same_name(self.of)}\x1f{same_name(self.id)}"


class Service(RegistryRecord, frozen=True, kw_only=True, tag="service"):
    """A filtered internet service that a supplier offers."""

    description: Text = ""


class ServiceVersion(OfService, frozen=True, kw_only=True, tag="version"):
    """A version of a service; ``sha256`` is that of its exported configuration."""

    sha256: Hex32 = ""
    released: Time | None = None


class WhiteLabel(OfService, frozen=True, kw_only=True, tag="white-label"):
    """The same service under another name, sold by ``seller``."""

    seller: Name


class Site(RegistryRecord, frozen=True, kw_only=True, tag="site"):
    """A place where the service is measured, such as a school."""

    place: Text = ""


class Contact(RegistryRecord, frozen=True, kw_only=True, tag="contact"):
    """A person to write to; ``public_key`` is an Ed25519 key, 32 bytes in hexadecimal."""

    role: Literal["technical", "safeguarding", "commercial", "assessor", "decision-maker"]
    email: Annotated[str, msgspec.Meta(pattern=r"^[^@\s]+@[^@\s]+\Z", max_length=254)]
    public_key: Hex32 = ""


class Identity(RegistryRecord, frozen=True, kw_only=True, tag="identity"):
    """A person whose signatures count: the name, and the public Ed25519 key.

    The body registers it in the stream of the scheme's owner (``harness.follow.identities``).
    """

    public_key: Key


class CampaignRecord(OfService, frozen=True, kw_only=True, tag="campaign"):
    """A campaign that was concluded, and the numbers of its binding outcomes.

    ``rules`` is the version of the rules that judged it; ``journal`` is the hash of its head.
    """

    scheme: str
    scheme_version: str
    rules: str
    journal: str
    conforms: int
    does_not_conform: int
    insufficient: int

    @property
    def key(self) -> str:
        """The key of the record in its stream: one for each scheme that judged the campaign."""
        return f"{super().key}\x1f{self.scheme}"


class SubmissionRecord(OfService, frozen=True, kw_only=True, tag="submission"):
    """A supplier's submission: what it declares of a version, for a scheme, and the whole text.

    ``sha256`` is that of the file, which is ``text`` as UTF-8; ``by`` signed the
    self-certification at ``signed``.
    """

    version: Name
    scheme: str
    scheme_version: str
    by: Name
    signed: Time
    sha256: Hex32
    text: Annotated[str, msgspec.Meta(max_length=1024 * 1024)]


class Incident(OfService, frozen=True, kw_only=True, tag="incident"):
    """Something went wrong in use, such as a failure to block."""

    happened: Time
    description: Text


class Complaint(OfService, frozen=True, kw_only=True, tag="complaint"):
    """Somebody complained about a service, or about its assessment (ISO/IEC 17065, 7.13).

    It is to be answered by ``due``. Those of earlier versions have neither time.
    """

    complainant: Name
    description: Text
    received: Time | None = None
    due: Time | None = None


class Review(OfService, frozen=True, kw_only=True, tag="review"):
    """An accreditation is to be looked at again by a date, for a reason."""

    trigger: Literal[
        "new-version", "incident", "complaint", "surveillance", "recall", "expiry", "request"
    ]
    due: Time
    description: Text = ""


AnyRecord = (
    Service
    | ServiceVersion
    | WhiteLabel
    | Site
    | Contact
    | Identity
    | CampaignRecord
    | SubmissionRecord
    | Incident
    | Complaint
    | Review
)
"""Every kind of record; what is stored is read back as one of these."""

RECORDS: dict[str, type[AnyRecord]] = {
    str(kind.__struct_config__.tag): kind
    for kind in (
        Service,
        ServiceVersion,
        WhiteLabel,
        Site,
        Contact,
        Identity,
        CampaignRecord,
        SubmissionRecord,
        Incident,
        Complaint,
        Review,
    )
}
"""The kinds of records, by name."""

_DECODERS = {name: msgspec.json.Decoder(kind) for name, kind in RECORDS.items()}


def require_valid(record: AnyRecord) -> None:
    """Raise UsageError if a field of a record is not allowed, naming the field."""
    if not same_name(record.id):
        msg = f"a {record.kind} needs a name"
        raise UsageError(msg)
    try:
        _DECODERS[record.kind].decode(msgspec.json.encode(record))
    except msgspec.ValidationError as error:
        msg = f"{record.kind} {record.id!r}: {error}"
        raise UsageError(msg) from None
    for name in times_of(record.kind):
        try:
            at = getattr(record, name)
            _ = at and at.astimezone(UTC)
        except OverflowError:
            msg = f"{record.kind} {record.id!r}: {name} has no time in UTC"
            raise UsageError(msg) from None


def require_kind(kind: str) -> None:
    """Raise UsageError with the known kinds if there is no such kind of record."""
    if kind not in RECORDS:
        msg = f"no kind of record {kind!r}; {known(RECORDS)}"
        raise UsageError(msg)


@cache
def times_of(kind: str) -> frozenset[str]:
    """The fields of a kind of record that hold a time; none for an unknown kind."""
    if kind not in RECORDS:
        return frozenset()
    hints = get_type_hints(RECORDS[kind])
    return frozenset(name for name, hint in hints.items() if datetime in (hint, *get_args(hint)))


def make_record(kind: str, values: dict[str, str]) -> AnyRecord:
    """Return the record of that kind with the given fields, all as text.

    Raises UsageError for an unknown kind or field, and for a value that is not allowed. A time is
    ISO 8601 with its offset from UTC; a number or a text without an offset is none.
    """
    require_kind(kind)
    fields = {field.name for field in msgspec.structs.fields(RECORDS[kind])}
    if unknown := sorted(set(values) - fields):
        msg = f"a {kind} has no field {unknown[0]!r}; {known(sorted(fields))}"
        raise UsageError(msg)
    for name in sorted(times_of(kind) & values.keys()):
        _require_time(kind, name, values[name])
    try:
        record: AnyRecord = msgspec.convert(values, RECORDS[kind], strict=True)
    except msgspec.ValidationError as error:
        msg = f"{kind}: {error}"
        raise UsageError(msg) from None
    require_valid(record)
    return record


def _require_time(kind: str, name: str, text: str) -> None:
    """Raise UsageError unless a text is a time with its offset from UTC."""
    try:
        msgspec.convert(text, Time, strict=True)
    except msgspec.ValidationError:
        msg = (
            f"{kind}: {name} {text!r} is no time with its offset from UTC; "
            "write 2026-03-31 or 2026-03-31T09:00:00Z"
        )
        raise UsageError(msg) from None
