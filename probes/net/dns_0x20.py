"""Mixed letter case in questions: what a forger would have to guess (draft-vixie-dnsext-dns0x20).

DNS compares names without regard to case, and an answer repeats the question as it was asked
(RFC 4343); so each letter of a name hides one bit more, beside the id and the port.
"""

from __future__ import annotations

import os
from collections.abc import Callable

_BIT = 0x20
_LETTERS = bytes(
    _BIT if chr(octet).isascii() and chr(octet).isalpha() else 0 for octet in range(256)
)


def mix_case(name: bytes, draw: Callable[[int], bytes] = os.urandom) -> bytes:
    """The name with the case of each ASCII letter drawn anew; ``draw`` gives random bytes.

    Lengths of labels in wire form are no letters, for none is longer than 63.
    """
    size = len(name)
    drawn = int.from_bytes(draw(size), "big") & int.from_bytes(name.translate(_LETTERS), "big")
    return (int.from_bytes(name, "big") ^ drawn).to_bytes(size, "big")
