"""Markers: nonces in requests, and tokens and words that only our own origin can answer with.

The client sends a nonce in a cookie or header (``Carrier``). The origin answers with a token and
*delivery words*, spread over the page, so that a page that was cut, translated, re-encoded or
rewritten still shows some of them; path words identify a page by its path. All derive from a key
known only to the origin and the assessor, by keyed BLAKE2 hashing (RFC 7693).
``browser_number`` draws the browser profile of an attempt.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable
from functools import lru_cache
from typing import Literal
from urllib.parse import unquote

import msgspec

from harness.model.observation import AttemptKey

MARKER_PREFIX = "ACCREDIT-MARKER-"
"""Prefix of an agreed content marker; the category and four characters follow."""


def browser_number(seed: str, attempt: AttemptKey) -> int:
    """Return a number below 2**32 for an attempt: the same on every line, try and resume."""
    text = "\x1f".join(
        ("browser", seed, attempt.item, attempt.probe, attempt.profile, str(attempt.round))
    )
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest(), "big")


Form = Literal["digits", "uuid", "trace"]


class Carrier(msgspec.Struct, frozen=True):
    """The name of a cookie or header, and the form of the nonce in it."""

    name: str
    form: Form = "digits"
    is_cookie: bool = False

    def value(self, nonce: str) -> str:
        """The value of the header, or that of the header Cookie."""
        written = nonce
        if self.form == "uuid":
            parts = (nonce[:8], nonce[8:12], nonce[12:16], nonce[16:20], nonce[20:])
            written = "-".join(parts)
        elif self.form == "trace":  # W3C Trace Context: version, trace, parent, flags
            written = f"00-{nonce}-{nonce[16:]}-01"
        return f"{self.name}={written}" if self.is_cookie else written

    def header(self, nonce: str) -> tuple[str, str]:
        """The name and value of the header that carries the nonce; of a cookie, Cookie."""
        return "Cookie" if self.is_cookie else self.name, self.value(nonce)


COOKIES: tuple[tuple[str, Form], ...] = (
    ("JSESSIONID", "digits"), ("PHPSESSID", "digits"), ("SESSION", "uuid"), ("sessionid", "digits"),
    ("session_id", "uuid"), ("sid", "digits"), ("sessid", "digits"), ("_session", "digits"),
    ("csrftoken", "digits"), ("XSRF-TOKEN", "uuid"), ("_csrf", "digits"), ("visitor_id", "digits"),
    ("visitor", "uuid"), ("_vid", "digits"), ("vuid", "uuid"), ("uid", "digits"), ("_uid", "uuid"),
    ("device_id", "uuid"), ("client_id", "digits"), ("clientId", "uuid"), ("guest_id", "digits"),
    ("guest", "uuid"), ("cart", "digits"), ("cart_id", "uuid"), ("basket", "digits"),
    ("anon_id", "uuid"), ("anonymous_id", "uuid"), ("ajs_anonymous_id", "uuid"), ("ab", "digits"),
    ("ab_id", "digits"), ("bucket_id", "digits"), ("exp_uid", "uuid"), ("consent_id", "uuid"),
    ("cmp_id", "digits"), ("browser_id", "uuid"), ("bid", "digits"), ("_uuid", "uuid"),
    ("uuid", "uuid"), ("token", "digits"), ("pref", "digits"), ("prefs_id", "digits"),
    ("lb", "digits"), ("route", "digits"), ("INGRESSCOOKIE", "digits"), ("SERVERID", "digits"),
    ("track_id", "uuid"), ("tid", "digits"), ("rid", "digits"), ("site_id", "uuid"),
    ("ident", "digits"), ("user_key", "digits"), ("app_session", "uuid"), ("web_session", "uuid"),
)  # fmt: skip
"""Cookie names that sites use, with the form of their values."""

HEADERS: tuple[tuple[str, Form], ...] = (
    ("X-Request-ID", "digits"), ("X-Request-Id", "uuid"), ("X-Correlation-ID", "uuid"),
    ("X-Trace-ID", "digits"), ("X-B3-TraceId", "digits"), ("X-Client-ID", "digits"),
    ("X-Device-ID", "uuid"), ("X-Session-ID", "digits"), ("X-Transaction-ID", "uuid"),
    ("X-Client-Request-ID", "uuid"), ("Request-Id", "uuid"), ("traceparent", "trace"),
)  # fmt: skip
"""Header names that proxies and browser extensions add, with the form of their values."""

CARRIERS = (
    *(Carrier(name, form, is_cookie=True) for name, form in COOKIES),
    *(Carrier(name, form) for name, form in HEADERS),
)

NUMBERED = 4
"""One in so many cookies has a number after its name, as multi-tenant services do."""


@lru_cache(maxsize=64)
def carrier_for(key: bytes, run: str) -> Carrier:
    """Return the carrier of the nonces of one run; ``key`` is the origin's key."""
    digest = hashlib.blake2b(f"carrier\x1f{run}".encode(), key=key[:64], digest_size=8).digest()
    chosen = CARRIERS[int.from_bytes(digest[:4], "big") % len(CARRIERS)]
    if not chosen.is_cookie or digest[4] % NUMBERED:
        return chosen
    number = int.from_bytes(digest[5:], "big") % 1_000_000
    return Carrier(f"{chosen.name}_{number}", chosen.form, is_cookie=True)


HALF = 8
"""Bytes of each half of a nonce: a random number, and 64 check bits."""

DIGITS = 4 * HALF

SHAPE = re.compile(r"\b[0-9a-f]{8}(?:[0-9a-f]{24}|(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b")
"""The form of a nonce: 32 hexadecimal digits, or the same as a UUID."""


def new_run() -> str:
    """Return a random id for one run of a campaign: 32 hexadecimal digits."""
    return secrets.token_hex(16)


def nonce_for(key: bytes, attempt: AttemptKey, tries: int = 1, run: str = "") -> str:
    """Return the nonce of one attempt in one run: 32 hexadecimal digits, made with ``key``."""
    text = "\x1f".join(
        (
            "nonce",
            run,
            attempt.campaign,
            attempt.item,
            attempt.probe,
            attempt.line,
            attempt.profile,
            str(attempt.round),
            str(tries),
        )
    )
    first = hashlib.blake2b(text.encode(), key=key[:64], digest_size=HALF).hexdigest()
    return first + _check(key, first)


def find_nonce(key: bytes, values: Iterable[str]) -> str:
    """Return the first nonce made with ``key`` in ``values``, such as header values, or ``""``."""
    for value in values:
        for found in SHAPE.finditer(value) if len(value) >= DIGITS else ():
            digits = found[0].replace("-", "")
            if _check(key, digits[: 2 * HALF]) == digits[2 * HALF :]:
                return digits
    return ""


def _check(key: bytes, first: str) -> str:
    text = f"check\x1f{first}"
    return hashlib.blake2b(text.encode(), key=key[:64], digest_size=HALF).hexdigest()


ATTEMPT_WORDS, HOST_WORDS, PIECE_WORDS, LOCKED_WORDS = 8, 4, 4, 4
"""Numbers of words of a page: of the attempt, the host, the categorised part, and a lock."""

PATH_WORDS = 4
"""Number of words of a page that identify its path."""

SYLLABLES = tuple(first + second for first in "bdfgklmnprstvzjh" for second in "aeio")
"""64 syllables, so that a byte selects one without bias."""

SYLLABLES_OF_A_WORD = 7
"""A word has 14 letters and 42 bits, too many to occur by accident."""

WordGroup = Literal["attempt", "host", "piece", "locked"]


class Marker(msgspec.Struct, frozen=True, kw_only=True):
    """The nonce of a request, its carrier, and the token that the answer must contain.

    An unmarked request has an empty nonce and token.
    """

    nonce: str
    token: str
    carrier: Carrier


def token_for(key: bytes, host: str, nonce: str) -> str:
    """Return the origin's token for ``nonce`` at ``host``: 32 hexadecimal digits."""
    return _digest(key, "token", host, nonce, 16).hex()


def receipt_for(key: bytes, host: str, nonce: str) -> str:
    """Return the value of the origin's header, which shows only that the origin was asked.

    It differs from the token, so that a header copied into a page does not count as delivery.
    """
    return _digest(key, "receipt", host, nonce, 16).hex()


def protocol_proof(key: bytes, protocol: str, nonce: str) -> str:
    """Return what the origin's server of a protocol answers to ``nonce``: 20 digits."""
    return _digest(key, "protocol", protocol, nonce, 10).hex()


def words_for(key: bytes, host: str, nonce: str, group: WordGroup) -> tuple[str, ...]:
    """Return the delivery words of one group in the page at ``host``.

    ``attempt`` and ``piece`` words change with each nonce. So do ``locked`` words, by which a
    search engine says that it left out the piece, because the request was locked. ``host`` words
    are the same for every request, so that answers without a nonce are recognised too, and
    comparing two answers does not reveal them.
    """
    counts = {
        "attempt": ATTEMPT_WORDS,
        "host": HOST_WORDS,
        "piece": PIECE_WORDS,
        "locked": LOCKED_WORDS,
    }
    return _words(key, group, host, "" if group == "host" else nonce, counts[group])


def path_words_for(key: bytes, host: str, path: str) -> tuple[str, ...]:
    """Return the path words of the page at ``path``, the same for every request.

    They are not delivery words: they show that a page belongs to that path of the origin.
    """
    return _words(key, "path", host, plain_path(path), PATH_WORDS)


def plain_path(path: str) -> str:
    """Normalise a path: without query and fragment, decoded, slashes merged."""
    return re.sub(r"/+", "/", "/" + unquote(re.split(r"[?#]", path, maxsplit=1)[0]))


def _words(key: bytes, purpose: str, host: str, said: str, number: int) -> tuple[str, ...]:
    digest = _digest(key, purpose, host, said, number * SYLLABLES_OF_A_WORD)
    letters = "".join(SYLLABLES[byte % len(SYLLABLES)] for byte in digest)
    length = 2 * SYLLABLES_OF_A_WORD
    return tuple(letters[start : start + length] for start in range(0, len(letters), length))


def unmarked(key: bytes) -> Marker:
    """Return the marker of a request without a nonce; only host words then show delivery."""
    return Marker(nonce="", token="", carrier=carrier_for(key, ""))


def _digest(key: bytes, purpose: str, host: str, said: str, size: int) -> bytes:
    text = f"{purpose}\x1f{host.lower().rstrip('.')}\x1f{said}"
    return hashlib.blake2b(text.encode(), key=key[:64], digest_size=size).digest()


def mark(key: bytes, attempt: AttemptKey, host: str, tries: int = 1, run: str = "") -> Marker:
    """Return the marker of one attempt against ``host``, in one run of a campaign."""
    nonce = nonce_for(key, attempt, tries, run)
    return Marker(nonce=nonce, token=token_for(key, host, nonce), carrier=carrier_for(key, run))
