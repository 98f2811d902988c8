"""Slow down guessing: after some failures of an account or an address, later tries must wait.

Each function works within a transaction. A try is counted before the password is looked at, so that
tries at the same time count too; a success takes back those of the account.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, select, update

from harness.model.subscriber import subscriber_of
from harness.store.hub.hub_tables import ATTEMPTS
from harness.store.registry.streams import lock

FORGOTTEN_AFTER = timedelta(hours=1)
"""Failures count no more once there was none for so long."""


class Limit(NamedTuple):
    """So many failures are free; then the wait doubles with each, from 1 s to ``longest``."""

    free: int
    longest: timedelta


BY_ACCOUNT = Limit(5, timedelta(minutes=15))
BY_ADDRESS = Limit(20, timedelta(minutes=5))


def account_key(email: str) -> str:
    """The key of the tries with an e-mail address, known or not."""
    return _digest(f"account:{email}")


def browser_key(email: str, browser: str) -> str:
    """The key of the tries of a known browser with an e-mail address."""
    return _digest(f"browser:{browser}:{email}")


def code_key(person: str) -> str:
    """The key of the tries of a person's second factor."""
    return _digest(f"code:{person}")


def address_key(address: str) -> str:
    """The key of the tries from a network address; one /64 counts as one address."""
    return _digest(f"address:{subscriber_of(address)}")


def count_try(connection: Connection, limits: dict[str, Limit], now: datetime) -> bool:
    """Count a try as a failure for each key; return whether it may go on.

    A try that has to wait is not counted, and nothing else of it may be looked at.
    """
    lock(connection, "sign-in tries")
    connection.execute(delete(ATTEMPTS).where(ATTEMPTS.c.at < now - FORGOTTEN_AFTER))
    question = select(ATTEMPTS).where(ATTEMPTS.c.key.in_(sorted(limits)))
    held = {row.key: row for row in connection.execute(question)}
    if any(now < row.at + wait_after(row.failures, limits[key]) for key, row in held.items()):
        return False
    for key in sorted(limits):
        if key in held:
            changed = update(ATTEMPTS).where(ATTEMPTS.c.key == key)
            connection.execute(changed.values(failures=held[key].failures + 1, at=now))
        else:
            connection.execute(insert(ATTEMPTS).values(key=key, failures=1, at=now))
    return True


def forget_tries(connection: Connection, key: str) -> None:
    """Take back the failures of a key."""
    connection.execute(delete(ATTEMPTS).where(ATTEMPTS.c.key == key))


def take_back_try(connection: Connection, key: str) -> None:
    """Take back the try that was counted last for a key, which succeeded."""
    changed = update(ATTEMPTS).where(ATTEMPTS.c.key == key, ATTEMPTS.c.failures > 0)
    connection.execute(changed.values(failures=ATTEMPTS.c.failures - 1))


def wait_after(failures: int, limit: Limit) -> timedelta:
    """How long to wait after so many failures."""
    beyond = failures - limit.free
    if beyond < 0:
        return timedelta()
    longest = int(limit.longest.total_seconds())
    return timedelta(seconds=min(2 ** min(beyond, longest.bit_length()), longest))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
