"""Cases of requests that a service's log has to record (LOG), and how they are recognised in it.

Each request asks for a host of its own, so that one entry of a log belongs to one request, whatever
the log shows of it: an address, or the host alone (CONNECT, DNS). Half of the requests bear no mark
of a test: their hosts are in the zone of the plain twins, and they carry no nonce. So a service
cannot keep a record of the tester's requests alone.

The case and the situation are in the stratum of an item: ``CTRL/log:ordinary:page``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import ceil
from typing import Literal, get_args

from harness.model.corpus import Item
from harness.model.origin_zone import RANGE_ZONE

LOG = "log:"
"""What precedes situation and case in a stratum."""

Situation = Literal["ordinary", "restart", "offline"]
"""When requests are made: at any time; while the service or a part of it restarts; without a
connection to the internet."""

SITUATIONS: dict[Situation, str] = {
    "ordinary": "at any time",
    "restart": "around a restart of the service",
    "offline": "without a connection",
}

Way = Literal["get", "form", "multipart", "ask"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogCase:
    """A kind of request: its name, words for people, and how it is made.

    ``share`` is its part of the requests of a line and profile. With ``is_plain`` it bears no mark.
    ``blocked``: it asks for the agreed host that must be blocked. ``secrets``: it carries invented
    secrets, which a log must not hold.
    """

    name: str
    words: str
    share: int
    scheme: Literal["http", "https", ""] = "http"
    way: Way = "get"
    is_plain: bool = False
    blocked: bool = False
    secrets: bool = False


CASES: dict[str, LogCase] = {
    case.name: case
    for case in (
        LogCase(name="page", words="pages", share=240),
        LogCase(name="plain", words="pages, without a mark", share=540, is_plain=True),
        LogCase(name="secure", words="encrypted pages", share=100, scheme="https"),
        LogCase(
            name="plain-secure",
            words="encrypted pages, without a mark",
            share=110,
            scheme="https",
            is_plain=True,
        ),
        LogCase(name="search", words="searches", share=60),
        LogCase(name="download", words="downloads", share=60),
        LogCase(name="upload", words="uploads", share=60, way="multipart"),
        LogCase(name="blocked", words="blocked pages", share=60, blocked=True),
        LogCase(name="bypass", words="attempts to bypass the filter", share=60),
        LogCase(name="secret", words="forms with a password", share=20, way="form", secrets=True),
    )
}
"""What a line that fetches pages is tried with; the shares add up to 1,310."""

NAME_CASES: dict[str, LogCase] = {
    case.name: case
    for case in (
        LogCase(name="name", words="names", share=600, scheme="", way="ask"),
        LogCase(
            name="plain-name",
            words="names, without a mark",
            share=600,
            scheme="",
            way="ask",
            is_plain=True,
        ),
        LogCase(
            name="blocked-name", words="blocked names", share=60, scheme="", way="ask", blocked=True
        ),
    )
}
"""What a line that only answers DNS questions is tried with."""

TOTAL = sum(case.share for case in CASES.values())
"""The requests of a line and profile; enough for LOG-01 with and without a mark (n >= 598)."""


def _least_share(counts: Callable[[LogCase], bool]) -> Fraction:
    """The part of all requests that count, where it is least: of pages or of names, if any do."""
    sums = [
        Fraction(sum(each.share for each in cases.values() if counts(each)), total)
        for cases, total in (
            (CASES, TOTAL),
            (NAME_CASES, sum(c.share for c in NAME_CASES.values())),
        )
    ]
    return min(filter(None, sums))


COUNTED: dict[str, Fraction] = {
    "events_recorded": min(
        _least_share(lambda one: one.is_plain), _least_share(lambda one: not one.is_plain)
    ),
    "wrong_log_fields": Fraction(1),
    "log_visibility_delay": Fraction(1),
    "bypass_attempts_recorded": _least_share(lambda one: one.name == "bypass"),
}
"""The part of all requests that a metric counts; of requests with and without a mark the fewer."""


def requests_for(needed: Iterable[tuple[str, int]]) -> int:
    """Return how many requests ``accredit log send`` makes for a line and profile.

    These are ``TOTAL``, or more if metrics need more. ``needed`` are names of metrics, and the
    least number of requests that each must count.
    """
    wanted = (ceil(least / COUNTED[metric]) for metric, least in needed if metric in COUNTED)
    return max([TOTAL, *wanted])


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseInSituation:
    """A case, and the situation in which it is tried."""

    case: LogCase
    situation: Situation


@lru_cache(maxsize=256)
def log_case(stratum: str) -> CaseInSituation | None:
    """Return what a stratum says; None for items that are not for a log."""
    variant = stratum.partition("/")[2]
    situation, _, name = variant.removeprefix(LOG).partition(":")
    case = CASES.get(name) or NAME_CASES.get(name)
    if not variant.startswith(LOG) or case is None or situation not in get_args(Situation):
        return None
    return CaseInSituation(case=case, situation=_SITUATION[situation])


_SITUATION: dict[str, Situation] = {str(each): each for each in SITUATIONS}

_WORDS = (
    "apple", "autumn", "badger", "bakery", "barley", "bridge", "candle", "carpet", "castle",
    "cherry", "choir", "clover", "coral", "cotton", "dahlia", "ember", "falcon", "fern", "forest",
    "garden", "ginger", "harbour", "hazel", "heather", "island", "jasmine", "kettle", "ladder",
    "lantern", "larch", "lemon", "linen", "maple", "market", "meadow", "mill", "orchard", "otter",
    "pebble", "pepper", "quarry", "ribbon", "river", "saddle", "summer", "thistle", "timber",
    "valley", "violet", "walnut", "willow", "winter",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Digits:
    """Numbers drawn from a text, always the same."""

    digest: bytes

    @classmethod
    def of(cls, text: str) -> _Digits:
        return cls(digest=hashlib.blake2b(text.encode(), digest_size=16).digest())

    def word(self, place: int) -> str:
        return _WORDS[self.digest[place] % len(_WORDS)]

    def number(self, place: int, below: int) -> int:
        return int.from_bytes(self.digest[place : place + 6], "big") % below


def log_items(
    draw: str, situation: Situation, number: int, blocked_host: str, *, names: bool
) -> Iterator[Item]:
    """Yield the items of one line and profile, in a mixed order.

    The cases have their shares of ``number``, rounded up. ``draw`` makes the hosts: another
    text, other hosts. ``blocked_host`` is the host that must be blocked; without one (empty) there
    are no requests for it. Items whose case is plain have the host of which the twin is asked.
    """
    cases = NAME_CASES if names else CASES
    chosen = [case for case in cases.values() if blocked_host or not case.blocked]
    total = sum(case.share for case in chosen)
    counted = {case.name: -(-number * case.share // total) for case in chosen}
    made = [(case, turn) for case in chosen for turn in range(counted[case.name])]
    made.sort(key=lambda one: _Digits.of(f"order {draw} {one[0].name} {one[1]}").digest)
    for case, turn in made:
        yield _item(case, situation, f"{draw} {case.name} {turn}", blocked_host)


def invented_host(text: str) -> str:
    """Return a host of the range's zone that nobody asked for before; another text, another one."""
    digits = _Digits.of(text)
    return f"{digits.word(0)}-{digits.word(1)}-{digits.number(2, 36**7):x}.canary.{RANGE_ZONE}"


def invented_path(text: str) -> str:
    """Return the path of a page that nobody asked for before, without its first slash."""
    digits = _Digits.of(text)
    return f"{digits.word(8)}/{digits.word(9)}-{digits.number(10, 10**6)}"


def _item(case: LogCase, situation: Situation, text: str, blocked_host: str) -> Item:
    digits = _Digits.of(text)
    host = invented_host(text)
    label = host.partition(".")[0]
    path = invented_path(text)
    if case.blocked:
        host = f"{label}.{blocked_host}" if case.way == "ask" else blocked_host
        path = f"{label}/{path}"
    value = host if case.way == "ask" else f"{case.scheme}://{host}/{_path(case, path, digits)}"
    return Item(
        id=f"log-{digits.digest.hex()}",
        value=value,
        labels=("CTRL",),
        kind="host" if case.way == "ask" else "url",
        stratum=f"CTRL/{LOG}{situation}:{case.name}",
        applies_to="any",
    )


def _path(case: LogCase, path: str, digits: _Digits) -> str:
    match case.name:
        case "search":
            return f"search?q={'+'.join(search_words(digits.digest.hex()))}"
        case "download":
            return f"files/{path.replace('/', '-')}.pdf"
        case "bypass":
            return f"translate?u=http%3A%2F%2F{path.replace('/', '.')}.example%2F"
        case _:
            return path


def search_words(digest: str) -> tuple[str, ...]:
    """Return the words of a search, from the digest in the id of an item."""
    digits = _Digits(digest=bytes.fromhex(digest))
    return digits.word(11), digits.word(12), str(digits.number(8, 10**6))


SECRETS: dict[str, str] = {
    "password": "a password in a form",
    "message": "a text in a form",
    "token": "a token in the header Authorization",
    "session": "a session in a header",
}
"""The secrets of a request, in words."""


def secret_of(item_id: str, kind: str) -> str:
    """Return an invented secret: 20 letters and digits that occur nowhere else.

    It follows from the item's id, so that a journal need not hold it.
    """
    digest = hashlib.blake2b(f"{kind} of {item_id}".encode(), digest_size=16).digest()
    letters = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
    number = int.from_bytes(digest, "big")
    found = []
    for _ in range(20):
        number, place = divmod(number, len(letters))
        found.append(letters[place])
    return "".join(found)
