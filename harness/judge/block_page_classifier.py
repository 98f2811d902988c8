"""Looks at pages: what one is by itself, and how it compares with the control's.

The look only supports what the control comparison shows: words such as *blocked* or
*denied* stand on ordinary pages too, so a signal counts where it stands (title, opening
text, redirect host, frame), and what an origin says for itself (CAPTCHA, geo-block, parked)
is told apart.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

from harness.judge.statements import (
    TALK,
    WHOLE,
    length_share,
    read_statement,
    sign_share,
    talk_weight,
    word_weight,
)
from harness.model.facts.web import WebFacts

ENOUGH_ALONE = 3.0
ENOUGH_BESIDE = 1.5
BARE_FRAME = 1.0
"""Weight of a page that says nothing and leads to another site."""
REFUSED = 1.0
"""Weight of a status that refuses, beside words that do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """A pattern at a place, and what it shows."""

    place: str
    weight: float
    says: str
    pattern: re.Pattern[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signatures:
    """All that is known of what pages say.

    ``refusal``: how origins and their guards turn a client away. ``parked``: domains that
    nobody uses, hosts that nobody set up. ``missing``: what servers say when a page is not
    there or nothing works. ``talk``: marks of articles, manuals and shops. ``types``: on whose
    behalf a block page says that it blocks. ``common_headers`` say nothing of whose server
    it was: filters, caches and content networks send them too.
    """

    block: tuple[Sign, ...]
    refusal: re.Pattern[str]
    parked: re.Pattern[str]
    missing: re.Pattern[str]
    talk: re.Pattern[str]
    types: tuple[tuple[str, re.Pattern[str]], ...]
    common_headers: frozenset[str]


@lru_cache(maxsize=1)
def signatures() -> Signatures:
    """The signatures that are shipped, compiled once."""
    text = files("harness.judge").joinpath("signatures.toml").read_text(encoding="utf-8")
    return read_signatures(tomllib.loads(text))


def read_signatures(document: dict[str, Any]) -> Signatures:
    """Compile a document of the form of ``signatures.toml``. Raises KeyError or re.error."""
    words = document["words"]

    def compiled(part: dict[str, Any]) -> re.Pattern[str]:
        joined = "|".join(part["patterns"])
        for word, stands_for in words.items():
            joined = joined.replace("{" + word + "}", stands_for)
        return re.compile(joined)

    return Signatures(
        block=tuple(
            Sign(
                place=part["place"],
                weight=float(part["weight"]),
                says=part["says"],
                pattern=compiled(part),
            )
            for part in document["block"]
        ),
        refusal=compiled(document["refusal"]),
        parked=compiled(document["parked"]),
        missing=compiled(document["missing"]),
        talk=compiled(document["talk"]),
        types=tuple((part["name"], compiled(part)) for part in document["type"]),
        common_headers=frozenset(document["headers"]["common"]),
    )


_NAMES = re.compile(r"(?:https?://\S+)|(?:[\w-]+\.)+[a-z][\w-]*(?:/\S*)?|\d+(?:[.:]\d+)*")
_HOSTS = re.compile(r"(?:https?://\S+)|(?:[\w-]+\.)+[a-z][\w-]*(?:/\S*)?|\d+(?:[.:]\d+)+")
_SPACE = re.compile(r"\s+")


class PageKind(StrEnum):
    """What a page is, as far as it can be told from the page alone."""

    ORDINARY = "ordinary"
    BLOCK = "block"
    REFUSAL = "refusal"
    PARKED = "parked"
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class PageClassification:
    """A page alone: its kind, the weight of the signs of a block, and what it says of itself."""

    kind: PageKind = PageKind.ORDINARY
    weight: float = 0.0
    witnesses: tuple[str, ...] = ()


UNCLASSIFIED = PageClassification()
REFUSING = 400
DEFAULT_PORTS = {"http": 80, "https": 443}
SECOND_LEVELS = frozenset({"ac", "co", "com", "edu", "gob", "gov", "net", "org", "sch"})
OPENING = 700
"""Characters of visible text in which a block page has said what it is."""
SHORT, BARE = 900, 100
"""Characters up to which a page is a mere notice, and bytes up to which it says nothing."""


def classify_page(web: WebFacts) -> PageClassification:
    """What a page looks like by itself."""
    if web.status is None:
        return UNCLASSIFIED
    hosts, refused = hosts_of(web), web.status >= REFUSING
    title, text = _plain(web.title, hosts), _plain(web.text, hosts)
    return _classify(title, text, _leads_to(web), web.headers, refused=refused)


@lru_cache(maxsize=4096)
def _classify(
    title: str,
    text: str,
    addresses: tuple[str, ...],
    headers: tuple[tuple[str, str], ...],
    *,
    refused: bool,
) -> PageClassification:
    opening = f"{title} . {text[:OPENING]}"
    if len(text) <= OPENING * 4 and (found := signatures().refusal.search(opening)):
        return PageClassification(
            kind=PageKind.REFUSAL, witnesses=(f"the origin's guard says {found.group(0)!r}",)
        )
    parked = f"{opening} {' '.join(addresses)}"
    if len(text) <= SHORT * 2 and (found := signatures().parked.search(parked)):
        return PageClassification(
            kind=PageKind.PARKED, witnesses=(f"the page says {found.group(0)!r}",)
        )
    bare = len(text.encode()) <= BARE
    nameless = _HOSTS.sub("*", opening)
    places = {
        "bare": (f"{title} {text}",) if bare else (),
        "title": (title,), "opening": (nameless,), "grounds": (nameless,),
        "text": (f"{title} . {text}",),
        "address": addresses,
        "header": tuple(f"{name}: {value}".casefold() for name, value in headers),
    }  # fmt: skip
    weighed, witnesses = dict.fromkeys(places, 0.0), []
    share = length_share(len(text))
    for sign in signatures().block:
        found = next(filter(None, map(sign.pattern.search, places[sign.place])), None)
        if found:
            counted = sign_share(sign.place, share, found.start() - len(title))
            weighed[sign.place] += sign.weight * counted
            witnesses.append(f"{sign.says}: {found.group(0)[:80]!r}")
    stated = read_statement(_HOSTS.sub("*", title), _HOSTS.sub("*", text[:WHOLE]))
    if stated.weight:
        witnesses.append(stated.says)
    weight = word_weight(weighed, stated, share, stated.start - len(title))
    weight += weighed["bare"] + weighed["address"] + weighed["header"]
    if addresses and bare:
        weight += BARE_FRAME
        witnesses.append(f"the page only leads to {addresses[0]}")
    talk = len({found.group(0).replace(" ", "") for found in signatures().talk.finditer(opening)})
    weight += REFUSED if weight and refused else 0.0
    weight -= stated.against + talk_weight(talk, stated)
    if weight >= ENOUGH_ALONE:
        return PageClassification(
            kind=PageKind.BLOCK, weight=weight, witnesses=(*witnesses, _type_of(opening))
        )
    if len(text) <= SHORT and (found := signatures().missing.search(opening)):
        missing = f"a server says {found.group(0)!r}"
        return PageClassification(
            kind=PageKind.MISSING, weight=weight, witnesses=(missing, *witnesses)
        )
    return PageClassification(weight=weight - TALK * (talk > 1), witnesses=tuple(witnesses))


def leads_to_block_page_address(web: WebFacts) -> bool:
    """Whether a page leads to an address like those of block pages."""
    addresses = _leads_to(web)
    return any(
        sign.pattern.search(address)
        for sign in signatures().block
        if sign.place == "address"
        for address in addresses
    )


def _type_of(opening: str) -> str:
    for name, pattern in signatures().types:
        if pattern.search(opening):
            return f"type of block: {name}"
    return "type of block: policy"


def _plain(text: str, hosts: frozenset[str]) -> str:
    """Folded text without the page's own host names: ``captcha.example`` asks for nothing."""
    folded = text.casefold().replace("\u2019", "'").replace("i\u0307", "i")
    for host in hosts:
        folded = folded.replace(host, "*")
    return _spaced(folded)


@lru_cache(maxsize=1024)
def _spaced(text: str) -> str:
    return _SPACE.sub(" ", text).strip()


def _leads_to(web: WebFacts) -> tuple[str, ...]:
    """Addresses away from the page's own host that it redirects to or frames."""
    home = host_of(web.hops[0].url if web.hops else web.url)
    found = (*(hop.location for hop in web.hops), web.url, *web.frames)
    return tuple(
        address.casefold()
        for address in dict.fromkeys(found)
        if (host := host_of(address)) and not is_same_site_host(host, home)
    )


def likeness(one: WebFacts, other: WebFacts) -> float:
    """How alike two pages are, 0 to 1: digest, then title, text and length."""
    if one.body_sha256 and one.body_sha256 == other.body_sha256:
        return 1.0
    texts = (normal(one.text, one.url), normal(other.text, other.url))
    if any(texts):
        return max(alike(*texts), _title_likeness(one, other))
    lengths = sorted((one.body_length or 0, other.body_length or 0))
    ratio = lengths[0] / lengths[1] if lengths[1] else 0.0
    return max(ratio * ratio * 0.8, _title_likeness(one, other))


def normal(text: str, url: str = "") -> str:
    """Text without what changes from site to site: host names, addresses, numbers, case."""
    if not text:
        return ""
    host = host_of(url)
    folded = text.casefold()
    return _nameless(folded.replace(host, "*") if host else folded)


@lru_cache(maxsize=1024)
def _nameless(text: str) -> str:
    """Folded text without names; a block page without its host is often the one before."""
    return _SPACE.sub(" ", _NAMES.sub("*", text)).strip()


def alike(one: str, other: str) -> float:
    """Likeness of two normalised texts, 0 to 1: words in common and in order (Indel distance)."""
    if one == other:
        return 1.0 if one else 0.0
    if not one or not other:
        return 0.0
    from rapidfuzz import fuzz  # noqa: PLC0415 - only where texts differ

    return float(fuzz.ratio(one.split(), other.split())) / 100


@lru_cache(maxsize=4096)
def host_of(url: str) -> str:
    """The host of a URL, lower case; empty for a relative one."""
    if "//" not in url:
        return ""
    authority = re.split(r"[/?#]", url.split("//", 1)[1], maxsplit=1)[0].rsplit("@", 1)[-1]
    if authority.startswith("["):
        return authority.partition("]")[0].lstrip("[").lower()
    return authority.partition(":")[0].lower().rstrip(".")


def hosts_of(web: WebFacts) -> frozenset[str]:
    """All hosts that an answer led through."""
    if not web.hops:
        return _just(host_of(web.url))
    return frozenset(
        host
        for hop in (web.url, *(part for hop in web.hops for part in (hop.url, hop.location)))
        if (host := host_of(hop))
    )


@lru_cache(maxsize=4096)
def _just(host: str) -> frozenset[str]:
    return frozenset({host} - {""})


def is_same_site_host(host: str, known: str) -> bool:
    """Whether a host is another, its ``www`` or a part of it."""
    one, other = host.removeprefix("www."), known.removeprefix("www.")
    return one == other or one.endswith("." + other)


def has_same_site_name(host: str, known: str) -> bool:
    """Whether two hosts bear one name, as a site's national versions do."""
    name = site_name_of(host)
    return is_same_site_host(host, known) or (len(name) > 1 and name == site_name_of(known))


def site_name_of(host: str) -> str:
    """The label by which people know a host: ``example`` of ``www.example.co.uk``."""
    labels = host.split(".")[:-1]
    while len(labels) > 1 and labels[-1] in SECOND_LEVELS:
        labels.pop()
    return labels[-1] if labels else ""


def host_redirected_to(
    web: WebFacts, home: frozenset[str], kin: Callable[[str, str], bool] = is_same_site_host
) -> str:
    """The first host that a redirect led to outside ``home``; empty if there is none."""
    for address in (*(part for hop in web.hops for part in (hop.location, hop.url)), web.url):
        host = host_of(address)
        if host and not any(kin(host, known) for known in home):
            return host
    return ""


def server_of(url: str) -> str:
    """Scheme, host and port of an absolute URL as one text; empty for another text."""
    try:
        parts = urlsplit(url)
        port = parts.port or DEFAULT_PORTS.get(parts.scheme, 0)
    except ValueError:
        return ""
    host = host_of(url)
    return f"{parts.scheme}://{host}:{port}" if host and port else ""


def urls_of(web: WebFacts) -> tuple[str, ...]:
    """The URLs that were fetched, in order."""
    return (*(hop.url for hop in web.hops), web.url)


def rare_headers(web: WebFacts) -> frozenset[str]:
    """Names of the headers that few servers send; they tell one server from another."""
    common = signatures().common_headers
    return frozenset(name for name, _ in web.headers if name not in common)


def _title_likeness(one: WebFacts, other: WebFacts) -> float:
    titles = (normal(one.title, one.url), normal(other.title, other.url))
    return alike(*titles) if all(titles) else 0.0
