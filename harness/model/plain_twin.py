"""Plain twins: items that are tried once more as a pupil would, without any mark of a test.

A service that treats testers better than pupils is found by comparing the two (TQ-10). A twin of
a host on the canary origin has another name, in a zone that is used for nothing else; its name is
made from the host's by a fixed rule, so that origin and assessor need no common list. Any other
item is its own twin.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Annotated, NamedTuple

import msgspec
from msgspec.structs import replace
from pydantic import Field

from harness.model.corpus import Item
from harness.model.declared import Declared
from harness.model.observation import AttemptKey, Look

ENOUGH = 59
"""Twins of each line, profile and probe at least: if one in twenty fared otherwise, one of 59
would with 95 % probability (0.95 ** 59 < 0.05)."""

NAME = "abcdefghijklmnopqrstuvwxyz0123456789-."
"""The characters of a host name (RFC 1123), each a digit of a number to the base 38."""

LABEL = NAME[:36]
"""The characters of a twin's label; it has no dot and no hyphen, so nothing is left to rules."""


class PlainTwins(Declared):
    """How a campaign tries plain twins: how many, and at what pace.

    ``number`` is for each line, profile and probe; none with 0. Between two visits lies a pause of
    ``pause`` seconds on average (exponentially distributed). ``source`` is an IP address of this
    machine that no other attempt leaves from, where there is one.
    """

    number: Annotated[int, Field(ge=0, le=10_000)] = ENOUGH
    pause: Annotated[float, Field(ge=0, le=60)] = 1.0
    source: str = ""


class TwinPair(msgspec.Struct, frozen=True, kw_only=True):
    """An item as it fared when it was tried as an item of the test, and as a pupil would.

    Both are states of a verdict (``harness.model.verdict.State``) by their values.
    """

    item: str
    category: str
    line: str
    profile: str
    probe: str
    tested: str
    plain: str


def is_ordinary(item: Item) -> bool:
    """Whether an item is of what a pupil mostly sees: harmless by its category, or a neighbour."""
    return item.category.partition(".")[0] in {"ALW", "CTRL"} or item.stratum.startswith("twin:")


def twin_of(host: str, zone: str, twin_zone: str) -> str:
    """The twin's host for a host of ``zone``; empty if the host is not in it, or has none.

    ``twin_zone`` may be any other zone.
    """
    name = host.lower().rstrip(".").removesuffix("." + zone)
    if name == host.lower().rstrip(".") or not name or not set(name) <= set(NAME):
        return ""
    label = _mixed(_number(name))
    return f"{label}.{twin_zone}" if len(label) <= _LONGEST else ""


def host_of_twin(host: str, zone: str, twin_zone: str) -> str:
    """The host in ``zone`` whose twin ``host`` is; empty if it is none."""
    label = host.lower().rstrip(".").removesuffix("." + twin_zone)
    if label == host.lower().rstrip(".") or "." in label or not set(label) <= set(LABEL):
        return ""
    name = _name(_unmixed(label))
    return f"{name}.{zone}" if name and twin_of(f"{name}.{zone}", zone, twin_zone) else ""


_LONGEST = 63
"""Characters of a label (RFC 1035 section 2.3.4)."""


def _number(name: str) -> int:
    """The name as a number; a leading one keeps what it begins with."""
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
    """The number in letters that tell nothing at a glance."""
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
    """Each digit moved by one that a hash gives for the sum of those before it, and the length."""
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
"""Items of a group that are tried again at least (all, if there are fewer): if one in twenty would
pass, one of 59 does with 95 % probability (0.95 ** 59 < 0.05)."""

DOUBTED_TURN = 3
"""From this turn on an item is tried with patience because another silent one was answered."""

ROUNDS: dict[Look, int] = {
    "patience": 100_000,
    "at_once": 200_000,
    "at_end": 300_000,
    "other_client": 400_000,
}
"""Added to the round of an attempt that is made again in this manner, so that its key is new; a
multiple of ``harness.model.batch.AGAIN``, so that the round itself can still be told."""


DONE = 1_000_000_000
"""The number of the empty batch that says that all retrials of a campaign are made, above that of
every batch that is planned, or tried again because it was void or undecided. Retrials follow."""


def next_number(held: Iterable[int]) -> int:
    """The number of a batch that no campaign has planned, above those that are ``held``."""
    return 1 + max({DONE, *held})


class Group(NamedTuple):
    """What the silences of one kind are drawn from: a line, a profile and a probe."""

    line: str
    profile: str
    probe: str


class Spot(NamedTuple):
    """An item at a place, whatever the round."""

    item: str
    line: str
    profile: str
    probe: str


def key_again(key: AttemptKey, look: Look) -> AttemptKey:
    """The key of an attempt that is made again."""
    return replace(key, round=key.round + ROUNDS[look])


def group_of(key: AttemptKey) -> Group:
    """The group of an attempt."""
    return Group(line=key.line, profile=key.profile, probe=key.probe)


def spot_of(key: AttemptKey) -> Spot:
    """The item of an attempt at its place."""
    return Spot(item=key.item, line=key.line, profile=key.profile, probe=key.probe)
