"""The people of a hub and what their accounts are for, as rows of a table."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select, update

from harness.errors import UsageError
from harness.model.hub_access import BOUND, Permission, Role, Viewer
from harness.model.stream import LONGEST_NAME
from harness.store.hub.hub_tables import PEOPLE, SESSIONS, TOKENS

LONGEST_EMAIL, LONGEST_SUBJECT = 254, 255
_EMAIL = re.compile(r"[^@\s\"(),:;<>\[\\\]]{1,64}@[^@\s\"(),:;<>\[\\\]/?#]{1,190}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """An account. ``streams`` are those of its suppliers, ``None`` means every supplier.

    ``password`` is a hash, empty without a password; ``second_factor`` a secret, empty without
    one; ``subject`` the person's id at the OIDC provider, empty if it signs in by e-mail address.
    """

    id: str
    email: str
    name: str
    role: Role
    streams: frozenset[str] | None
    sites: frozenset[str]
    password: str
    second_factor: str
    offered_factor: str
    last_code: int
    subject: str
    made: datetime
    disabled: datetime | None
    seen: datetime | None

    def viewer(self, only: frozenset[Permission] | None = None) -> Viewer:
        """The person as a viewer, with the permissions of a token or (``None``) of a session."""
        return Viewer(
            role=self.role,
            person=self.id,
            name=self.name,
            streams=self.streams,
            sites=self.sites,
            only=only,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """What an account is for: its role, the streams of suppliers (``None``: all), and sites."""

    role: Role
    streams: frozenset[str] | None
    sites: frozenset[str]


def membership(role: str, streams: Iterable[str] = (), sites: Iterable[str] = ()) -> Membership:
    """Return what an account is for. Raises UsageError for a role without what it needs.

    A supplier belongs to one supplier or more, a school to one site or more. Other people see every
    supplier, unless some are named.
    """
    try:
        found = Role(role)
    except ValueError:
        found = Role.PUBLIC
    if found is Role.PUBLIC:
        known = ", ".join(each for each in Role if each is not Role.PUBLIC)
        msg = f"{str(role)!r} is no role; known: {known}"
        raise UsageError(msg)
    named, at = frozenset(streams), frozenset(" ".join(site.split()) for site in sites)
    if found is Role.SUPPLIER and not named:
        msg = "a supplier's account needs the name of the supplier"
        raise UsageError(msg)
    if found is Role.SCHOOL and not at:
        msg = "a school's account needs the name of its site"
        raise UsageError(msg)
    if any(not 1 <= len(site) <= LONGEST_NAME or not site.isprintable() for site in at):
        msg = f"the name of a site has 1 to {LONGEST_NAME} characters that can be printed"
        raise UsageError(msg)
    is_all = not named and found not in BOUND
    return Membership(role=found, streams=None if is_all else named, sites=at)


def email_of(text: str) -> str:
    """Return an e-mail address as accounts are found by it. Raises UsageError if it is none."""
    address = folded_email(text)
    is_address = _EMAIL.fullmatch(address) is not None and address.isprintable()
    if not is_address or len(address) > LONGEST_EMAIL:
        msg = "give an e-mail address, such as ann@example.org"
        raise UsageError(msg)
    return address


def folded_email(text: str) -> str:
    """Return what was typed as an e-mail address in the form in which accounts keep theirs."""
    return unicodedata.normalize("NFC", text.strip()).lower()


def name_of(text: str) -> str:
    """Return the name of a person with single spaces. Raises UsageError if it is none."""
    name = " ".join(text.split())
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        msg = f"the name of a person has 1 to {LONGEST_NAME} characters that can be printed"
        raise UsageError(msg)
    return name


def subject_of(text: str) -> str:
    """Return a person's id at an OIDC provider as it is. Raises UsageError if it is none.

    Empty means none (OpenID Connect Core 1.0, section 2: at most 255 ASCII characters).
    """
    if len(text) > LONGEST_SUBJECT or not (text.isascii() and text.isprintable()):
        msg = f"the id at the OIDC provider has at most {LONGEST_SUBJECT} ASCII characters"
        raise UsageError(msg)
    return text


def person_of(row: Row[Any]) -> Person:
    """Return the person of a row that has the columns of the table."""
    values = {name: getattr(row, name) for name in PEOPLE.c.keys()}  # noqa: SIM118 - columns
    streams = json.loads(values["streams"])
    values |= {
        "role": Role(values["role"]),
        "streams": None if streams is None else frozenset(streams),
        "sites": frozenset(json.loads(values["sites"])),
    }
    return Person(**values)


def columns_of(holds: Membership) -> dict[str, str]:
    """Return what an account is for as values of columns."""
    streams = None if holds.streams is None else sorted(holds.streams)
    return {
        "role": holds.role.value,
        "streams": json.dumps(streams),
        "sites": json.dumps(sorted(holds.sites)),
    }


def find_by_email(connection: Connection, email: str) -> Person | None:
    """The person with that e-mail address, or ``None``."""
    row = connection.execute(select(PEOPLE).where(PEOPLE.c.email == folded_email(email))).first()
    return person_of(row) if row else None


def find_by_id(connection: Connection, person: str) -> Person | None:
    """The person with that id, or ``None``."""
    row = connection.execute(select(PEOPLE).where(PEOPLE.c.id == person)).first()
    return person_of(row) if row else None


def find_by_subject(connection: Connection, subject: str) -> Person | None:
    """The person with that id at the OIDC provider, or ``None``."""
    if not subject:
        return None
    row = connection.execute(select(PEOPLE).where(PEOPLE.c.subject == subject)).first()
    return person_of(row) if row else None


def require_person(found: Person | None, email: str) -> Person:
    """Return the person. Raises UsageError if there is none."""
    if found is None:
        msg = f"there is no account of {folded_email(email)!r}"
        raise UsageError(msg)
    return found


def change_row(connection: Connection, person: str, values: dict[str, Any]) -> Person:
    """Change columns of a person; return the person after it."""
    connection.execute(update(PEOPLE).where(PEOPLE.c.id == person).values(values))
    return require_person(find_by_id(connection, person), person)


def count_administrators(connection: Connection) -> int:
    """How many administrators are not disabled."""
    matches = (PEOPLE.c.role == Role.ADMINISTRATOR.value) & PEOPLE.c.disabled.is_(None)
    return int(connection.scalar(select(func.count()).select_from(PEOPLE).where(matches)) or 0)


def end_access(connection: Connection, person: str, now: datetime) -> None:
    """End all sessions and tokens of a person."""
    connection.execute(delete(SESSIONS).where(SESSIONS.c.person == person))
    left = (TOKENS.c.person == person) & TOKENS.c.revoked.is_(None)
    connection.execute(update(TOKENS).where(left).values(revoked=now))
