"""Sessions of people who signed in: found by the SHA-256 of their secret, and ended at any time.

A secret is 32 random bytes, which only the browser has. Each function works within a transaction.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import (
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from harness.store.hub.hub_tables import PEOPLE, SESSIONS
from harness.store.hub.people import Person, person_of

SECRET_BYTES = 32
IDLE, LONGEST = timedelta(minutes=30), timedelta(hours=12)
"""A session ends when it was not used for so long, and at the latest after so long."""

FIRST_STEP = timedelta(minutes=10)
"""How long the second factor may take."""

SEEN_EVERY = timedelta(minutes=1)
"""How exactly the last use of a session is kept."""

MOST = 20
"""The most sessions of a person; a new one ends the oldest."""

LONGEST_BROWSER = 200


class Session(NamedTuple):
    """A session, by the SHA-256 of its secret; not ``is_complete`` without the second factor."""

    digest: str
    person: Person
    csrf: str
    made: datetime
    seen: datetime
    until: datetime
    is_complete: bool
    address: str
    browser: str


class NewSession(NamedTuple):
    """A session that began, and its secret, which is nowhere else.

    ``mark`` is a new one by which the browser is known from now on; empty if it keeps its own.
    """

    secret: str
    session: Session
    mark: str = ""


def digest_of(secret: str) -> str:
    """The digest by which a secret is kept."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def begin_session(
    connection: Connection,
    person: Person,
    now: datetime,
    *,
    address: str,
    browser: str,
    is_complete: bool,
) -> NewSession:
    """Begin a session of a person, with a secret of its own."""
    _make_room(connection, person.id, now)
    secret = secrets.token_urlsafe(SECRET_BYTES)
    session = Session(
        digest=digest_of(secret),
        person=person,
        csrf=secrets.token_urlsafe(SECRET_BYTES),
        made=now,
        seen=now,
        until=now + (LONGEST if is_complete else FIRST_STEP),
        is_complete=is_complete,
        address=address,
        browser=browser[:LONGEST_BROWSER],
    )
    values = session._asdict() | {"person": person.id}
    connection.execute(insert(SESSIONS).values(values))
    if is_complete:
        connection.execute(update(PEOPLE).where(PEOPLE.c.id == person.id).values(seen=now))
    return NewSession(secret, session)


def find_session(connection: Connection, secret: str, now: datetime) -> Session | None:
    """The session with that secret; ``None`` if it ended, or its person is disabled."""
    return session_by_digest(connection, digest_of(secret), now)


def session_by_digest(connection: Connection, digest: str, now: datetime) -> Session | None:
    """The session with that digest; ``None`` if it ended, or its person is disabled."""
    found = _sessions(connection, _BY_DIGEST, now, digest=digest)
    return found[0] if found else None


def is_due(session: Session, now: datetime) -> bool:
    """Whether the last use of a session has to be kept."""
    return now - session.seen >= SEEN_EVERY


def keep_seen(connection: Connection, session: Session, now: datetime) -> None:
    """Keep that a session was used now."""
    matches = SESSIONS.c.digest == session.digest
    connection.execute(update(SESSIONS).where(matches).values(seen=now))
    if session.is_complete:
        matches = PEOPLE.c.id == session.person.id
        connection.execute(update(PEOPLE).where(matches).values(seen=now))


def sessions_of(connection: Connection, now: datetime, person: str = "") -> list[Session]:
    """The sessions that have not ended, of a person or of all, last used first."""
    if person:
        return _sessions(connection, _OF_PERSON, now, person=person)
    return _sessions(connection, _OPEN, now)


def end_sessions(connection: Connection, person: str, *, only: str = "", without: str = "") -> int:
    """End sessions of a person: all, the one with the digest ``only``, or all ``without`` one.

    Returns how many ended.
    """
    matches = [SESSIONS.c.person == person]
    if only:
        matches.append(SESSIONS.c.digest == only)
    if without:
        matches.append(SESSIONS.c.digest != without)
    return int(connection.execute(delete(SESSIONS).where(and_(*matches))).rowcount)


def _make_room(connection: Connection, person: str, now: datetime) -> None:
    """Remove what ended, and the oldest sessions of a person who has too many."""
    ended = (SESSIONS.c.until <= now) | (SESSIONS.c.seen <= now - IDLE)
    connection.execute(delete(SESSIONS).where(ended))
    count = select(func.count()).select_from(SESSIONS).where(SESSIONS.c.person == person)
    if int(connection.scalar(count) or 0) >= MOST:
        own = select(SESSIONS.c.digest).where(SESSIONS.c.person == person)
        oldest = connection.scalars(own.order_by(SESSIONS.c.seen, SESSIONS.c.digest).limit(1)).all()
        connection.execute(delete(SESSIONS).where(SESSIONS.c.digest.in_(oldest)))


_OPEN = (
    select(*PEOPLE.c, *(column.label(f"session_{column.name}") for column in SESSIONS.c))
    .join(SESSIONS, SESSIONS.c.person == PEOPLE.c.id)
    .where(
        PEOPLE.c.disabled.is_(None),
        SESSIONS.c.until > bindparam("now"),
        SESSIONS.c.seen > bindparam("idle_since"),
    )
    .order_by(SESSIONS.c.seen.desc(), SESSIONS.c.digest)
)
_BY_DIGEST = _OPEN.where(SESSIONS.c.digest == bindparam("digest"))
_OF_PERSON = _OPEN.where(SESSIONS.c.person == bindparam("person"))
"""Made once, for every page asks: making the question takes longer than the answer."""


def _sessions(
    connection: Connection, question: Select[Any], now: datetime, **values: str
) -> list[Session]:
    given = {"now": now, "idle_since": now - IDLE, **values}
    return [_session_of(row) for row in connection.execute(question, given)]


def _session_of(row: Row[tuple[object, ...]]) -> Session:
    names = [name for name in Session._fields if name != "person"]
    values = {name: getattr(row, f"session_{name}") for name in names}
    return Session(person=person_of(row), **values)
