"""An entry: what an importer makes of one line of somebody's list, kept or refused.

Each format's importer yields entries; ``corpora.read_list`` makes the rows of the import
report of them and finds the duplicates.
"""

from __future__ import annotations

import ipaddress
from typing import NamedTuple

from corpora import hostnames

SHOWN = 200
"""So many characters of a refused line are shown."""

NULL_ADDRESSES = frozenset({"0.0.0.0", "127.0.0.1", "::", "::1", "0", "127.0.0.2"})  # noqa: S104 - read, not bound
"""Addresses that mean "nowhere" in a list."""


class Entry(NamedTuple):
    """One thing a list says.

    ``spelling`` tells how the value was written differently (it explains a duplicate, too);
    ``note`` tells anything else. ``line`` is a number, or a text where there are many files.
    """

    line: int | str
    value: str = ""
    match: str = ""
    action: str = ""
    target: str = ""
    status: str = "ok"
    note: str = ""
    spelling: str = ""


class Spelled(NamedTuple):
    """A host in its one form, and what had to be changed."""

    name: str
    changes: tuple[str, ...] = ()


def fault(line: int | str, reason: str, value: str = "") -> Entry:
    """An entry that is refused, with the reason."""
    return Entry(line, value[:SHOWN], status="error", note=reason)


def skip(line: int | str, reason: str, value: str = "") -> Entry:
    """An entry that is sound, but says nothing about a host or URL as a whole."""
    return Entry(line, value[:SHOWN], status="skipped", note=reason)


def spell(text: str) -> Spelled:
    """The one form of a listed host. Raises BadName with the reason if it cannot be one."""
    changes: tuple[str, ...] = ()
    name = text
    if hostnames.is_plain(name):
        if hostnames.is_public_suffix(name):
            raise hostnames.BadName("public suffix")
        return Spelled(name)
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
    return Spelled(name, changes)


def host_entry(
    line: int | str,
    text: str,
    match: str,
    action: str = "block",
    target: str = "",
    note: str = "",
) -> Entry:
    """An entry for one host, or its refusal."""
    try:
        name, changes = spell(text)
    except hostnames.BadName as error:
        return fault(line, str(error), value=_shown(text, str(error)))
    return Entry(line, name, match, action, target, "ok", note, "; ".join(changes))


def address_entry(line: int | str, text: str, action: str = "block") -> Entry | None:
    """An entry for an address or a network; None if the text is neither."""
    if not text or not (text[-1].isdigit() or ":" in text):
        return None
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
    if "/" not in text:
        return Entry(line, str(network.network_address), "ip", action)
    changed = "" if str(network) == text else "host bits removed"
    return Entry(line, str(network), "cidr", action, spelling=changed)


def redirected(line: int | str, name: str, match: str, address: str) -> Entry:
    """An entry for a host that is given an address: nowhere, or somewhere else."""
    if address in NULL_ADDRESSES:
        return host_entry(line, name, match)
    return host_entry(line, name, match, "rewrite", address)


def _shown(text: str, reason: str) -> str:
    """What is shown of a refused name: nothing of one that is too long to be read."""
    return "" if reason.startswith(("label >", "name >")) else text
