"""Hosts files: an address and the names that get it (hosts(5))."""

from __future__ import annotations

from collections.abc import Iterator

from corpora import hostnames
from corpora.import_entry import NULL_ADDRESSES, SHOWN, Entry, fault, redirected
from corpora.read_list import LIST_IMPORTERS
from corpora.source import Source

OWN_NAMES = frozenset(
    {
        "localhost",
        "localhost.localdomain",
        "local",
        "broadcasthost",
        "ip6-localhost",
        "ip6-loopback",
        "ip6-localnet",
        "ip6-mcastprefix",
        "ip6-allnodes",
        "ip6-allrouters",
        "ip6-allhosts",
    }
)
"""Names that a hosts file holds for the machine itself."""

_LEAST_FIELDS = 2


@LIST_IMPORTERS.register("hosts")
def read_hosts(source: Source) -> Iterator[Entry]:
    """Entries of a hosts file; a name counts exactly, without those below it."""
    for number, text in source.lines():
        yield from host_line(source.place(number), text.partition("#")[0].split())


def host_line(line: int | str, fields: list[str]) -> Iterator[Entry]:
    """Entries of the fields of one line."""
    if not fields:
        return
    address, *hosts = fields
    if not hostnames.is_address(address):
        yield fault(line, "no address at the beginning", " ".join(fields)[:SHOWN])
    elif len(fields) < _LEAST_FIELDS:
        yield fault(line, "no name after the address", address)
    for host in hosts if hostnames.is_address(address) else ():
        if host.lower() not in OWN_NAMES and host not in NULL_ADDRESSES:
            entry = redirected(line, host, "exact", address)
            spelling = entry.spelling.replace("trailing dot", "trailing dot removed")
            note = "non-null address" if entry.action == "rewrite" else entry.note
            yield entry._replace(spelling=spelling, note=note)
