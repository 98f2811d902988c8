"""Spellings of hosts and IPv4 addresses that a client reads as the same host or address.

``spelled`` composes them at random, so that a service which knows only published spellings is
found. ``probes.net.spelled_host`` reads them.
"""

from __future__ import annotations

import random
from ipaddress import AddressValueError, IPv4Address

DOTS = (".", "\u3002", "\uff0e", "\uff61")
"""The full stops of UTS 46."""

INVISIBLE = ("\u00ad", "\u200b", "\u2060", "\ufeff")
"""Characters that UTS 46 maps to nothing."""

_FULLWIDTH = 0xFEE0
_OFTEN = 0.5
_SELDOM = 0.15
_FIRST_OF_NUMBER = (4, 3, 2, 1)
"""Into how many numbers an IPv4 address may be written."""


def circled(text: str) -> str:
    """Return a host in circled letters and digits."""
    return "".join(_circled(each) for each in text)


def _circled(letter: str) -> str:
    if letter.isascii() and letter.isalpha():
        return chr(0x24D0 + ord(letter.lower()) - ord("a"))
    if letter.isascii() and letter.isdigit():
        return chr(0x2460 + int(letter) - 1) if letter != "0" else "\u24ea"
    return letter


def unicode_name(text: str) -> str:
    """Return a name with the letters that its labels ``xn--`` stand for (RFC 3492)."""
    return ".".join(
        label[4:].encode().decode("punycode") if label.lower().startswith("xn--") else label
        for label in text.split(".")
    )


def spelled(text: str, draw: random.Random) -> str:
    """Return a spelling of a host or IPv4 address that is composed at random."""
    try:
        address = IPv4Address(text)
    except AddressValueError:
        return _spelled_name(text, draw)
    return _spelled_address(int(address), draw)


def _spelled_name(text: str, draw: random.Random) -> str:
    letters = []
    for letter in text:
        if letter == ".":
            letters.append(_perhaps_percent(draw.choice(DOTS), draw))
            continue
        letters.append(_perhaps_percent(_other_form(letter, draw), draw))
        if draw.random() < _SELDOM:
            letters.append(_perhaps_percent(draw.choice(INVISIBLE), draw))
    return "".join(letters)


def _other_form(letter: str, draw: random.Random) -> str:
    forms = [letter, letter.upper()]
    if letter.isascii() and letter.isalnum():
        forms += [chr(ord(letter) + _FULLWIDTH), chr(ord(letter.upper()) + _FULLWIDTH)]
        forms.append(_circled(letter))
    return draw.choice(forms)


def _perhaps_percent(letter: str, draw: random.Random) -> str:
    if draw.random() < _OFTEN:
        return letter
    form = draw.choice(("%{:02x}", "%{:02X}"))
    return "".join(form.format(octet) for octet in letter.encode())


def _spelled_address(number: int, draw: random.Random) -> str:
    """Write one to four numbers, each in decimal, octal or hexadecimal, with leading zeros."""
    octets = draw.choice(_FIRST_OF_NUMBER) - 1
    numbers = [number >> 24 - 8 * place & 0xFF for place in range(octets)]
    numbers.append(number & (1 << 32 - 8 * octets) - 1)
    forms = ("{}", "0{:o}", "00{:o}", "0x{:x}", "0X{:X}", "0x00{:x}")
    return ".".join(draw.choice(forms).format(one) for one in numbers) + draw.choice(("", "."))
