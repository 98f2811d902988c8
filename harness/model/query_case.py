"""Cases of DNS queries: forms in which a client may ask for a name, and checks of a name server.

A case is named in the stratum of an item (``DRUG/dns:a+udp+lower+none+rd``). A *form* is a choice
of record type, transport, letter case, EDNS options and header flags. The forms here cover every
pair of such choices, so that a name server which filters only some queries is found even if two of
these together decide. Checks are about harmless names: signed ones (RFC 4033), and the time that an
answer takes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, cast, get_args

import msgspec

QUERY = "dns:"
"""What precedes the name of a case of DNS queries in a stratum."""

QueryType = Literal["a", "aaaa", "https", "cname"]
QueryTransport = Literal["udp", "tcp"]
LetterCase = Literal["lower", "mixed"]
EdnsChoice = Literal["none", "plain", "do", "subnet", "padding", "cookie"]
FlagChoice = Literal["rd", "rd-ad", "rd-cd", "no-rd"]

EDNS_WORDS: dict[EdnsChoice, str] = {
    "none": "without EDNS",
    "plain": "EDNS",
    "do": "EDNS with DO",
    "subnet": "EDNS with the client's subnet",
    "padding": "EDNS with padding",
    "cookie": "EDNS with a cookie",
}
"""EDNS (RFC 6891) with the flag DO (RFC 3225) or an option (RFC 7871, RFC 7830, RFC 7873)."""
FLAG_WORDS: dict[FlagChoice, str] = {
    "rd": "",
    "rd-ad": "flag AD",
    "rd-cd": "flag CD",
    "no-rd": "without recursion desired",
}
"""Header flags (RFC 1035 section 4.1.1, RFC 6840 section 5.7, RFC 4035 section 3.2.2)."""


class QueryForm(msgspec.Struct, frozen=True, kw_only=True):
    """How a name is asked for. ``type`` is the record type in lower case.

    The transport ``own`` is that by which a name server is reached; no case is named for it.
    """

    type: QueryType
    transport: QueryTransport | Literal["own"] = "own"
    letters: LetterCase = "lower"
    edns: EdnsChoice = "none"
    flags: FlagChoice = "rd"

    @property
    def words(self) -> str:
        """The form in words, for reports."""
        letters = "mixed letter case" if self.letters == "mixed" else ""
        first = f"{self.type.upper()} over {self.transport.upper()}"
        details = (letters, EDNS_WORDS[self.edns], FLAG_WORDS[self.flags])
        return ", ".join((first, *filter(None, details)))


_CHOICES = tuple(map(get_args, (QueryType, QueryTransport, LetterCase, EdnsChoice, FlagChoice)))
CHOICES: tuple[tuple[str, ...], ...] = _CHOICES
"""What each part of a form may be, in the order in which the name of a case has them."""

# fmt: off
_NAMES = (
    "a+udp+lower+none+rd", "a+tcp+lower+none+rd", "aaaa+udp+lower+plain+rd",
    "https+udp+lower+plain+rd", "cname+udp+lower+plain+rd", "a+udp+mixed+plain+rd",
    "cname+tcp+mixed+subnet+rd-ad", "https+tcp+mixed+cookie+rd-cd", "aaaa+tcp+mixed+do+no-rd",
    "a+udp+lower+subnet+rd-cd", "a+udp+lower+cookie+no-rd", "a+udp+lower+do+rd-ad",
    "https+tcp+lower+padding+rd-ad", "aaaa+udp+mixed+padding+rd-cd", "https+tcp+mixed+none+no-rd",
    "cname+tcp+lower+plain+rd-cd", "cname+tcp+mixed+padding+no-rd", "aaaa+udp+lower+none+rd-ad",
    "cname+udp+mixed+cookie+rd", "https+tcp+mixed+do+rd", "aaaa+tcp+mixed+subnet+rd",
    "cname+tcp+lower+do+rd-cd", "aaaa+udp+lower+cookie+rd-ad", "a+udp+mixed+padding+rd",
    "https+udp+mixed+subnet+no-rd", "cname+tcp+mixed+none+rd-cd", "aaaa+udp+lower+plain+rd-ad",
    "cname+udp+mixed+plain+no-rd",
)
# fmt: on


@lru_cache(maxsize=512)
def query_form(variant: str) -> QueryForm | None:
    """Return the form that the part of a stratum after the category names; None for any other."""
    parts = variant.removeprefix(QUERY).split("+")
    if not variant.startswith(QUERY) or len(parts) != len(CHOICES):
        return None
    if any(part not in choices for part, choices in zip(parts, CHOICES, strict=True)):
        return None
    type_, transport, letters, edns, flags = parts
    return QueryForm(
        type=cast("QueryType", type_),
        transport=cast("QueryTransport", transport),
        letters=cast("LetterCase", letters),
        edns=cast("EdnsChoice", edns),
        flags=cast("FlagChoice", flags),
    )


def _words_of(variant: str) -> str:
    form = query_form(variant)
    assert form is not None, variant
    return form.words


FORMS_OF_QUERIES = {f"{QUERY}{name}": _words_of(f"{QUERY}{name}") for name in _NAMES}
"""The cases that DNS-02 needs, in words."""


QueryCheck = Literal["signed", "authentic", "forged", "again", "fresh"]

CHECKS_OF_QUERIES: dict[str, str] = {
    f"{QUERY}signed": "a signed name, asked for with its signatures",
    f"{QUERY}authentic": "a signed name, asked for with the flag AD",
    f"{QUERY}forged": "a name with a forged signature",
    f"{QUERY}again": "a name that was asked for just before",
    f"{QUERY}fresh": "a name that nobody asked for before",
}
"""Cases about harmless names, in words."""

SIGNED_CHECKS: frozenset[QueryCheck] = frozenset(("signed", "authentic", "forged"))
"""The checks of signed names (DNSSEC)."""

QUERY_CASES = {**FORMS_OF_QUERIES, **CHECKS_OF_QUERIES}
"""All cases by name, in words."""

ALIAS, FORGED = "alias", "forged"
"""What an origin's name server does at a host: it is an alias, or its signatures are forged."""

LONGEST_BLOCK = 300
"""Seconds for which an answer that blocks may be kept (DNS-03, proposed by this project)."""


def query_check(variant: str) -> QueryCheck | None:
    """Return the check that the part of a stratum after the category names; None for any other."""
    if variant not in CHECKS_OF_QUERIES:
        return None
    return cast("QueryCheck", variant.removeprefix(QUERY))


def is_query(variant: str) -> bool:
    """Whether the part of a stratum after the category names a case of DNS queries."""
    return query_form(variant) is not None or query_check(variant) is not None
