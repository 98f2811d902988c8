"""What people change about their own accounts, and what administrators end for others.

What would let somebody at an unlocked screen take the account over asks for the password again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from harness.errors import UsageError
from harness.model.access_event import (
    PasswordSet,
    SecondFactorReset,
    SecondFactorSet,
    SessionsRevoked,
)
from harness.store.hub import api_tokens, sessions
from harness.store.hub.api_tokens import ApiToken, NewToken
from harness.store.hub.audit_log import audited
from harness.store.hub.known_browsers import new_mark
from harness.store.hub.password_hashes import hash_password, is_password, require_password
from harness.store.hub.people import Person, change_row, end_access, find_by_id, require_person
from harness.store.hub.second_factor import accepted_step, new_secret
from harness.store.hub.sessions import NewSession, Session
from harness.store.hub.sign_in_delays import BY_ACCOUNT, code_key, count_try, forget_tries
from harness.store.registry.streams import Registry

REFUSED = "the password or code is not right, or too many were tried; wait a little, and try again"


class OwnAccount:
    """Changes of one person's account, sessions and tokens. Methods may run in several threads.

    All raise UsageError for what is not possible, InstrumentError for trouble with the database.
    """

    def __init__(self, registry: Registry, now: Callable[[], datetime]) -> None:
        self._registry = registry
        self._now = now

    def sessions(self, person: str = "") -> list[Session]:
        """The sessions of a person, or of all people, last used first."""
        with self._registry.transaction() as connection:
            return sessions.sessions_of(connection, self._now(), person)

    def tokens(self, person: str = "") -> list[ApiToken]:
        """The valid tokens of a person, or of all people, those first that end first."""
        with self._registry.transaction() as connection:
            return api_tokens.tokens_of(connection, person, self._now())

    def revoke_sessions(self, person: str, *, only: str = "", without: str = "", actor: str) -> int:
        """End sessions of a person as ``sessions.end_sessions`` does; how many ended."""
        now = self._now()
        with audited(self._registry, now) as transaction:
            number = sessions.end_sessions(
                transaction.connection, person, only=only, without=without
            )
            if number:
                transaction.record(
                    SessionsRevoked(at=now, actor=actor, person=person, number=number)
                )
        return number

    def make_token(
        self, person: str, label: str, scopes: Iterable[str], days: int, *, actor: str
    ) -> NewToken:
        """Make an API token of a person, whose text is shown once."""
        with audited(self._registry, self._now()) as transaction:
            held = require_person(find_by_id(transaction.connection, person), person)
            return api_tokens.make_token(transaction, held, label, scopes, days, actor)

    def revoke_token(self, token: str, *, person: str = "", actor: str) -> ApiToken:
        """End a token; with ``person`` only one of that person."""
        with audited(self._registry, self._now()) as transaction:
            return api_tokens.revoke_token(transaction, token, actor, person)

    def change_password(self, session: Session, password: str, new: str) -> NewSession:
        """Set another password; all sessions and tokens end, and a new session begins."""
        held = self.confirm(session.person.id, password)
        require_password(new, held.email, held.name)
        hashed = hash_password(new)
        now = self._now()
        with audited(self._registry, now) as transaction:
            changed = change_row(transaction.connection, held.id, {"password": hashed})
            end_access(transaction.connection, held.id, now)
            transaction.record(PasswordSet(at=now, actor=held.name, person=held.id))
            begun = sessions.begin_session(
                transaction.connection, changed, now, address=session.address,
                browser=session.browser, is_complete=True,
            )  # fmt: skip
            return begun._replace(mark=new_mark(changed, now))

    def offer_second_factor(self, person: str, password: str) -> str:
        """Make a secret for a second factor, which counts once a code of it was given."""
        held = self.confirm(person, password)
        if held.second_factor:
            raise UsageError("there is a second factor already; remove it first")
        secret = new_secret()
        with self._registry.transaction(is_writing=True) as connection:
            change_row(connection, held.id, {"offered_factor": secret})
        return secret

    def confirm_second_factor(self, session: Session, code: str) -> NewSession:
        """Set the offered second factor by a code; other sessions end, and a new one begins."""
        now = self._now()
        person = session.person.id
        self._count_code(person)
        with audited(self._registry, now) as transaction:
            connection = transaction.connection
            held = require_person(find_by_id(connection, person), person)
            step = accepted_step(held.offered_factor, code, now, held.last_code)
            if step is None:
                raise UsageError(REFUSED)
            forget_tries(connection, code_key(person))
            values = {
                "second_factor": held.offered_factor, "offered_factor": "", "last_code": step,
            }  # fmt: skip
            changed = change_row(connection, person, values)
            sessions.end_sessions(connection, person)
            transaction.record(SecondFactorSet(at=now, actor=held.name, person=person))
            return sessions.begin_session(
                connection, changed, now, address=session.address, browser=session.browser,
                is_complete=True,
            )  # fmt: skip

    def remove_second_factor(self, person: str, code: str) -> None:
        """Remove the second factor by a code of it."""
        now = self._now()
        self._count_code(person)
        with audited(self._registry, now) as transaction:
            connection = transaction.connection
            held = require_person(find_by_id(connection, person), person)
            if accepted_step(held.second_factor, code, now, held.last_code) is None:
                raise UsageError(REFUSED)
            forget_tries(connection, code_key(person))
            change_row(connection, person, {"second_factor": "", "offered_factor": ""})
            transaction.record(SecondFactorReset(at=now, actor=held.name, person=person))

    def confirm(self, person: str, password: str) -> Person:
        """The person, who gave the password again. Raises UsageError if it is wrong.

        An account that signs in by OIDC alone has no password to give.
        """
        with self._registry.transaction() as connection:
            held = require_person(find_by_id(connection, person), person)
        if not held.password:
            return held
        self._count_code(person)
        if not is_password(held.password, password):
            raise UsageError(REFUSED)
        with self._registry.transaction(is_writing=True) as connection:
            forget_tries(connection, code_key(person))
        return held

    def _count_code(self, person: str) -> None:
        """Count a try. Raises UsageError if a wait is on."""
        with self._registry.transaction(is_writing=True) as connection:
            if not count_try(connection, {code_key(person): BY_ACCOUNT}, self._now()):
                raise UsageError(REFUSED)
