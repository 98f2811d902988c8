"""API tokens of people: each with scopes and an end, found by the SHA-256 of its secret.

A token never may more than its person may now. Each function works within a transaction.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, func, insert, select, update

from harness.errors import UsageError, known
from harness.model.access_event import TokenMade, TokenRevoked
from harness.model.hub_access import GRANTS, Permission, Role, Viewer
from harness.store.hub.audit_log import Audited
from harness.store.hub.hub_tables import PEOPLE, TOKENS
from harness.store.hub.people import Person, name_of, person_of
from harness.store.hub.sessions import SECRET_BYTES, SEEN_EVERY, digest_of

PREFIX = "accredit-api-"
LONGEST_TOKEN = 100
ID_BYTES = 4
MOST_DAYS = 365
MOST = 50
"""The most tokens of a person that are valid at one time."""


class ApiToken(NamedTuple):
    """A token, without its secret."""

    id: str
    person: Person
    label: str
    scopes: frozenset[Permission]
    made: datetime
    until: datetime
    used: datetime | None
    revoked: datetime | None


class NewToken(NamedTuple):
    """A token that was made, and its text, which is nowhere else."""

    text: str
    token: ApiToken


def scopes_of(names: Iterable[str], role: Role) -> frozenset[Permission]:
    """Return the permissions with those names. Raises UsageError unless the role has them all."""
    granted = {each.value: each for each in Permission if each in GRANTS[role]}
    wanted = {str(name) for name in names}
    if not wanted:
        msg = f"give a token one scope at least; {known(granted)}"
        raise UsageError(msg)
    if beyond := sorted(wanted - set(granted)):
        msg = f"a token of the role {role} cannot have the scope {beyond[0]!r}; {known(granted)}"
        raise UsageError(msg)
    return frozenset(granted[name] for name in wanted)


def make_token(
    transaction: Audited, person: Person, label: str, scopes: Iterable[str], days: int, actor: str
) -> NewToken:
    """Make a token of a person, valid for so many days. Raises UsageError."""
    if not 1 <= days <= MOST_DAYS:
        msg = f"a token is valid for 1 to {MOST_DAYS} days"
        raise UsageError(msg)
    if person.disabled is not None:
        msg = f"the account of {person.email} is disabled"
        raise UsageError(msg)
    now, called = transaction.now, name_of(label)
    permissions = scopes_of(scopes, person.role)
    if len(tokens_of(transaction.connection, person.id, now)) >= MOST:
        msg = f"{person.email} has {MOST} valid tokens; revoke one first"
        raise UsageError(msg)
    text = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    token = ApiToken(
        secrets.token_hex(ID_BYTES), person, called, permissions, now,
        now + timedelta(days=days), None, None,
    )  # fmt: skip
    names = sorted(permissions)
    values = token._asdict() | {
        "person": person.id, "digest": digest_of(text), "scopes": json.dumps(names),
    }  # fmt: skip
    transaction.connection.execute(insert(TOKENS).values(values))
    transaction.record(
        TokenMade(
            at=now,
            actor=actor,
            person=person.id,
            token=token.id,
            label=called,
            scopes=tuple(names),
            until=token.until,
        )
    )
    return NewToken(text, token)


def find_token(connection: Connection, text: str, now: datetime) -> ApiToken | None:
    """The valid token with that text; ``None`` if it ended, or its person is disabled."""
    if not text.startswith(PREFIX) or len(text) > LONGEST_TOKEN:
        return None
    found = _tokens(connection, TOKENS.c.digest == digest_of(text), *_valid(now))
    return found[0] if found else None


def viewer_with(token: ApiToken) -> Viewer:
    """Who holds a token, with its scopes and what the person sees now."""
    return token.person.viewer(token.scopes)


def is_due(token: ApiToken, now: datetime) -> bool:
    """Whether the last use of a token has to be kept."""
    return token.used is None or now - token.used >= SEEN_EVERY


def keep_used(connection: Connection, token: ApiToken, now: datetime) -> None:
    """Keep that a token was used now."""
    connection.execute(update(TOKENS).where(TOKENS.c.id == token.id).values(used=now))


def tokens_of(connection: Connection, person: str, now: datetime) -> list[ApiToken]:
    """The valid tokens of a person, or of all people (empty), those first that end first."""
    matches = [TOKENS.c.person == person] if person else []
    return _tokens(connection, *matches, *_valid(now))


def revoke_token(transaction: Audited, token: str, actor: str, person: str = "") -> ApiToken:
    """End a valid token; with ``person`` only one of that person. Raises UsageError."""
    matches = [TOKENS.c.id == token, *([TOKENS.c.person == person] if person else [])]
    found = _tokens(transaction.connection, *matches, *_valid(transaction.now))
    if not found:
        msg = f"no valid token {token!r}"
        raise UsageError(msg)
    held = found[0]
    changed = update(TOKENS).where(TOKENS.c.id == held.id)
    transaction.connection.execute(changed.values(revoked=transaction.now))
    transaction.record(
        TokenRevoked(at=transaction.now, actor=actor, person=held.person.id, token=held.id)
    )
    return held._replace(revoked=transaction.now)


def count_tokens(connection: Connection, now: datetime) -> int:
    """How many tokens are valid."""
    question = select(func.count()).select_from(TOKENS.join(PEOPLE, PEOPLE.c.id == TOKENS.c.person))
    return int(connection.scalar(question.where(*_valid(now))) or 0)


def _valid(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return TOKENS.c.until > now, TOKENS.c.revoked.is_(None), PEOPLE.c.disabled.is_(None)


def _tokens(connection: Connection, *matches: ColumnElement[bool]) -> list[ApiToken]:
    question = (
        select(*PEOPLE.c, *(column.label(f"token_{column.name}") for column in TOKENS.c))
        .join(TOKENS, TOKENS.c.person == PEOPLE.c.id)
        .where(*matches)
        .order_by(TOKENS.c.until, TOKENS.c.id)
    )
    return [_token_of(row) for row in connection.execute(question)]


def _token_of(row: Row[Any]) -> ApiToken:
    scopes = frozenset(Permission(each) for each in json.loads(row.token_scopes))
    return ApiToken(
        row.token_id, person_of(row), row.token_label, scopes, row.token_made,
        row.token_until, row.token_used, row.token_revoked,
    )  # fmt: skip
