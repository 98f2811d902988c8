"""Plain twins, and repeated trials (retrials) of items that were silent or blocked.

A plain twin is an item tried once more as a user would, without any mark of a test, to find
services that treat testers better than users (TQ-10). The twin of a host on the canary origin is
another name, in a zone used for nothing else, derived from the host's name by a fixed rule, so that
origin and assessor need no common list. Any other item is its own twin.

Retrials get attempt keys of their own (``key_again``) and batch numbers above ``DONE``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Annotated, NamedTuple

import msgspec
from msgspec.structs import replace
from pydantic import Field

from harness.model.corpus import TWIN, Item
from harness.model.declared import Declared
from harness.model.observation import AttemptKey, Look
from harness.model.order_statistic import binomial_at_most

ENOUGH = 59
"""The default number of twins for each line, profile and probe.

If one in twenty differs, one of 59 does with 95 % probability (0.95 ** 59 < 0.05).
"""

LOST, ENOUGH_LEFT = 0.01, 0.99
"""The share of undecided items allowed for, and the probability that enough pairs are left."""

TRIES = 3
"""How often a twin is tried until it is decided, at most.

What fails by chance once in a hundred times stays undecided once in a million times.
"""

NAME = "abcdefghijklmnopqrstuvwxyz0123456789-."
"""The characters of a host name (RFC 1123), used as digits of a number to the base 38."""

LABEL = NAME[:36]
"""The characters of a twin's label: without dot and hyphen, so that any label is valid."""


class PlainTwins(Declared):
    """How many plain twins a campaign tries, and how fast.

    ``number`` pairs are to be compared for each line, profile and probe; 0 means none. Two visits
    are ``pause`` seconds apart on average (exponentially distributed). ``source`` is an IP address
    of this machine that no other attempt uses, or empty.
    """

    number: Annotated[int, Field(ge=0, le=10_000)] = ENOUGH
    pause: Annotated[float, Field(ge=0, le=60)] = 1.0
    source: str = ""

    @property
    def drawn(self) -> int:
        """How many twins are drawn, so that ``number`` are left to be compared.

        A pair is lost if its item is undecided. If one item in a hundred is, enough are left with
        99 % probability: P[X <= drawn - number] >= 0.99 for X ~ Bin(drawn, 0.01).
        """
        spares = 0
        while binomial_at_most(spares, self.number + spares, LOST) < ENOUGH_LEFT:
            spares += 1
        return self.number + spares


class TwinPair(msgspec.Struct, frozen=True, kw_only=True):
    """An item's state as a test item (``tested``) and as a plain twin (``plain``).

    Both are values of ``harness.model.verdict.State``.
    """

    item: str
    category: str
    line: str
    profile: str
    probe: str
    tested: str
    plain: str


def is_ordinary(item: Item) -> bool:
    """Whether an item is harmless: by its category, or as a benign neighbour."""
    return item.category.partition(".")[0] in {"ALW", "CTRL"} or item.stratum.startswith(TWIN)


def twin_of(host: str, zone: str, twin_zone: str, place: int = 0) -> str:
    """Return the twin of a host of ``zone``; empty if it is not in the zone, or has no twin.

    ``twin_zone`` may be any other zone. ``place`` is that of ``zone`` among the zones of an origin;
    it is encoded in the twin's label, where only the origin needs it.
    """
    name = host.lower().rstrip(".").removesuffix("." + zone)
    if name == host.lower().rstrip(".") or not name or not set(name) <= set(NAME):
        return ""
    if _PLACED in name:
        return ""
    label = _mixed(_number(f"{name}{_PLACED}{place}" if place else name))
    return f"{label}.{twin_zone}" if len(label) <= _LONGEST else ""


def host_of_twin(host: str, zone: str, twin_zone: str, *further_zones: str) -> str:
    """Return the host whose twin is ``host``; empty if it is no twin.

    The host is in ``zone``, or in one of the further zones of the origin.
    """
    label = host.lower().rstrip(".").removesuffix("." + twin_zone)
    if label == host.lower().rstrip(".") or "." in label or not set(label) <= set(LABEL):
        return ""
    name, place = _placed(_name(_unmixed(label)))
    if not name or place > len(further_zones):
        return ""
    home = (zone, *further_zones)[place]
    original = f"{name}.{home}"
    return original if twin_of(original, home, twin_zone, place) == f"{label}.{twin_zone}" else ""


_PLACED = ".."
"""What separates a name from the place of its zone; no host has an empty label."""


def _placed(name: str) -> tuple[str, int]:
    """Return a name without the place of its zone, and that place; 0 if there is none."""
    bare, separator, place = name.rpartition(_PLACED)
    if not separator:
        return name, 0
    return (bare, int(place)) if re.fullmatch(r"[1-9][0-9]?", place) else ("", 0)


_LONGEST = 63
"""Characters of a label (RFC 1035 section 2.3.4)."""


def _number(name: str) -> int:
    """Return the name as a number; the leading 1 keeps leading zero digits."""
    number = 1
    for letter in name:
        number = number * len(NAME) + NAME.index(letter)
    return number


def _name(number: int) -> str:
    letters = []
    while number > 1:
        number, digit = divmod(number, len(NAME))
        letters.append(NAME[digit])
    return "".join(reversed(letters)) if number == 1 else ""


def _mixed(number: int) -> str:
    """Return the number as a label in which the name cannot be recognised."""
    label = []
    while number:
        number, digit = divmod(number, len(LABEL))
        label.append(digit)
    return "".join(LABEL[digit] for digit in _shifted(label, 1))


def _unmixed(label: str) -> int:
    digits = _shifted([LABEL.index(letter) for letter in label], -1)
    number = 0
    for digit in reversed(digits):
        number = number * len(LABEL) + digit
    return number


def _shifted(digits: list[int], sign: int) -> list[int]:
    """Shift each digit by a hash of the digits before it and of the length."""
    moved: list[int] = []
    plain: list[int] = []
    for digit in digits:
        text = f"plain twin {len(digits)} {plain}".encode()
        step = hashlib.blake2b(text, digest_size=2).digest()
        shift = int.from_bytes(step, "big") % len(LABEL)
        moved.append((digit + sign * shift) % len(LABEL))
        plain.append(digit if sign == 1 else moved[-1])
    return moved


SAMPLE = 59
"""The fewest items of a group that are tried again (all, if there are fewer).

If one in twenty would pass, one of 59 does with 95 % probability (0.95 ** 59 < 0.05).
"""

DOUBTED_TURN = 3
"""From this turn on, items are retried with the longest timeout after another was answered."""

ROUNDS: dict[Look, int] = {
    "patience": 100_000,
    "at_once": 200_000,
    "at_end": 300_000,
    "other_client": 400_000,
}
"""Added to the round of a retrial by its kind, so that its attempt key is new.

Multiples of ``harness.model.batch.AGAIN``, so that the round can still be recovered.
"""


DONE = 1_000_000_000
"""The number of the empty batch that marks all retrials of a campaign as done.

It is above the numbers of planned and repeated batches; retrials have numbers above it.
"""


def next_number(held: Iterable[int]) -> int:
    """Return an unused batch number for a retrial, above those that are ``held``."""
    return 1 + max({DONE, *held})


class Group(NamedTuple):
    """The line, profile and probe for which silent items are sampled."""

    line: str
    profile: str
    probe: str


class Spot(NamedTuple):
    """An item on a line, for a profile and a probe, in any round."""

    item: str
    line: str
    profile: str
    probe: str


def key_again(key: AttemptKey, look: Look) -> AttemptKey:
    """Return the key of the retrial of an attempt."""
    return replace(key, round=key.round + ROUNDS[look])


def group_of(key: AttemptKey) -> Group:
    """Return the group of an attempt."""
    return Group(line=key.line, profile=key.profile, probe=key.probe)


def spot_of(key: AttemptKey) -> Spot:
    """Return the item, line, profile and probe of an attempt."""
    return Spot(item=key.item, line=key.line, profile=key.profile, probe=key.probe)
