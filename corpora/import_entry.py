"""Entries of a list, as importers yield them: accepted, skipped or rejected, with a reason.

The importer of each format builds its entries with the functions here; ``corpora.read_list``
finds duplicates among them and turns them into rows of the import report.
"""

from __future__ import annotations

import ipaddress
from typing import NamedTuple

from corpora import hostnames

SHOWN_CHARACTERS = 200
"""How many characters of a rejected line the report shows."""

NULL_ADDRESSES = frozenset({"0.0.0.0", "127.0.0.1", "::", "::1", "0", "127.0.0.2"})  # noqa: S104 - read, not bound
"""Addresses by which a list blocks a name, instead of redirecting it."""


class ImportEntry(NamedTuple):
    """One statement of a list about a host, an address, a URL or a pattern.

    ``changes`` says how normalisation changed the value, which also explains duplicates; ``note``
    is any other remark. ``line`` is a line number, or ``file:number`` where there are many files.
    """

    line: int | str
    value: str = ""
    match: str = ""
    action: str = ""
    target: str = ""
    status: str = "ok"
    note: str = ""
    changes: str = ""


class NormalisedHost(NamedTuple):
    """A host name in its normal form, and what normalisation changed."""

    name: str
    changes: tuple[str, ...] = ()


def rejected_entry(line: int | str, reason: str, value: str = "") -> ImportEntry:
    """An entry that is rejected as wrong, with the reason."""
    return ImportEntry(line, value[:SHOWN_CHARACTERS], status="error", note=reason)


def skipped_entry(line: int | str, reason: str, value: str = "") -> ImportEntry:
    """An entry that is valid, but says nothing about a host or URL as a whole."""
    return ImportEntry(line, value[:SHOWN_CHARACTERS], status="skipped", note=reason)


def normalise_host(text: str) -> NormalisedHost:
    """The normal form of a listed host. Raises BadName with the reason if it is not a host."""
    changes: tuple[str, ...] = ()
    name = text
    if hostnames.is_plain(name):
        if hostnames.is_public_suffix(name):
            raise hostnames.BadName("public suffix")
        return NormalisedHost(name)
    if name.endswith("."):
        name, changes = name[:-1], ("trailing dot",)
    if not name.islower() and name != (lowered := name.lower()):
        name, changes = lowered, (*changes, "lower-cased")
    if not name.isascii():
        changes = (*changes, "IDNA")
    name = hostnames.to_host(name)
    if hostnames.is_public_suffix(name):
        raise hostnames.BadName("public suffix")
    head, _, last = name.rpartition(".")
    if not head:
        raise hostnames.BadName("no dot in the name")
    if last.isdigit():
        raise hostnames.BadName("address instead of a name")
    return NormalisedHost(name, changes)


def host_entry(
    line: int | str,
    text: str,
    match: str,
    action: str = "block",
    target: str = "",
    note: str = "",
) -> ImportEntry:
    """An entry for one host; a rejected entry if the text is not a host."""
    try:
        name, changes = normalise_host(text)
    except hostnames.BadName as error:
        return rejected_entry(line, str(error), value=_shown(text, str(error)))
    return ImportEntry(line, name, match, action, target, "ok", note, "; ".join(changes))


def address_entry(line: int | str, text: str, action: str = "block") -> ImportEntry | None:
    """An entry for an address or a network; None if the text is neither."""
    if not text or not (text[-1].isdigit() or ":" in text):
        return None
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
    if "/" not in text:
        return ImportEntry(line, str(network.network_address), "ip", action)
    changed = "" if str(network) == text else "host bits removed"
    return ImportEntry(line, str(network), "cidr", action, changes=changed)


def redirect_entry(line: int | str, name: str, match: str, address: str) -> ImportEntry:
    """An entry for a host mapped to an address: a block for a null address, else a rewrite."""
    if address in NULL_ADDRESSES:
        return host_entry(line, name, match)
    return host_entry(line, name, match, "rewrite", address)


def _shown(text: str, reason: str) -> str:
    """What the report shows of a rejected name: nothing if it is too long to read."""
    return "" if reason.startswith(("label >", "name >")) else text
