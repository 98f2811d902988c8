"""dnsmasq configuration: ``address=``, ``local=``, ``server=`` and ``cname=`` (dnsmasq(8))."""

from __future__ import annotations

from collections.abc import Iterator

from corpora import hostnames
from corpora.import_entry import NULL_ADDRESSES, Entry, fault, host_entry, skip
from corpora.read_list import LIST_IMPORTERS
from corpora.source import Source

_COUNTED = {2: "two", 3: "three", 4: "four"}
_SHORTEST_CNAME = 2


@LIST_IMPORTERS.register("dnsmasq")
def read_dnsmasq(source: Source) -> Iterator[Entry]:
    """Entries of a dnsmasq configuration; a name stands for all below it, too."""
    for number, text in source.lines():
        body = "" if text.lstrip().startswith("#") else text.partition(" #")[0].strip()
        if body:
            yield from _entries(source.place(number), body)


def _entries(line: int | str, body: str) -> Iterator[Entry]:
    option, _, value = body.partition("=")
    option, value = option.strip(), value.strip()
    if option == "cname":
        yield from _aliases(line, body, value)
    elif option not in ("address", "local", "server") or not value.startswith("/"):
        yield skip(line, "option", body)
    elif value.count("/") < _SHORTEST_CNAME:
        yield fault(line, "no closing slash", body)
    else:
        *hosts, target = value[1:].split("/")
        action, target, note = _meaning(option, target)
        several = f"{_COUNTED.get(len(hosts), len(hosts))} names on a line"
        for position, host in enumerate(hosts):
            first = several if len(hosts) > 1 and not position else note
            yield host_entry(line, host, "suffix", action, target, first)


def _meaning(option: str, target: str) -> tuple[str, str, str]:
    """The action, its target and the note of an option."""
    if option == "local":
        return "block", "", "local"
    if option == "server":
        return (
            ("forward", target, "not a block")
            if target
            else ("block", "", "server without address")
        )
    if not target:
        return "block", "", "NXDOMAIN form"
    if target == "#" or target in NULL_ADDRESSES:
        return "block", "", ""
    return "rewrite", target, "non-null address"


def _aliases(line: int | str, body: str, value: str) -> Iterator[Entry]:
    parts = [part.strip() for part in value.split(",")]
    if parts and parts[-1].isdigit():
        parts.pop()  # a time to live
    if len(parts) < _SHORTEST_CNAME or not hostnames.is_host(parts[-1].lower().rstrip(".")):
        yield fault(line, "cname without a target", body)
        return
    for alias in parts[:-1]:
        yield host_entry(line, alias, "exact", "rewrite", f"CNAME {parts[-1].rstrip('.')}")
