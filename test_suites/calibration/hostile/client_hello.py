"""What a ClientHello tells of the program that sent it (as JA3 and its successors use it)."""

from __future__ import annotations

FIREFOX = (0x1301, 0x1303)
"""TLS_AES_128_GCM_SHA256 and TLS_CHACHA20_POLY1305_SHA256; OpenSSL likes others better."""

CIPHERS_AT = 43
"""Where the session id stands: record head 5, handshake head 4, version 2, random 32."""


def ciphers_in(hello: bytes) -> tuple[int, ...]:
    """The cipher suites that a ClientHello offers, in its order (RFC 8446 section 4.1.2)."""
    start = CIPHERS_AT + 1 + hello[CIPHERS_AT]
    length = int.from_bytes(hello[start : start + 2], "big")
    offered = hello[start + 2 : start + 2 + length]
    return tuple(
        int.from_bytes(offered[at : at + 2], "big") for at in range(0, len(offered) - 1, 2)
    )


def is_browsers(hello: bytes) -> bool:
    """Whether a browser sent it: most grease their ciphers (RFC 8701), Firefox orders them so."""
    ciphers = ciphers_in(hello)
    is_greased = any(each & 0x0F0F == 0x0A0A and each >> 8 == each & 0xFF for each in ciphers)
    return is_greased or ciphers[:2] == FIREFOX
