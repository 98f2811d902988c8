"""Squid's log as a supplier might hand it over: lines missing, another clock, persons, a password."""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from harness.model.log_case import secret_of
from harness.model.service_log import LoggedRequest
from test_suites.products.log_campaign import key_of

SHARE = 0.03
"""The share of lines that are missing, of each kind of request and of everything else."""
SECONDS = 7
"""How far the clock is ahead."""
URL = 6
"""The place of the URL in a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tampered:
    """The log, and what was done: the requests without a line, those with another person, and the
    request whose password is in the line of that number."""

    content: bytes
    missing: frozenset[str]
    misnamed: frozenset[str]
    secret: str
    line: int


def tampered(
    log: bytes, requests: Collection[LoggedRequest], user: str, other: str, draw: random.Random
) -> Tampered:
    """Take ``SHARE`` of the lines away, name ``other`` on two lines of ``user``, plant a password."""
    lines = log.splitlines()
    owners = {key_of(one.url): one for one in requests}
    owned = [owners.get(key_of(line.split()[URL].decode())) for line in lines]
    gone = _drawn(owned, draw)
    kept = [place for place in range(len(lines)) if place not in gone]
    shown = {one.item for place in kept if (one := owned[place])}
    alone = {item for item, times in Counter(map(_item, filter(None, owned))).items() if times == 1}
    named = [
        place
        for place in kept
        if (one := owned[place]) and one.item in alone and f" {user} ".encode() in lines[place]
    ]
    misnamed = draw.sample(named, 2)
    forms = [place for place in named if (one := owned[place]) and one.case == "secret"]
    planted = draw.choice([place for place in forms if place not in misnamed])
    for place in misnamed:
        lines[place] = lines[place].replace(f" {user} ".encode(), f" {other} ".encode())
    lines[planted] += f' "password={secret_of(_item(owned[planted]), "password")}"'.encode()
    return Tampered(
        content=b"".join(_moved(lines[place]) + b"\n" for place in kept),
        missing=frozenset(one.item for one in requests) - shown,
        misnamed=frozenset(_item(owned[place]) for place in misnamed),
        secret=_item(owned[planted]),
        line=kept.index(planted) + 1,
    )


def _drawn(owned: list[LoggedRequest | None], draw: random.Random) -> set[int]:
    """The places of ``SHARE`` of the lines: of each profile with a mark, without one, and others."""
    groups: defaultdict[tuple[str, bool], list[int]] = defaultdict(list)
    for place, one in enumerate(owned):
        group = (one.profile, one.case.startswith("plain")) if one else ("", False)
        groups[group].append(place)
    drawn = (draw.sample(places, round(SHARE * len(places))) for places in groups.values())
    return {place for places in drawn for place in places}


def _moved(line: bytes) -> bytes:
    """The line by a clock that is ahead."""
    return re.sub(rb"^\d+", lambda found: b"%d" % (int(found[0]) + SECONDS), line)


def _item(request: LoggedRequest | None) -> str:
    assert request is not None
    return request.item
