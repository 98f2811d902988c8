"""Host names, URLs and addresses: validation, normal form, registrable domain, private ones.

URLs are parsed as browsers do (WHATWG URL, by ada-url), international names by UTS 46 (idna), and
registrable domains by the Public Suffix List that comes with publicsuffixlist, never online.
"""

from __future__ import annotations

import functools
import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import ada_url
import idna

from harness.model.private_address import has_blank, is_public, is_public_network

NAME_LIMIT = 253
LABEL_LIMIT = 63
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_PLAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")
_WEB = ("http:", "https:")

BLANK = "blank or control character in the URL"
"""Why such a URL is refused: browsers drop some of these characters and fetch another page."""

PRIVATE_SUFFIXES = tuple(
    f"{kind}.accredit.test" for kind in ("canary", "twin", "special", "overblock", "sites")
)
"""Private suffixes of our test range: each name below them counts as a site of its own."""

AGREED_SUFFIXES = tuple(f"{kind}.accredit.test" for kind in ("canary", "twin", "special"))
"""Suffixes of names that are announced to suppliers before a campaign."""


class BadName(ValueError):
    """The text is not a host or URL; the message is the reason and never holds the text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebAddress:
    """A URL as browsers parse it."""

    href: str
    scheme: str
    host: str
    path: str


def is_host(name: str) -> bool:
    """Whether a lower-case ASCII name has the form of a host (RFC 1123, underscore allowed)."""
    return len(name) <= NAME_LIMIT and _HOST.fullmatch(name) is not None


def is_agreed(host: str) -> bool:
    """Whether a host name is announced to suppliers, who load it before a campaign."""
    return host.endswith(tuple(f".{suffix}" for suffix in AGREED_SUFFIXES))


def is_plain(text: str) -> bool:
    """Whether a text is a host in normal form, by a quick check that most of a long list passes.

    ``to_host`` returns a plain name unchanged, and it is not an address. An international name
    (``xn--``) is never plain, because its letters must be checked.
    """
    return _PLAIN.fullmatch(text) is not None and len(text) <= NAME_LIMIT and "xn--" not in text


def to_host(text: str) -> str:
    """The ASCII, lower-case form of a host. Raises BadName with the reason."""
    name = text.lower().removesuffix(".")
    if is_host(name):
        if "xn--" in name:
            _decode(name)
        return name
    if not name.isascii():
        name = _encode(name)
    labels = name.split(".")
    if any(len(label) > LABEL_LIMIT for label in labels):
        raise BadName("label > 63")
    if len(name) > NAME_LIMIT:
        raise BadName("name > 253")
    if not is_host(name):
        raise BadName("invalid host")
    return name


def to_address(text: str) -> WebAddress:
    """Read an http or https URL. Raises BadName with the reason."""
    if "://" not in text:
        raise BadName("no scheme")
    if has_blank(text):
        raise BadName(BLANK)
    try:
        url = ada_url.URL(text)
    except ValueError:
        raise BadName("invalid URL") from None
    if url.protocol not in _WEB:
        raise BadName("scheme is not http or https")
    host = url.hostname
    if not host.startswith("[") and not is_host(host.removesuffix(".")):
        raise BadName("invalid host")
    return WebAddress(
        href=url.href, scheme=url.protocol[:-1], host=host.removesuffix("."), path=url.pathname
    )


@functools.lru_cache(maxsize=1024)
def is_address(text: str) -> bool:
    """Whether a text is an IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_network(text: str) -> bool:
    """Whether a text is an IPv4 or IPv6 network (CIDR) without host bits."""
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return "/" in text


def registrable(host: str) -> str:
    """The registrable domain of a host; addresses and public suffixes are returned unchanged."""
    whole = host if is_plain(host) else host.rstrip(".").lower()
    if whole is not host and is_address(whole.removeprefix("[").removesuffix("]")):
        return host
    rules = _rules()
    name, rest = "", whole
    while rest:
        parent = rest.partition(".")[2]
        if rest in rules.exceptions:
            return rest
        if rest in rules.suffixes or parent in rules.wild:
            return host if name.startswith(".") else name or host
        name, rest = rest, parent
    return ".".join(whole.split(".")[-2:])  # the list's default rule: a TLD it does not know


def is_public_suffix(host: str) -> bool:
    """Whether a host is a public suffix of the ICANN part of the list (``com``, ``co.uk``).

    Private suffixes such as ``github.io`` do not count, because they have one owner.
    """
    rules = _icann_rules()
    if host in rules.suffixes:
        return True
    return host.partition(".")[2] in rules.wild and host not in rules.exceptions


class _Rules(NamedTuple):
    """The Public Suffix List by kind of rule: ``com``, ``*.ck``, ``!www.ck``."""

    suffixes: frozenset[str]
    wild: frozenset[str]
    exceptions: frozenset[str]


def _sorted_rules(rules: Iterable[str]) -> _Rules:
    """Sort rules by kind; those in other letters also as DNS has them."""
    every = {form for rule in rules for form in (rule, _in_ascii(rule))}
    wild = frozenset(rule[2:] for rule in every if rule.startswith("*."))
    exceptions = frozenset(rule[1:] for rule in every if rule.startswith("!"))
    return _Rules(frozenset(every), wild, exceptions)


def _in_ascii(rule: str) -> str:
    kind = "!" if rule.startswith("!") else "*." if rule.startswith("*.") else ""
    return rule if rule.isascii() else kind + _encode(rule.removeprefix(kind))


@functools.cache
def _icann_rules() -> _Rules:
    text = _suffix_list()
    begin, end = (text.index(f"// ==={each} ICANN DOMAINS===") for each in ("BEGIN", "END"))
    return _sorted_rules(_rules_in(text[begin:end]))


@functools.cache
def _rules() -> _Rules:
    """The rules with private suffixes (``github.io``) and those of our test range."""
    return _sorted_rules([*_rules_in(_suffix_list()), *PRIVATE_SUFFIXES])


def _rules_in(text: str) -> list[str]:
    """The rules of a part of the list: the first word of each line that is no comment."""
    return [
        line.split()[0].lower() for line in text.splitlines() if line[:2].strip() not in ("", "//")
    ]


def _suffix_list() -> str:
    from publicsuffixlist import PSLFILE  # noqa: PLC0415 - only some commands need it

    return Path(PSLFILE).read_text(encoding="utf-8")


def _encode(name: str) -> str:
    try:
        return idna.encode(name, uts46=True).decode("ascii")
    except idna.IDNAError as error:
        raise BadName("label > 63" if "too long" in str(error) else "invalid IDNA name") from None
    except UnicodeError:
        raise BadName("invalid IDNA name") from None


def _decode(name: str) -> None:
    try:
        idna.decode(name)
    except (idna.IDNAError, UnicodeError):
        raise BadName("invalid IDNA name") from None


PRIVATE = "private address or name"


def why_refused(kind: str, value: str) -> str:
    """Why a value is refused as private or malformed; empty if it is not.

    Whether it is a value of its kind at all must be checked elsewhere.
    """
    if kind == "url":
        if has_blank(value):
            return BLANK
        host = _host_of(value)
        return PRIVATE if host and not is_public(host) else ""
    if kind in ("host", "suffix", "ip"):
        return "" if is_public(value) else PRIVATE
    if kind == "cidr":
        return "" if _is_public_network(value) else PRIVATE
    return ""


def _host_of(value: str) -> str:
    """The host of a URL with or without scheme, as browsers parse it; empty if it has none."""
    try:
        return ada_url.URL(value if "://" in value else f"http://{value}").hostname
    except ValueError:
        return ""


def _is_public_network(value: str) -> bool:
    try:
        return is_public_network(value)
    except ValueError:
        return True
