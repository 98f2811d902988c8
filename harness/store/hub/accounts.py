"""Accounts of a hub: add, change and disable people.

Every change is recorded in the audit log, in the same transaction. A change of what a person may
see or do ends the sessions and tokens of that person at once.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.exc import IntegrityError

from harness.errors import UsageError
from harness.model.access_event import (
    PasswordSet,
    PersonAdded,
    PersonChanged,
    PersonDisabled,
    PersonEnabled,
    PersonRecorded,
    SecondFactorReset,
)
from harness.model.hub_access import Role
from harness.store.hub.audit_log import Audited, audited
from harness.store.hub.hub_tables import PEOPLE, SESSIONS
from harness.store.hub.password_hashes import hash_password, require_password
from harness.store.hub.people import (
    Membership,
    Person,
    change_row,
    columns_of,
    count_administrators,
    email_of,
    end_access,
    find_by_email,
    find_by_id,
    find_by_subject,
    name_of,
    person_of,
    require_person,
    subject_of,
)
from harness.store.registry.streams import Registry

Recorded = TypeVar("Recorded", bound=PersonRecorded)

ID_BYTES = 16


class Accounts:
    """The accounts in a registry's database. Its methods may be called from several threads.

    ``actor`` is the name of who makes a change. All methods raise InstrumentError for trouble with
    the database, and UsageError for what is not possible.
    """

    def __init__(self, registry: Registry, now: Callable[[], datetime]) -> None:
        self._registry = registry
        self._now = now

    def all(self) -> tuple[Person, ...]:
        """Every account, by name."""
        with self._registry.transaction() as connection:
            rows = connection.execute(select(PEOPLE).order_by(PEOPLE.c.name, PEOPLE.c.email))
            return tuple(person_of(row) for row in rows)

    def person(self, email: str) -> Person:
        """The account with that e-mail address. Raises UsageError if there is none."""
        with self._registry.transaction() as connection:
            return require_person(find_by_email(connection, email), email)

    def by_id(self, person: str) -> Person | None:
        """The account with that id, or ``None``."""
        with self._registry.transaction() as connection:
            return find_by_id(connection, person)

    def add(
        self,
        email: str,
        name: str,
        holds: Membership,
        *,
        password: str = "",
        subject: str = "",
        actor: str,
    ) -> Person:
        """Add an account; without a password it signs in by OIDC alone."""
        address, called = email_of(email), name_of(name)
        if password:
            require_password(password, address, called)
        values = {
            "email": address, "name": called,
            "password": hash_password(password) if password else "", "second_factor": "",
            "offered_factor": "", "last_code": 0, "subject": subject_of(subject),
            **columns_of(holds),
        }  # fmt: skip
        now, new_id = self._now(), secrets.token_hex(ID_BYTES)
        with audited(self._registry, now) as transaction:
            if find_by_email(transaction.connection, address) is not None:
                raise UsageError(f"there is an account of {address} already")
            _require_free(transaction.connection, subject)
            try:
                transaction.connection.execute(
                    insert(PEOPLE).values(values | {"id": new_id, "made": now})
                )
            except IntegrityError:
                raise UsageError(f"there is an account of {address} already") from None
            added = require_person(find_by_id(transaction.connection, new_id), address)
            transaction.record(_recorded(PersonAdded, added, now, actor))
        return added

    def change(
        self,
        email: str,
        *,
        name: str = "",
        holds: Membership | None = None,
        subject: str | None = None,
        actor: str,
    ) -> Person:
        """Change the name of a person, what the account is for, or its id at the OIDC provider.

        Another role, supplier, site or id ends the sessions and tokens.
        """
        values: dict[str, Any] = columns_of(holds) if holds else {}
        if name:
            values["name"] = name_of(name)
        if subject is not None:
            values["subject"] = subject_of(subject)
        with self._changing(email) as (transaction, held):
            if holds is not None and holds.role is not Role.ADMINISTRATOR:
                _require_other_administrator(transaction.connection, held)
            _require_free(transaction.connection, values.get("subject", ""), held.id)
            changed = change_row(transaction.connection, held.id, values) if values else held
            if changed == held:
                return held
            if replace(changed, name=held.name) != held:
                end_access(transaction.connection, held.id, transaction.now)
            transaction.record(_recorded(PersonChanged, changed, transaction.now, actor))
        return changed

    def disable(self, email: str, reason: str, *, actor: str) -> Person:
        """Let a person sign in no more; sessions and tokens end."""
        if not reason.strip():
            raise UsageError("say why the account is disabled")
        with self._changing(email) as (transaction, held):
            if held.disabled is not None:
                raise UsageError(f"the account of {held.email} is disabled already")
            _require_other_administrator(transaction.connection, held)
            changed = change_row(transaction.connection, held.id, {"disabled": transaction.now})
            end_access(transaction.connection, held.id, transaction.now)
            event = PersonDisabled(
                at=transaction.now, actor=actor, person=held.id, reason=reason.strip()
            )
            transaction.record(event)
        return changed

    def enable(self, email: str, *, actor: str) -> Person:
        """Let a person that was disabled sign in again."""
        with self._changing(email) as (transaction, held):
            if held.disabled is None:
                raise UsageError(f"the account of {held.email} is not disabled")
            changed = change_row(transaction.connection, held.id, {"disabled": None})
            transaction.record(PersonEnabled(at=transaction.now, actor=actor, person=held.id))
        return changed

    def set_password(self, email: str, password: str, *, actor: str) -> Person:
        """Set the password of a person; sessions and tokens end."""
        held = self.person(email)
        require_password(password, held.email, held.name)
        hashed = hash_password(password)
        with self._changing(email) as (transaction, held):
            changed = change_row(transaction.connection, held.id, {"password": hashed})
            end_access(transaction.connection, held.id, transaction.now)
            transaction.record(PasswordSet(at=transaction.now, actor=actor, person=held.id))
        return changed

    def reset_second_factor(self, email: str, *, actor: str) -> Person:
        """Remove the second factor of a person; sessions end."""
        with self._changing(email) as (transaction, held):
            if not held.second_factor:
                raise UsageError(f"the account of {held.email} has no second factor")
            values = {"second_factor": "", "offered_factor": ""}
            changed = change_row(transaction.connection, held.id, values)
            transaction.connection.execute(delete(SESSIONS).where(SESSIONS.c.person == held.id))
            transaction.record(SecondFactorReset(at=transaction.now, actor=actor, person=held.id))
        return changed

    @contextmanager
    def _changing(self, email: str) -> Iterator[tuple[Audited, Person]]:
        """Begin a change of a person, as the account is at that moment."""
        with audited(self._registry, self._now()) as transaction:
            held = find_by_email(transaction.connection, email)
            yield transaction, require_person(held, email)


def _recorded(kind: type[Recorded], person: Person, now: datetime, actor: str) -> Recorded:
    """An event with what an account holds."""
    return kind(
        at=now,
        actor=actor,
        person=person.id,
        email=person.email,
        name=person.name,
        role=person.role.value,
        streams=None if person.streams is None else tuple(sorted(person.streams)),
        sites=tuple(sorted(person.sites)),
    )


def _require_free(connection: Connection, subject: str, person: str = "") -> None:
    """Raise UsageError if another account has that id at the OIDC provider."""
    held = find_by_subject(connection, subject)
    if held is not None and held.id != person:
        raise UsageError(f"the account of {held.email} has this subject already")


def _require_other_administrator(connection: Connection, person: Person) -> None:
    """Raise UsageError if nobody else could administer the hub."""
    is_active = person.role is Role.ADMINISTRATOR and person.disabled is None
    if is_active and count_administrators(connection) == 1:
        raise UsageError(f"{person.email} is the only administrator; add another one first")
