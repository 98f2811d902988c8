"""A choice is one thing that a PAC file's answer offers: straight on, or a proxy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.errors import UsageError
from probes.net.address import Address, parse_address

Kind = Literal["direct", "http", "https", "socks5", "unspoken"]

KINDS: dict[str, Kind] = {
    "DIRECT": "direct",
    "PROXY": "http",
    "HTTP": "http",
    "HTTPS": "https",
    "SOCKS5": "socks5",
    "SOCKS": "unspoken",
    "SOCKS4": "unspoken",
}
"""The words of an answer. ``SOCKS`` means version 4 to browsers, which we do not speak."""

PORTS = {"PROXY": 80, "HTTP": 80, "HTTPS": 443, "SOCKS": 1080, "SOCKS4": 1080, "SOCKS5": 1080}
"""What a proxy without a port listens on, as browsers have it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """How to go; ``address`` is the proxy's, as the script wrote it."""

    word: str
    address: Address | None = None

    @property
    def kind(self) -> Kind:
        """What has to be spoken."""
        return KINDS[self.word]

    def __str__(self) -> str:
        return f"{self.word} {self.address}" if self.address is not None else self.word


STRAIGHT = Choice(word="DIRECT")


def read_choices(answer: str) -> tuple[Choice, ...]:
    """The choices of an answer such as ``PROXY a:3128; DIRECT``, in order, each once.

    An empty answer means straight on. What is not understood is passed over, as browsers do;
    raises ValueError if nothing else is left.
    """
    if not answer.strip():
        return (STRAIGHT,)
    choices = dict.fromkeys(
        choice for part in answer.split(";") if (choice := _read_choice(part)) is not None
    )
    if not choices:
        raise ValueError(f"its answer names no choice: {answer[:100]!r}")
    return tuple(choices)


def _read_choice(part: str) -> Choice | None:
    word, _, place = part.strip().partition(" ")
    word, place = word.upper(), place.strip()
    if word == "DIRECT":
        return None if place else STRAIGHT
    if word not in KINDS or not place:
        return None
    try:
        return Choice(word=word, address=parse_address(place, word, PORTS[word]))
    except UsageError:
        return None
