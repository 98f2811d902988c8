"""Classify a web page by itself (block page, refusal, parked, error), and compare two pages.

Words such as *blocked* or *denied* stand on ordinary pages too. So a sign counts where it stands
(title, opening text, redirect host, frame), and what origins say for themselves (CAPTCHA,
geo-block, parked domain) is told apart. The class of a page only supports the comparison with the
control's page.
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
from harness.model.facts import WebFacts

ENOUGH_ALONE = 3.0
ENOUGH_BESIDE = 1.5
BARE_FRAME = 1.0
"""Weight of a page that says nothing and leads to another site."""
REFUSED = 1.0
"""Weight of a status of 400 or more, beside words that say so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """A pattern, the part of the page that it is searched in, and what it shows."""

    place: str
    weight: float
    says: str
    pattern: re.Pattern[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signatures:
    """The patterns that pages are classified by.

    ``refusal``: how origins and their protections turn clients away. ``parked``: domains
    for sale, hosts without a site. ``missing``: what servers say when a page does not exist or
    does not work. ``talk``: marks of articles, manuals and shops. ``types``: on whose behalf a
    block page blocks. ``common_headers`` do not identify a server: filters, caches and content
    networks send them too.
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
    """Return the signatures of the package, compiled once."""
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
_DENIED = re.compile(
    r"\b(?:(?:is|are|was|were|has|have)(?: not|n't| never)|would)"
    r"(?: (?:been|be|being|currently|yet|filtered or|blocked or)){0,3}"
    r" (?:blocked|filtered|restricted|banned|censored)\b"
    r"|\b(?:ist|sind|wurde|wurden|wird|werden) nicht (?:gesperrt|blockiert|gefiltert)\b"
    r"|\bn'(?:est|a) pas (?:été )?(?:bloquée?|filtrée?|censurée?)\b"
    r"|\bno (?:está|ha sido|fue) (?:bloquead|filtrad|censurad)[oa]\b"
    r"|\bnon è (?:stat[oa] )?(?:bloccat|filtrat|censurat)[oa]\b"
)
"""A denial of a block, in folded text: *this site is not blocked* blocks nothing."""


class PageKind(StrEnum):
    """What a page is, as far as the page alone shows it."""

    ORDINARY = "ordinary"
    BLOCK = "block"
    REFUSAL = "refusal"
    PARKED = "parked"
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class PageClassification:
    """The kind of a page, the weight of its signs of a block, and the signs found."""

    kind: PageKind = PageKind.ORDINARY
    weight: float = 0.0
    witnesses: tuple[str, ...] = ()


UNCLASSIFIED = PageClassification()
REFUSING = 400
DEFAULT_PORTS = {"http": 80, "https": 443}
SECOND_LEVELS = frozenset({"ac", "co", "com", "edu", "gob", "gov", "net", "org", "sch"})
OPENING = 700
"""Characters of visible text within which a block page says what it is."""
SHORT, BARE = 900, 100
"""Characters up to which a page is only a notice, and bytes up to which it says nothing."""


def classify_page(web: WebFacts) -> PageClassification:
    """Classify a page by itself."""
    if web.status is None:
        return UNCLASSIFIED
    hosts, refused = hosts_of(web), web.status >= REFUSING
    title, text = _plain(web.title, hosts), _plain(web.text, hosts)
    return _classify(title, text, _leads_to(web), web.headers, refused=refused)


CLASSIFIED_BY = ("text", "title", "status", "url", "hops", "frames", "headers")
"""All fields of a page that ``classify_page`` reads."""


def reads_alike(one: WebFacts, other: WebFacts) -> bool:
    """Whether two pages are classified alike for sure, which is seen without classifying them."""
    return all(getattr(one, name) == getattr(other, name) for name in CLASSIFIED_BY)


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
    if (own := _own_message(opening, len(text), addresses)) is not None:
        return own
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


def _own_message(
    opening: str, length: int, addresses: tuple[str, ...]
) -> PageClassification | None:
    """Classify what an origin says for itself: a refusal, or that the domain is parked."""
    if length <= OPENING * 4 and (found := signatures().refusal.search(opening)):
        said = f"the origin's guard says {found.group(0)!r}"
        return PageClassification(kind=PageKind.REFUSAL, witnesses=(said,))
    parked = f"{opening} {' '.join(addresses)}"
    if length <= SHORT * 2 and (found := signatures().parked.search(parked)):
        said = f"the page says {found.group(0)!r}"
        return PageClassification(kind=PageKind.PARKED, witnesses=(said,))
    return None


def leads_to_block_page_address(web: WebFacts) -> bool:
    """Whether a page leads to an address that looks like that of a block page."""
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
    """Case-folded text without the page's own host names: ``captcha.example`` is no CAPTCHA."""
    folded = text.casefold().replace("\u2019", "'").replace("i\u0307", "i")
    for host in hosts:
        folded = folded.replace(host, "*")
    return _DENIED.sub("…", _spaced(folded))


@lru_cache(maxsize=1024)
def _spaced(text: str) -> str:
    return _SPACE.sub(" ", text).strip()


def _leads_to(web: WebFacts) -> tuple[str, ...]:
    """The addresses away from the page's own host that it redirects to or frames."""
    home = host_of(web.hops[0].url if web.hops else web.url)
    found = (*(hop.location for hop in web.hops), web.url, *web.frames)
    return tuple(
        address.casefold()
        for address in dict.fromkeys(found)
        if (host := host_of(address)) and not is_same_site_host(host, home)
    )


def likeness(one: WebFacts, other: WebFacts) -> float:
    """How alike two pages are, 0 to 1: by digest, then by title, text and length."""
    if one.body_sha256 and one.body_sha256 == other.body_sha256:
        return 1.0
    texts = (normal(one.text, one.url), normal(other.text, other.url))
    if any(texts):
        return max(alike(*texts), _title_likeness(one, other))
    lengths = sorted((one.body_length or 0, other.body_length or 0))
    ratio = lengths[0] / lengths[1] if lengths[1] else 0.0
    return max(ratio * ratio * 0.8, _title_likeness(one, other))


def normal(text: str, url: str = "") -> str:
    """Normalise text: remove host names, addresses, numbers and case, which vary between sites."""
    if not text:
        return ""
    host = host_of(url)
    folded = text.casefold()
    return _nameless(folded.replace(host, "*") if host else folded)


@lru_cache(maxsize=1024)
def _nameless(text: str) -> str:
    """Case-folded text without names; cached, since block pages often differ in the host only."""
    return _SPACE.sub(" ", _NAMES.sub("*", text)).strip()


def alike(one: str, other: str) -> float:
    """Likeness of two normalised texts, 0 to 1 (Indel distance of words)."""
    if one == other:
        return 1.0 if one else 0.0
    if not one or not other:
        return 0.0
    from rapidfuzz import fuzz  # noqa: PLC0415 - only where texts differ

    return float(fuzz.ratio(one.split(), other.split())) / 100


@lru_cache(maxsize=4096)
def host_of(url: str) -> str:
    """Return the host of a URL in lower case; empty for a relative URL."""
    if "//" not in url:
        return ""
    authority = re.split(r"[/?#]", url.split("//", 1)[1], maxsplit=1)[0].rsplit("@", 1)[-1]
    if authority.startswith("["):
        return authority.partition("]")[0].lstrip("[").lower()
    return authority.partition(":")[0].lower().rstrip(".")


def hosts_of(web: WebFacts) -> frozenset[str]:
    """Return all hosts of the URLs and redirects of an answer."""
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
    """Whether a host is the known one, its ``www``, or a subdomain of it."""
    one, other = host.removeprefix("www."), known.removeprefix("www.")
    return one == other or one.endswith("." + other)


def has_same_site_name(host: str, known: str) -> bool:
    """Whether two hosts have the same site name, as national versions of a site do."""
    name = site_name_of(host)
    return is_same_site_host(host, known) or (len(name) > 1 and name == site_name_of(known))


def site_name_of(host: str) -> str:
    """Return the site name of a host: ``example`` of ``www.example.co.uk``."""
    labels = host.split(".")[:-1]
    while len(labels) > 1 and labels[-1] in SECOND_LEVELS:
        labels.pop()
    return labels[-1] if labels else ""


def host_redirected_to(
    web: WebFacts, home: frozenset[str], kin: Callable[[str, str], bool] = is_same_site_host
) -> str:
    """The first host outside ``home`` that a redirect led to; empty if there is none."""
    for address in (*(part for hop in web.hops for part in (hop.location, hop.url)), web.url):
        host = host_of(address)
        if host and not any(kin(host, known) for known in home):
            return host
    return ""


def server_of(url: str) -> str:
    """Return scheme, host and port of an absolute URL as one text; empty for other text."""
    try:
        parts = urlsplit(url)
        port = parts.port or DEFAULT_PORTS.get(parts.scheme, 0)
    except ValueError:
        return ""
    host = host_of(url)
    return f"{parts.scheme}://{host}:{port}" if host and port else ""


def urls_of(web: WebFacts) -> tuple[str, ...]:
    """Return the URLs that were fetched, in order."""
    return (*(hop.url for hop in web.hops), web.url)


def rare_headers(web: WebFacts) -> frozenset[str]:
    """Return the names of headers that few servers send, and that so identify a server."""
    common = signatures().common_headers
    return frozenset(name for name, _ in web.headers if name not in common)


def _title_likeness(one: WebFacts, other: WebFacts) -> float:
    titles = (normal(one.title, one.url), normal(other.title, other.url))
    return alike(*titles) if all(titles) else 0.0
