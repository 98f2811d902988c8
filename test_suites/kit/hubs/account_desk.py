"""The accounts in a registry, and what has to hold of them on every database."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pyotp

from harness.errors import UsageError
from harness.model.access_event import AccessEvent
from harness.model.hub_access import Permission, Role
from harness.model.stream import OWNER
from harness.store.hub.accounts import Accounts
from harness.store.hub.own_account import OwnAccount
from harness.store.hub.people import Membership, Person, membership
from harness.store.hub.sessions import NewSession
from harness.store.hub.sign_in import Origin, SignIn
from harness.store.registry.streams import Registry
from test_suites.kit.clocks.set_clock import SetClock

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
FROM = Origin("192.0.2.1", "a browser")
PASSWORD = "nine old trams at noon"
ACME, BETA = "supplier:acme", "supplier:beta"

HOLDS: dict[Role, Membership] = {
    Role.ADMINISTRATOR: membership("administrator"),
    Role.SCHEME_OWNER: membership("scheme-owner"),
    Role.ASSESSOR: membership("assessor"),
    Role.DECISION_MAKER: membership("decision-maker", [BETA]),
    Role.SUPPLIER: membership("supplier", [ACME]),
    Role.SCHOOL: membership("school", sites=["Hill School"]),
}


@dataclass
class AccountDesk:
    """The accounts of a registry with a clock that stands still."""

    registry: Registry
    clock: SetClock = field(default_factory=lambda: SetClock(NOW))

    def __post_init__(self) -> None:
        self.accounts = Accounts(self.registry, self.clock.now)
        self.own = OwnAccount(self.registry, self.clock.now)
        self.sign_in = SignIn(self.registry, self.clock.now)

    def add(
        self, email: str = "ann@example.org", role: Role = Role.ASSESSOR, **more: str
    ) -> Person:
        return self.accounts.add(email, "Ann", HOLDS[role], actor="Sam", **more)

    def begin(self, email: str) -> NewSession | None:
        """A session without a password, which takes no time."""
        return self.sign_in.by_oidc(email, "", FROM)

    def log(self) -> list[AccessEvent]:
        with self.registry.reading(OWNER) as access:
            return [event for event in access.events() if isinstance(event, AccessEvent)]


def require_sign_in_works(desk: AccountDesk) -> None:
    person = desk.add(password=PASSWORD)
    assert desk.sign_in.with_password(person.email, "wrong", FROM) is None
    begun = desk.sign_in.with_password(person.email, PASSWORD, FROM)
    assert begun is not None
    held = desk.sign_in.by_session(begun.secret)
    assert held is not None
    assert person.viewer() == held.person.viewer()
    desk.clock.at += timedelta(minutes=2)
    desk.sign_in.by_session(begun.secret)
    assert desk.clock.at == desk.accounts.person(person.email).seen
    desk.sign_in.sign_out(held.digest)
    assert desk.sign_in.by_session(begun.secret) is None
    assert [
        "person-added", "sign-in-refused", "signed-in", "signed-out",
    ] == [each.__struct_config__.tag for each in desk.log()]  # fmt: skip


def require_a_provider_names_one_account(desk: AccountDesk) -> None:
    """An address opens an account until it has a subject; then only that one does."""
    person = desk.add()
    assert desk.sign_in.by_oidc(person.email, "subject-1", FROM) is not None
    assert desk.sign_in.by_oidc(person.email, "subject-2", FROM) is None
    assert desk.sign_in.by_oidc("", "subject-1", FROM) is not None
    assert desk.accounts.person(person.email).subject == "subject-1"


def require_second_factor_works(desk: AccountDesk) -> None:
    person = desk.add(password=PASSWORD)
    begun = desk.begin(person.email)
    assert begun is not None
    totp = pyotp.TOTP(desk.own.offer_second_factor(person.id, PASSWORD))
    desk.own.confirm_second_factor(begun.session, totp.at(desk.clock.at))
    desk.clock.at += timedelta(seconds=30)
    half = desk.sign_in.with_password(person.email, PASSWORD, FROM)
    assert half is not None
    assert not half.session.is_complete
    code = totp.at(desk.clock.at)
    whole = desk.sign_in.with_code(half.secret, code, FROM)
    assert whole is not None
    assert desk.sign_in.with_code(half.secret, code, FROM) is None
    assert desk.accounts.person(person.email).last_code == int(desk.clock.at.timestamp()) // 30


def require_tokens_work(desk: AccountDesk) -> None:
    person = desk.add()
    made = desk.own.make_token(person.id, "x", ["upload"], 1, actor="Ann")
    viewer = desk.sign_in.by_token(made.text)
    assert viewer is not None
    assert viewer.may(Permission.UPLOAD)
    assert not viewer.may(Permission.READ_RESULTS)
    assert desk.clock.at == desk.own.tokens()[0].used
    desk.clock.at += timedelta(days=1)
    assert desk.sign_in.by_token(made.text) is None


def require_many_guesses_at_once_count(desk: AccountDesk) -> None:
    """Of many wrong passwords at the same moment no more are looked at than are free."""
    desk.add(password=PASSWORD)
    with ThreadPoolExecutor(6) as threads:
        found = threads.map(
            lambda _: desk.sign_in.with_password("ann@example.org", "wrong", FROM), range(12)
        )
        assert {None} == set(found)
    refused = [each for each in desk.log() if each.__struct_config__.tag == "sign-in-refused"]
    assert 5 == len(refused)


def require_an_address_has_one_account(desk: AccountDesk) -> None:
    """Of many that add the same person at one time one succeeds, and one event is recorded."""

    def add(number: int) -> bool:
        try:
            desk.accounts.add("ann@example.org", f"Ann {number}", HOLDS[Role.ASSESSOR], actor="S")
        except UsageError:
            return False
        return True

    with ThreadPoolExecutor(4) as threads:
        assert 1 == sum(threads.map(add, range(8)))
    assert 1 == len(desk.log()) == len(desk.accounts.all())


def require_a_code_counts_once_at_a_time(desk: AccountDesk) -> None:
    """Of two browsers that bring the same code at one moment one is signed in."""
    person = desk.add(password=PASSWORD)
    begun = desk.begin(person.email)
    assert begun is not None
    totp = pyotp.TOTP(desk.own.offer_second_factor(person.id, PASSWORD))
    desk.own.confirm_second_factor(begun.session, totp.at(desk.clock.at))
    desk.clock.at += timedelta(seconds=30)
    halves = [desk.begin(person.email) for _ in range(4)]
    code = totp.at(desk.clock.at)

    def give(half: NewSession | None) -> bool:
        assert half is not None
        return desk.sign_in.with_code(half.secret, code, FROM) is not None

    with ThreadPoolExecutor(4) as threads:
        assert 1 == sum(threads.map(give, halves))


def require_last_administrator_stays(desk: AccountDesk) -> None:
    """Of two administrators that disable each other at one time one stays."""
    names = ("a@example.org", "b@example.org")
    for name in names:
        desk.add(name, Role.ADMINISTRATOR)

    def disable(name: str) -> bool:
        try:
            desk.accounts.disable(name, "x", actor="x")
        except UsageError:
            return False
        return True

    with ThreadPoolExecutor(2) as threads:
        assert 1 == sum(threads.map(disable, names))


REQUIREMENTS = (
    require_sign_in_works,
    require_a_provider_names_one_account,
    require_second_factor_works,
    require_tokens_work,
    require_many_guesses_at_once_count,
    require_an_address_has_one_account,
    require_a_code_counts_once_at_a_time,
    require_last_administrator_stays,
)
"""What holds on SQLite and on PostgreSQL."""
