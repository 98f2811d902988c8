"""What a ClientHello tells of the program that sent it (as JA3 and its successors use it)."""

from __future__ import annotations

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
    """Whether it was sent by a browser like Chrome, which greases its ciphers (RFC 8701)."""
    return any(each & 0x0F0F == 0x0A0A and each >> 8 == each & 0xFF for each in ciphers_in(hello))
