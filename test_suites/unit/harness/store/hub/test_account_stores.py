"""Accounts, sessions and tokens keep what they promise, whatever happens in whatever order."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from harness.errors import InstrumentError, UsageError
from harness.model.access_event import EvidenceRead
from harness.model.hub_access import GRANTS, Permission, Role
from harness.store.hub.audit_log import audited, log_entries
from harness.store.hub.password_hashes import hash_password, is_password, needs_new_hash
from harness.store.hub.people import email_of, membership
from harness.store.hub.sessions import MOST
from harness.store.hub.sign_in_delays import (
    BY_ACCOUNT,
    BY_ADDRESS,
    Limit,
    wait_after,
)
from harness.store.registry.opening import open_registry
from harness.store.registry.streams import Registry
from test_suites.kit.hubs.account_desk import (
    ACME,
    FROM,
    HOLDS,
    NOW,
    PASSWORD,
    REQUIREMENTS,
    AccountDesk,
)

ROLES = sorted(HOLDS)


@cache
def _empty() -> Path:
    """A registry without events, to be copied."""
    folder = Path(tempfile.mkdtemp())
    with open_registry(folder / "registry.sqlite", create=True):
        pass
    return folder / "registry.sqlite"


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with open_registry(shutil.copy(_empty(), tmp_path / "registry.sqlite")) as one:
        yield one


@pytest.fixture
def desk(registry: Registry) -> AccountDesk:
    return AccountDesk(registry)


@pytest.mark.parametrize("require", REQUIREMENTS, ids=lambda each: each.__name__)
def test_on_sqlite(desk: AccountDesk, require: Callable[[AccountDesk], None]) -> None:
    require(desk)


class AccountMachine(RuleBasedStateMachine):
    """People sign in, are changed and disabled; tokens and sessions are made, used and ended."""

    people = Bundle("people")
    sessions = Bundle("sessions")
    tokens = Bundle("tokens")

    @initialize()
    def open(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.registry = open_registry(shutil.copy(_empty(), self.folder / "registry.sqlite"))
        self.desk = AccountDesk(self.registry)
        self.desk.add("root@example.org", Role.ADMINISTRATOR)
        self.roles: dict[str, Role] = {}
        self.disabled: set[str] = set()
        self.live: dict[str, str] = {}
        self.valid: dict[str, tuple[str, frozenset[Permission]]] = {}

    def teardown(self) -> None:
        if hasattr(self, "registry"):
            self.registry.close()
            shutil.rmtree(self.folder)

    def _ended(self, email: str) -> None:
        self.live = {key: who for key, who in self.live.items() if who != email}
        self.valid = {key: held for key, held in self.valid.items() if held[0] != email}

    @rule(target=people, role=st.sampled_from(ROLES))
    def add(self, role: Role) -> str:
        email = f"p{len(self.roles)}@example.org"
        self.desk.add(email, role)
        self.roles[email] = role
        return email

    @rule(target=sessions, email=people)
    def sign_in(self, email: str) -> str:
        begun = self.desk.begin(email)
        assert (begun is None) == (email in self.disabled)
        if begun is None:
            return ""
        self.live[begun.secret] = email
        own = [secret for secret, who in self.live.items() if who == email]
        if len(own) > MOST:
            self.live = {
                key: who for key, who in self.live.items() if self.desk.sign_in.by_session(key)
            }
            assert MOST == sum(who == email for who in self.live.values())
        return begun.secret

    @rule(target=tokens, email=people, scopes=st.sets(st.sampled_from([*Permission]), max_size=4))
    def make_token(self, email: str, scopes: set[Permission]) -> str:
        person = self.desk.accounts.person(email)
        is_allowed = scopes <= GRANTS[self.roles[email]] and bool(scopes)
        try:
            made = self.desk.own.make_token(person.id, "x", scopes, 1, actor=email)
        except UsageError:
            assert not is_allowed or email in self.disabled
            return ""
        assert is_allowed
        assert email not in self.disabled
        self.valid[made.text] = (email, frozenset(scopes))
        return made.text

    @rule(email=people, role=st.sampled_from(ROLES))
    def change(self, email: str, role: Role) -> None:
        self.desk.accounts.change(email, holds=HOLDS[role], actor="x")
        if role is not self.roles[email]:
            self._ended(email)
        self.roles[email] = role

    @rule(email=people)
    def rename(self, email: str) -> None:
        self.desk.accounts.change(email, name="Another", actor="x")

    @rule(email=people)
    def disable(self, email: str) -> None:
        if email not in self.disabled:
            self.desk.accounts.disable(email, "x", actor="x")
            self.disabled.add(email)
            self._ended(email)

    @rule(email=people)
    def enable(self, email: str) -> None:
        if email in self.disabled:
            self.desk.accounts.enable(email, actor="x")
            self.disabled.discard(email)

    @rule(secret=sessions)
    def sign_out(self, secret: str) -> None:
        held = self.desk.sign_in.by_session(secret)
        if held is not None:
            self.desk.sign_in.sign_out(held.digest)
        self.live.pop(secret, None)

    @rule(email=people)
    def end_all(self, email: str) -> None:
        person = self.desk.accounts.person(email)
        self.desk.own.revoke_sessions(person.id, actor="x")
        self.live = {key: who for key, who in self.live.items() if who != email}

    @rule(text=consumes(tokens))
    def revoke(self, text: str) -> None:
        if text in self.valid:
            email, scopes = self.valid.pop(text)
            for token in self.desk.own.tokens(self.desk.accounts.person(email).id):
                if token.scopes == scopes:
                    self.desk.own.revoke_token(token.id, actor="x")
            self.valid = {key: held for key, held in self.valid.items() if held != (email, scopes)}

    @rule(minutes=st.sampled_from([1, 29, 31]))
    def wait(self, minutes: int) -> None:
        self.desk.clock.at += timedelta(minutes=minutes)
        if minutes > 30:
            self.live = {}

    @invariant()
    def only_what_was_not_ended_opens_the_hub(self) -> None:
        if not hasattr(self, "registry"):
            return
        for secret in list(self.live):
            held = self.desk.sign_in.by_session(secret)
            assert held is not None
            viewer = held.person.viewer()
            assert (self.roles[self.live[secret]], None) == (viewer.role, viewer.only)
            assert viewer.streams == HOLDS[viewer.role].streams
        assert len(self.live) == len(self.desk.own.sessions())
        for text, (email, scopes) in self.valid.items():
            found = self.desk.sign_in.by_token(text)
            assert found is not None
            assert (self.roles[email], scopes) == (found.role, found.only)
            assert {each for each in Permission if found.may(each)} == scopes & GRANTS[found.role]
        assert len(self.valid) == len(self.desk.own.tokens())


AccountMachine.TestCase.settings = settings(max_examples=20, stateful_step_count=25, deadline=None)
TestAccountMachine = AccountMachine.TestCase


def test_passwords_are_hashed_with_a_salt_and_the_parameters_of_today() -> None:
    first, second = hash_password(PASSWORD), hash_password(PASSWORD)
    assert first != second
    assert first.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert not needs_new_hash(first)
    assert is_password(first, PASSWORD)
    for wrong in ("", PASSWORD.upper(), PASSWORD + " ", "x" * 300, "\ud800"):
        assert not is_password(first, wrong)
        assert not is_password("", wrong)
    assert not is_password("no hash", PASSWORD)


def test_a_composed_character_is_the_same_however_it_was_typed() -> None:
    assert is_password(hash_password("caf\u00e9 noir 12"), "cafe\u0301 noir 12")


def test_an_old_hash_is_made_anew_at_the_next_sign_in(desk: AccountDesk) -> None:
    person = desk.add(password=PASSWORD)
    old = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD.encode())
    _set(desk, person.id, "password", old)
    assert desk.sign_in.with_password(person.email, PASSWORD, FROM) is not None
    hashed = desk.accounts.person(person.email).password
    assert hashed != old
    assert not needs_new_hash(hashed)
    assert desk.sign_in.with_password(person.email, PASSWORD, FROM) is not None


def _set(desk: AccountDesk, person: str, column: str, value: object) -> None:
    with closing(sqlite3.connect(desk.registry.where)) as database, database:
        database.execute(f"UPDATE hub_people SET {column} = ? WHERE id = ?", (value, person))


def test_no_secret_is_in_the_database(desk: AccountDesk) -> None:
    person = desk.add(password=PASSWORD)
    begun = desk.begin(person.email)
    made = desk.own.make_token(person.id, "x", ["upload"], 1, actor="x")
    assert begun is not None
    with closing(sqlite3.connect(desk.registry.where)) as database:
        text = "\n".join(database.iterdump())
    for secret in (PASSWORD, begun.secret, made.text, made.text.removeprefix("accredit-api-")):
        assert secret not in text


def test_a_change_that_cannot_be_recorded_is_not_made(desk: AccountDesk) -> None:
    """Here the stream holds an event of the future, which forbids earlier ones."""
    person = desk.add()
    begun = desk.begin(person.email)
    assert begun is not None
    later = NOW + timedelta(days=1)
    with audited(desk.registry, later) as transaction:
        transaction.record(
            EvidenceRead(at=later, actor="x", person="x", stream=ACME, campaign="c", item="i")
        )
    for change in (
        lambda: desk.accounts.disable(person.email, "x", actor="x"),
        lambda: desk.accounts.change(person.email, name="Other", actor="x"),
        lambda: desk.own.make_token(person.id, "x", ["upload"], 1, actor="x"),
        lambda: desk.begin(person.email),
        lambda: desk.sign_in.sign_out(begun.session.digest),
    ):
        with pytest.raises(UsageError, match="check this machine's clock"):
            change()
    held = desk.accounts.person(person.email)
    assert (person.name, None) == (held.name, held.disabled)
    assert 1 == len(desk.own.sessions())
    assert [] == desk.own.tokens()


def test_the_log_tells_when_an_entry_was_changed(desk: AccountDesk) -> None:
    desk.add()
    with closing(sqlite3.connect(desk.registry.where)) as database, database:
        for (name,) in database.execute(
            "SELECT name FROM sqlite_master WHERE type='trigger'"
        ).fetchall():
            database.execute(f"DROP TRIGGER {name}")
        database.execute("UPDATE stream_events SET body = replace(body, 'Ann', 'Eve')")
    with pytest.raises(InstrumentError, match="was changed"):
        log_entries(desk.registry)


def test_an_entry_takes_no_more_work_after_many_than_after_few(desk: AccountDesk) -> None:
    """Counted in steps of SQLite's machine, which time on a busy computer does not change."""

    def steps() -> int:
        counted = [0]
        with desk.registry.transaction() as connection:
            raw = connection.connection.driver_connection
            assert raw is not None

        def count() -> int:
            counted[0] += 1
            return 0

        raw.set_progress_handler(count, 10)
        with audited(desk.registry, NOW) as transaction:
            transaction.record(
                EvidenceRead(at=NOW, actor="x", person="x", stream=ACME, campaign="c", item="i")
            )
        log_entries(desk.registry, most=10)
        raw.set_progress_handler(None, 10)
        return counted[0]

    steps()
    few = steps()
    for _ in range(20):
        with audited(desk.registry, NOW) as transaction:
            for number in range(100):
                transaction.record(
                    EvidenceRead(
                        at=NOW, actor="x", person="x", stream=ACME, campaign="c", item=f"{number}"
                    )
                )
    assert steps() <= 2 * few


@given(failures=st.integers(0, 10_000), longest=st.integers(1, 100_000), free=st.integers(0, 30))
def test_waits_only_grow_up_to_the_longest(failures: int, longest: int, free: int) -> None:
    limit = Limit(free, timedelta(seconds=longest))
    now, later = wait_after(failures, limit), wait_after(failures + 1, limit)
    assert timedelta() <= now <= later <= limit.longest
    assert (now == timedelta()) == (failures < free)


def test_waits_are_these() -> None:
    found = [wait_after(number, BY_ACCOUNT).total_seconds() for number in (4, 5, 6, 7, 14, 15, 99)]
    assert [0, 1, 2, 4, 512, 900, 900] == found
    assert timedelta(minutes=5) == wait_after(1000, BY_ADDRESS)


def test_without_a_hash_a_password_takes_the_same_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where accounts could be told apart by time, one could list them."""
    worked: list[str] = []
    verify = PasswordHasher.verify

    def counted(self: PasswordHasher, hashed: str, password: bytes) -> bool:
        worked.append(hashed.rpartition("p=")[0])
        return verify(self, hashed, password)

    monkeypatch.setattr(PasswordHasher, "verify", counted)
    assert is_password(hash_password(PASSWORD), PASSWORD)
    assert not is_password("", PASSWORD)
    assert ["$argon2id$v=19$m=19456,t=2,"] * 2 == worked


@pytest.mark.parametrize(
    "text",
    [
        "", "ann", "@example.org", "ann@", "a b@example.org", "ann@ex ample.org", "a@b@c",
        "ann@example.org\n", "a" * 65 + "@example.org", "ann@" + "x" * 200, "a\x00@example.org",
        "a,b@example.org", "<ann@example.org>", "ann@example.org/x", "\u202eann@example.org",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(text: str) -> None:
    if text.strip() != text:
        assert text.strip() == email_of(text)
        return
    with pytest.raises(UsageError, match="give an e-mail address"):
        email_of(text)


@given(text=st.text(max_size=60))
def test_an_address_stays_as_it_was_found(text: str) -> None:
    try:
        found = email_of(text)
    except UsageError:
        return
    assert found == email_of(found)


def test_who_is_bound_never_sees_every_supplier() -> None:
    for role in (Role.SUPPLIER, Role.SCHOOL):
        found = membership(role, [ACME], ["Hill School"])
        assert frozenset({ACME}) == found.streams
    assert membership("assessor").streams is None
    assert frozenset({ACME}) == membership("assessor", [ACME]).streams
    for name in ("public", "root", ""):
        with pytest.raises(UsageError, match="is no role"):
            membership(name)


def test_a_row_that_was_changed_to_see_everything_is_refused(desk: AccountDesk) -> None:
    person = desk.add(role=Role.SUPPLIER)
    _set(desk, person.id, "streams", "null")
    with pytest.raises(ValueError, match="never sees every supplier"):
        desk.accounts.person(person.email).viewer()
