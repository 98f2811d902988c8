"""Markers tie one attempt to one answer of our own origin (BLAKE2 keyed hashing, RFC 7693).

The client sends a nonce (``harness.model.nonce``). The origin answers with a token and with
*delivery words*. All of them derive from a key that only the origin and the assessor hold, so
nothing between the two can invent them. The token is one string in the page; the words are spread
over the page, so that a page that was cut, translated, re-encoded or rewritten still shows some of
them. Further words tell the pages of one host apart by their paths.
"""

from __future__ import annotations

import hashlib
import re
from typing import Literal
from urllib.parse import unquote

import msgspec

from harness.model.carrier import Carrier, carrier_for
from harness.model.nonce import nonce_for
from harness.model.observation import AttemptKey

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
