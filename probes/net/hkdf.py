"""HKDF (RFC 5869) as TLS 1.3 and HPKE use it, with HMAC of the standard library."""

from __future__ import annotations

import hashlib
import hmac


def extract(digest: str, salt: bytes, secret: bytes) -> bytes:
    """Return the pseudorandom key (section 2.2); an empty salt stands for zeros."""
    return hmac.digest(salt or bytes(hashlib.new(digest).digest_size), secret, digest)


def expand(digest: str, key: bytes, info: bytes, length: int) -> bytes:
    """Return so many bytes of output keying material (section 2.3)."""
    block, output = b"", b""
    for number in range(1, 256):
        if len(output) >= length:
            break
        block = hmac.digest(key, block + info + bytes((number,)), digest)
        output += block
    return output[:length]


def expand_label(digest: str, secret: bytes, label: str, context: bytes, length: int) -> bytes:
    """Return HKDF-Expand-Label of TLS 1.3 (RFC 8446 section 7.1)."""
    named = b"tls13 " + label.encode()
    info = length.to_bytes(2) + bytes((len(named),)) + named + bytes((len(context),)) + context
    return expand(digest, secret, info, length)
