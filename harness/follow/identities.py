"""Identities of people: registered keys, signatures of events, and who may decide favourably.

The body registers the name and the public key of each person in the stream of the scheme's owner. A
person signs an event; the signature covers all of it, and the stream that it is of. A hub writes
the account of who signed in into the actor instead. Anything else is an act by name only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec

from harness.errors import InstrumentError, UsageError
from harness.follow.guards import Approved
from harness.model.decision import FAVOURABLE, HeldDecision, Status
from harness.model.decision_event import (
    DecisionEvent,
    DecisionMade,
    DecisionReviewed,
    EvaluationReviewed,
)
from harness.model.event import Event, RecordAdded, RecordClosed
from harness.model.person_names import is_same_name, is_same_person, person_in
from harness.model.registry_record import AnyRecord, Identity
from harness.model.signature import SHOWN_KEY, is_by_name_only
from harness.model.stream import OWNER_NAME, same_name

AnyEvent = TypeVar("AnyEvent", bound=Event)


class RegisteredIdentity(NamedTuple):
    """A key on record: whose it is, since when, and until when and why, if it was closed."""

    name: str
    key: str
    since: datetime
    closed: datetime | None = None
    reason: str = ""


Identities = Mapping[str, RegisteredIdentity]
"""The identities that a body registered, by key."""

NO_IDENTITIES: Identities = {}
"""No identity is registered."""

HOW_TO_SIGN = (
    "make a key (accredit identity make), let the body register it (accredit identity register), "
    "and sign with it (--identity FILE)"
)


def identities_in(events: Iterable[Event]) -> Identities:
    """The identities after the events of the owner's stream, in the order of their records."""
    found: dict[str, RegisteredIdentity] = {}
    open_keys: dict[str, str] = {}
    for event in events:
        if isinstance(event, RecordAdded) and isinstance(event.record, Identity):
            record = event.record
            found[record.public_key] = RegisteredIdentity(record.id, record.public_key, event.at)
            open_keys[record.key] = record.public_key
        elif isinstance(event, RecordClosed) and event.record in open_keys:
            key = open_keys.pop(event.record)
            found[key] = found[key]._replace(closed=event.at, reason=event.reason)
    return found


def is_identity(event: Event) -> bool:
    """Whether an event registers an identity, which rests on all others."""
    return isinstance(event, RecordAdded) and isinstance(event.record, Identity)


def require_other_identity(
    record: Identity,
    stream: str,
    records: Iterable[AnyRecord],
    open_record: Callable[[str], AnyRecord | None],
) -> None:
    """Raise UsageError unless an identity is of the owner's stream, and another than all before.

    No key is registered twice, also none that was closed; no open identity may be the same person.
    """
    if stream != OWNER_NAME:
        msg = f"identity {record.id!r}: identities are registered by {OWNER_NAME} alone"
        raise UsageError(msg)
    if "<" in record.id or ">" in record.id:
        msg = f"identity {record.id!r}: a name without < and >, which stand around an account"
        raise UsageError(msg)
    if not is_same_name(record.id, record.id):
        msg = f"identity {record.id!r}: needs a name with letters"
        raise UsageError(msg)
    for one in records:
        if not isinstance(one, Identity):
            continue
        if one.public_key == record.public_key:
            msg = (
                f"identity {record.id!r}: this key was registered for {one.id} before; make a new "
                "one (accredit identity make)"
            )
            raise UsageError(msg)
        if open_record(one.key) is one and is_same_name(one.id, record.id):
            msg = (
                f"identity {record.id!r}: may be the same person as {one.id}, whose key is on "
                "record; close that one first (accredit identity close), or write the name in full"
            )
            raise UsageError(msg)


def signer_of(event: Event) -> str:
    """The name of the person whose signature an event bears, or would: an approver's, if any."""
    return event.approver if isinstance(event, Approved) else event.actor


def key_of(event: Event) -> str | msgspec.UnsetType:
    """The public key with which an event is signed; unset if it is not."""
    return msgspec.UNSET if isinstance(event.signed, msgspec.UnsetType) else event.signed.key


def signed_event(event: AnyEvent, stream: str, identity: Path | None) -> AnyEvent:
    """The event, signed with the private key in a file; without a file as it is.

    ``stream`` is the name of the stream in which it is recorded. Raises UsageError without a key.
    """
    if identity is None:
        return event
    from harness.signing import signature_of  # noqa: PLC0415 - cryptography is heavy

    signed = signature_of(event, _about(stream), identity)
    return msgspec.structs.replace(event, signed=signed)


def require_signature(event: Event, stream: str) -> None:
    """Raise InstrumentError if an event bears a signature of anything else, or for elsewhere."""
    if not key_of(event):
        return
    from harness.signing import is_signature_of  # noqa: PLC0415 - cryptography is heavy

    if not is_signature_of(event, _about(stream)):
        kind = str(event.__struct_config__.tag)
        msg = (
            f"the signature of {signer_of(event)} on {kind} {event.about} is not valid: the event "
            f"was changed, or is of another stream than that of {stream}"
        )
        raise InstrumentError(msg)


def _about(stream: str) -> tuple[str, ...]:
    return ("event", same_name(stream))


def require_identity(event: Event, identities: Identities, *, has_accounts: bool) -> None:
    """Raise UsageError unless it is clear whose a new event is.

    The key of a signature is on record for who signed. A hub alone (``has_accounts``) writes
    accounts. Who decides favourably, or recommends it, is known by one of both.
    """
    who, key = signer_of(event), key_of(event)
    for name in () if has_accounts else (event.actor, who):
        if person_in(name).account:
            msg = f"{name!r}: only a hub writes an account, in < and >; give the name alone"
            raise UsageError(msg)
    if key:
        if why := why_not_signed_by(who, key, identities, event.at):
            raise UsageError(f"{why}; {HOW_TO_SIGN}")
        return
    if _status_in(event) in FAVOURABLE and is_by_name_only(who, ""):
        msg = f"{who} is known by name only, and cannot accredit a service; {HOW_TO_SIGN}"
        raise UsageError(msg)


def _status_in(event: Event) -> Status | None:
    """The status that an event decides or recommends; ``None`` for any other event."""
    if isinstance(event, EvaluationReviewed):
        return event.recommendation.status
    return event.decision.status if isinstance(event, DecisionMade) else None


def why_not_signed_by(who: str, key: str, identities: Identities, at: datetime) -> str:
    """Why a key is not the registered one of a person at a time; empty if it is."""
    found = identities.get(key)
    if found is None:
        return f"the key {key[:SHOWN_KEY]} of {who} is not registered"
    if not is_same_person(who, found.name):
        return f"the key {key[:SHOWN_KEY]} is registered for {found.name}, not for {who}"
    if found.closed is not None and found.closed <= at:
        return f"the key {key[:SHOWN_KEY]} of {who} was closed ({found.reason})"
    return ""


def with_key(held: HeldDecision, event: DecisionEvent) -> HeldDecision:
    """A decision after an event about it, with the key with which that event was signed."""
    key = key_of(event)
    if key and isinstance(event, DecisionMade):
        return msgspec.structs.replace(held, key=key)
    if key and isinstance(event, DecisionReviewed):
        answered = msgspec.structs.replace(held.appeals[-1], key=key)
        return msgspec.structs.replace(held, appeals=(*held.appeals[:-1], answered))
    return held
