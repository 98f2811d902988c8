"""Markers tie one attempt to one answer of our own origin (BLAKE2 keyed hashing, RFC 7693).

The client sends a nonce (``harness.model.marker``). The origin answers with a token and with
*delivery words*. All of them derive from a key that only the origin and the assessor hold, so
nothing between the two can invent them. The token is one string in the page; the words are spread
over the page, so that a page that was cut, translated, re-encoded or rewritten still shows some of
them. Further words tell the pages of one host apart by their paths.
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


def browser_number(seed: str, attempt: AttemptKey) -> int:
    """A number below 2**32 for an attempt: the same on every line, at every try and resume."""
    text = "\x1f".join(
        ("browser", seed, attempt.item, attempt.probe, attempt.profile, str(attempt.round))
    )
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest(), "big")


Form = Literal["digits", "uuid", "trace"]


class Carrier(msgspec.Struct, frozen=True):
    """A cookie or header by its name, and how the nonce is written in it."""

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
"""Names that sites give to cookies, each with the form that goes with it."""

HEADERS: tuple[tuple[str, Form], ...] = (
    ("X-Request-ID", "digits"), ("X-Request-Id", "uuid"), ("X-Correlation-ID", "uuid"),
    ("X-Trace-ID", "digits"), ("X-B3-TraceId", "digits"), ("X-Client-ID", "digits"),
    ("X-Device-ID", "uuid"), ("X-Session-ID", "digits"), ("X-Transaction-ID", "uuid"),
    ("X-Client-Request-ID", "uuid"), ("Request-Id", "uuid"), ("traceparent", "trace"),
)  # fmt: skip
"""Names of headers that proxies and extensions of browsers put in."""

CARRIERS = (
    *(Carrier(name, form, is_cookie=True) for name, form in COOKIES),
    *(Carrier(name, form) for name, form in HEADERS),
)

NUMBERED = 4
"""One cookie in so many has a number behind its name, as those of one customer of many do."""


@lru_cache(maxsize=64)
def carrier_for(key: bytes, run: str) -> Carrier:
    """What carries the nonces of one run; ``key`` is the origin's."""
    digest = hashlib.blake2b(f"carrier\x1f{run}".encode(), key=key[:64], digest_size=8).digest()
    chosen = CARRIERS[int.from_bytes(digest[:4], "big") % len(CARRIERS)]
    if not chosen.is_cookie or digest[4] % NUMBERED:
        return chosen
    number = int.from_bytes(digest[5:], "big") % 1_000_000
    return Carrier(f"{chosen.name}_{number}", chosen.form, is_cookie=True)


HALF = 8
"""Bytes of each half: 64 bits of check are not met by accident."""

DIGITS = 4 * HALF

SHAPE = re.compile(r"\b[0-9a-f]{8}(?:[0-9a-f]{24}|(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b")
"""What may be a nonce: 32 digits, or the same written as a UUID."""


def new_run() -> str:
    """A random id for one run of a campaign, kept in its journal: 32 hexadecimal digits."""
    return secrets.token_hex(16)


def nonce_for(key: bytes, attempt: AttemptKey, tries: int = 1, run: str = "") -> str:
    """The nonce of one attempt in one run: 32 hexadecimal digits, unguessable without the key."""
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
    """The first nonce made with ``key`` in some texts, such as header values; empty if none."""
    for value in values:
        for found in SHAPE.finditer(value) if len(value) >= DIGITS else ():
            digits = found[0].replace("-", "")
            if _check(key, digits[: 2 * HALF]) == digits[2 * HALF :]:
                return digits
    return ""


def _check(key: bytes, first: str) -> str:
    text = f"check\x1f{first}"
    return hashlib.blake2b(text.encode(), key=key[:64], digest_size=HALF).hexdigest()


ATTEMPT_WORDS, HOST_WORDS, PIECE_WORDS = 8, 4, 4
"""How many delivery words a page has: of the attempt, of the host, of its categorised piece."""

PATH_WORDS = 4
"""How many words a page has that say at which path of its host it stands."""

SYLLABLES = tuple(first + second for first in "bdfgklmnprstvzjh" for second in "aeio")
"""64 syllables, so that a byte gives one of them without bias."""

SYLLABLES_OF_A_WORD = 7
"""A word has 14 letters and 42 bits: it does not occur in a page by accident."""

WordGroup = Literal["attempt", "host", "piece"]


class Marker(msgspec.Struct, frozen=True, kw_only=True):
    """The nonce that goes out, what carries it, and the token that must come back.

    An unmarked request has neither nonce nor token.
    """

    nonce: str
    token: str
    carrier: Carrier


def token_for(key: bytes, host: str, nonce: str) -> str:
    """The token that the origin shows for ``nonce`` at ``host``: 32 hexadecimal digits."""
    return _digest(key, "token", host, nonce, 16).hex()


def receipt_for(key: bytes, host: str, nonce: str) -> str:
    """What the origin sends in a header: it shows that the origin was asked, and no more.

    It differs from the token, so that a header copied into a page never looks like delivery.
    """
    return _digest(key, "receipt", host, nonce, 16).hex()


def words_for(key: bytes, host: str, nonce: str, group: WordGroup) -> tuple[str, ...]:
    """The delivery words that the page at ``host`` shows, of one group.

    ``attempt`` and ``piece`` words change with each nonce; ``host`` words are the same for every
    request, so that an answer to a request without a nonce is recognised too, and so that
    comparing two answers does not show which words they are.
    """
    counts = {"attempt": ATTEMPT_WORDS, "host": HOST_WORDS, "piece": PIECE_WORDS}
    return _words(key, group, host, "" if group == "host" else nonce, counts[group])


def path_words_for(key: bytes, host: str, path: str) -> tuple[str, ...]:
    """The words that the page at ``path`` of a host shows, the same for every request.

    They are no delivery words: they say that a page is the origin's own one for that path, and
    not the page of another path.
    """
    return _words(key, "path", host, plain_path(path), PATH_WORDS)


def plain_path(path: str) -> str:
    """A path without query and fragment, as what passes requests on may write it as well."""
    return re.sub(r"/+", "/", "/" + unquote(re.split(r"[?#]", path, maxsplit=1)[0]))


def _words(key: bytes, purpose: str, host: str, said: str, number: int) -> tuple[str, ...]:
    digest = _digest(key, purpose, host, said, number * SYLLABLES_OF_A_WORD)
    letters = "".join(SYLLABLES[byte % len(SYLLABLES)] for byte in digest)
    length = 2 * SYLLABLES_OF_A_WORD
    return tuple(letters[start : start + length] for start in range(0, len(letters), length))


def unmarked(key: bytes) -> Marker:
    """The marker of a request that carries nothing: the origin's words alone show delivery."""
    return Marker(nonce="", token="", carrier=carrier_for(key, ""))


def _digest(key: bytes, purpose: str, host: str, said: str, size: int) -> bytes:
    text = f"{purpose}\x1f{host.lower().rstrip('.')}\x1f{said}"
    return hashlib.blake2b(text.encode(), key=key[:64], digest_size=size).digest()


def mark(key: bytes, attempt: AttemptKey, host: str, tries: int = 1, run: str = "") -> Marker:
    """The marker of one attempt against ``host``, in one run of a campaign."""
    nonce = nonce_for(key, attempt, tries, run)
    return Marker(nonce=nonce, token=token_for(key, host, nonce), carrier=carrier_for(key, run))
