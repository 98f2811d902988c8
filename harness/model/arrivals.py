"""Ask an origin what arrived there with the nonces of attempts, and read its answer.

``GET`` of ``arrivals_path`` on a zone of the origin itself, over a line without a filter. Only who
has the origin's key can ask, so that no visitor reads what others sent.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from datetime import datetime
from urllib.parse import parse_qs

import msgspec

from harness.model.tls_view import TlsOffer

PATH = "/.well-known/arrivals"
MAX_NONCES = 200
"""Nonces in one question; a longer one would not fit into a request."""

_NONCE = re.compile(r"[0-9a-f]{32}")


class SeenArrival(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One request that reached the origin with ``nonce``; ``at`` is aware UTC.

    ``over`` is ``http``, ``https``, ``dns`` or ``tcp``; ``method`` the method, or the protocol.
    ``offer`` is that of the ClientHello on whose connection it came, where that is recorded.
    """

    nonce: str
    at: datetime
    over: str
    host: str = ""
    method: str = ""
    path: str = ""
    offer: TlsOffer | None = None


class Arrivals(msgspec.Struct, frozen=True, kw_only=True):
    """The answer: the arrivals in order, oldest first."""

    arrivals: tuple[SeenArrival, ...]


_ARRIVALS = msgspec.json.Decoder(Arrivals)


def arrivals_path(key: bytes, nonces: Iterable[str]) -> str:
    """Return the path and query that ask about nonces, at most MAX_NONCES."""
    text = ",".join(nonces)
    return f"{PATH}?nonce={text}&proof={_proof(key, text)}"


def asked_nonces(key: bytes, path: str) -> frozenset[str]:
    """Return the nonces that a path asks about; none without the proof, or for another path."""
    place, _, query = path.partition("?")
    if place != PATH:
        return frozenset()
    values = parse_qs(query)
    text, proof = (values.get(name, [""])[0] for name in ("nonce", "proof"))
    nonces = text.split(",")
    is_proved = hmac.compare_digest(proof.encode(), _proof(key, text).encode())
    if not is_proved or len(nonces) > MAX_NONCES or not all(map(_NONCE.fullmatch, nonces)):
        return frozenset()
    return frozenset(nonces)


def read_arrivals(body: bytes) -> tuple[SeenArrival, ...]:
    """Read the answer of an origin. Raises ValueError if it is none."""
    try:
        return _ARRIVALS.decode(body).arrivals
    except msgspec.DecodeError as error:
        msg = f"this is no list of arrivals: {error}"
        raise ValueError(msg) from None


def _proof(key: bytes, text: str) -> str:
    said = f"arrivals\x1f{text}".encode()
    return hashlib.blake2b(said, key=key[:64], digest_size=16).hexdigest()
