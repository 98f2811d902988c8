"""Sign people in and out, and find out who asks.

A refusal never tells whether there is such an account, whether the password was wrong, or whether
somebody has to wait: all take a password's time, unless a wait is on.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from harness.model.access_event import SignedIn, SignedOut, SignInRefused
from harness.model.hub_access import Viewer
from harness.store.hub import api_tokens, sessions
from harness.store.hub.audit_log import Audited, audited
from harness.store.hub.known_browsers import known_browser, new_mark
from harness.store.hub.password_hashes import (
    hash_password,
    is_password,
    needs_new_hash,
)
from harness.store.hub.people import (
    Person,
    change_row,
    find_by_email,
    find_by_id,
    find_by_subject,
    folded_email,
)
from harness.store.hub.second_factor import accepted_step
from harness.store.hub.sessions import NewSession, Session
from harness.store.hub.sign_in_delays import (
    BY_ACCOUNT,
    BY_ADDRESS,
    account_key,
    address_key,
    browser_key,
    code_key,
    count_try,
    forget_tries,
    take_back_try,
)
from harness.store.registry.streams import Registry

UNKNOWN = "somebody unknown"
"""The actor of a sign-in that was refused, where there is no such account."""

LONGEST_EMAIL = 320
LONGEST_ADDRESS = 100


class Origin(NamedTuple):
    """From where somebody signs in: the network address, and what the browser calls itself.

    ``mark`` is what a browser holds in which somebody signed in before (``known_browsers``).
    """

    address: str
    browser: str
    mark: str = ""


class SignIn:
    """Signs people in. Its methods block, and may be called from several threads.

    All raise InstrumentError for trouble with the database.
    """

    def __init__(self, registry: Registry, now: Callable[[], datetime]) -> None:
        self._registry = registry
        self._now = now

    def by_session(self, secret: str) -> Session | None:
        """The session with that secret, whose last use is kept; ``None`` if there is none."""
        now = self._now()
        with self._registry.transaction() as connection:
            found = sessions.find_session(connection, secret, now)
        if found is not None and sessions.is_due(found, now):
            with self._registry.transaction(is_writing=True) as connection:
                sessions.keep_seen(connection, found, now)
        return found

    def by_token(self, text: str) -> Viewer | None:
        """Who holds that API token; ``None`` if it is not valid."""
        now = self._now()
        with self._registry.transaction() as connection:
            found = api_tokens.find_token(connection, text, now)
        if found is None:
            return None
        if api_tokens.is_due(found, now):
            with self._registry.transaction(is_writing=True) as connection:
                api_tokens.keep_used(connection, found, now)
        return api_tokens.viewer_with(found)

    def with_password(self, email: str, password: str, origin: Origin) -> NewSession | None:
        """Begin a session, not complete where there is a second factor; ``None``: refused."""
        typed = folded_email(email[:LONGEST_EMAIL])
        with self._registry.transaction() as connection:
            held = find_by_email(connection, typed)
        browser = known_browser(held, origin.mark, self._now())
        if not self._may_try(typed, browser, origin):
            return None
        is_right = is_password(held.password if held else "", password)
        if held is None or not is_right or held.disabled is not None:
            self._refuse(held, origin, "password")
            return None
        hashed = hash_password(password) if needs_new_hash(held.password) else held.password
        with audited(self._registry, self._now()) as transaction:
            now_held = find_by_id(transaction.connection, held.id)
            if now_held is None or now_held.disabled or now_held.password != held.password:
                return None  # changed meanwhile
            if hashed != held.password:
                now_held = change_row(transaction.connection, held.id, {"password": hashed})
            if browser:
                forget_tries(transaction.connection, browser_key(typed, browser))
            else:
                take_back_try(transaction.connection, address_key(origin.address))
                forget_tries(transaction.connection, account_key(typed))
            return self._begin(transaction, now_held, origin, "password")

    def by_oidc(self, email: str, subject: str, origin: Origin) -> NewSession | None:
        """Begin a session for whom the OIDC provider vouches: the account with that subject.

        An account without a subject is found by its e-mail address, if ``email`` is not empty; the
        provider must have verified it. ``None``: there is no such account, or it is disabled.
        """
        with audited(self._registry, self._now()) as transaction:
            connection = transaction.connection
            held = find_by_subject(connection, subject)
            if held is None and email:
                held = find_by_email(connection, email)
                held = held if held and held.subject in ("", subject) else None
            if held is None or held.disabled is not None:
                _record_refusal(transaction, held, origin, "oidc")
                return None
            if not held.subject and subject:
                held = change_row(connection, held.id, {"subject": subject})
            return self._begin(transaction, held, origin, "oidc")

    def refuse_oidc(self, origin: Origin) -> None:
        """Record that an answer of the OIDC provider was refused."""
        self._refuse(None, origin, "oidc")

    def with_code(self, secret: str, code: str, origin: Origin) -> NewSession | None:
        """Complete a session by the second factor: a new one, with another secret, takes its place.

        ``None``: the code is wrong, was used before, or a wait is on.
        """
        now = self._now()
        with audited(self._registry, now) as transaction:
            connection = transaction.connection
            held = sessions.find_session(connection, secret, now)
            if held is None or held.is_complete:
                return None
            person = held.person
            browser = known_browser(person, origin.mark, now)
            key = code_key(f"{person.id}/{browser}" if browser else person.id)
            if not count_try(connection, {key: BY_ACCOUNT}, now):
                return None
            step = accepted_step(person.second_factor, code, now, person.last_code)
            if step is None:
                _record_refusal(transaction, person, origin, "code")
                return None
            forget_tries(connection, key)
            person = change_row(connection, person.id, {"last_code": step})
            sessions.end_sessions(connection, person.id, only=held.digest)
            return _completed(transaction, person, origin, "code")

    def sign_out(self, digest: str) -> None:
        """End the session with that digest."""
        now = self._now()
        with audited(self._registry, now) as transaction:
            held = sessions.session_by_digest(transaction.connection, digest, now)
            if held is None:
                return
            sessions.end_sessions(transaction.connection, held.person.id, only=digest)
            event = SignedOut(at=now, actor=held.person.name, person=held.person.id)
            transaction.record(event)

    def _may_try(self, email: str, browser: str, origin: Origin) -> bool:
        """Count a try: of a known browser by itself, of others by account and address."""
        limits = {account_key(email): BY_ACCOUNT, address_key(origin.address): BY_ADDRESS}
        if browser:
            limits = {browser_key(email, browser): BY_ACCOUNT}
        with self._registry.transaction(is_writing=True) as connection:
            return count_try(connection, limits, self._now())

    def _refuse(self, held: Person | None, origin: Origin, by: str) -> None:
        with audited(self._registry, self._now()) as transaction:
            _record_refusal(transaction, held, origin, by)

    def _begin(self, transaction: Audited, person: Person, origin: Origin, by: str) -> NewSession:
        """Begin a session, complete unless the person has a second factor."""
        if not person.second_factor:
            return _completed(transaction, person, origin, by)
        address = origin.address[:LONGEST_ADDRESS]
        return sessions.begin_session(
            transaction.connection, person, transaction.now, address=address,
            browser=origin.browser, is_complete=False,
        )  # fmt: skip


def _completed(transaction: Audited, person: Person, origin: Origin, by: str) -> NewSession:
    """Begin a session that needs nothing more, and record that."""
    address, now = origin.address[:LONGEST_ADDRESS], transaction.now
    begun = sessions.begin_session(
        transaction.connection, person, now, address=address, browser=origin.browser,
        is_complete=True,
    )  # fmt: skip
    transaction.record(
        SignedIn(at=now, actor=person.name, person=person.id, address=address, by=by)
    )
    return begun._replace(mark=new_mark(person, now))


def _record_refusal(transaction: Audited, held: Person | None, origin: Origin, by: str) -> None:
    event = SignInRefused(
        at=transaction.now, actor=held.name if held else UNKNOWN, person=held.id if held else "",
        address=origin.address[:LONGEST_ADDRESS], by=by,
    )  # fmt: skip
    transaction.record(event)
