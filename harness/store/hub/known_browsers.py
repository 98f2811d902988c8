"""Browsers in which a person signed in before: each holds a signed mark in a cookie.

Somebody who guesses a password elsewhere has no such mark, so that the waits for wrong guesses do
not keep the person out (OWASP, "Slow down online guessing attacks with device cookies"). The key is
the hash of the person's password: another password ends all marks at once.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from datetime import UTC, datetime, timedelta

from harness.store.hub.people import Person

KNOWN_FOR = timedelta(days=180)
NONCE_BYTES = 16

_MARK = re.compile(r"([A-Za-z0-9_-]{22})\.([0-9]{1,12})\.([0-9a-f]{64})", re.ASCII)


def new_mark(person: Person, now: datetime) -> str:
    """A new mark for a browser of a person; empty for an account without a password."""
    if not person.password:
        return ""
    stated = f"{secrets.token_urlsafe(NONCE_BYTES)}.{int(now.timestamp())}"
    return f"{stated}.{_signature(person, stated)}"


def known_browser(person: Person | None, mark: str, now: datetime) -> str:
    """What tells a known browser of a person from others; empty for every other browser."""
    found = _MARK.fullmatch(mark)
    if found is None or person is None or not person.password or person.disabled is not None:
        return ""
    nonce, made, signature = found.groups()
    if not hmac.compare_digest(signature, _signature(person, f"{nonce}.{made}")):
        return ""
    age = now - datetime.fromtimestamp(int(made), UTC)
    return nonce if age <= KNOWN_FOR else ""


def _signature(person: Person, stated: str) -> str:
    key = f"known browser:{person.password}".encode()
    return hmac.new(key, f"{person.id}.{stated}".encode(), hashlib.sha256).hexdigest()
