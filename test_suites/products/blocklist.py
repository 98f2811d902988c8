"""What a product is told to block: named lists of hosts, each with its own way of replying."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from harness.model.corpus import Item


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockList:
    """Hosts that are answered with one ``reply``; what replies exist is each product's own.

    ``address`` is where a resolver sends them, if not to its common sinkhole; ``page`` is the
    markup of a page of the list's own.
    """

    name: str
    hosts: tuple[str, ...]
    reply: str
    address: str = ""
    page: str = ""


def lists_from(
    items: Iterable[Item],
    replies: Mapping[str, str],
    *,
    spare: Iterable[str] = (),
    add: Mapping[str, Iterable[str]] | None = None,
    name: Callable[[str], str] = str.lower,
) -> tuple[BlockList, ...]:
    """One list for each category of ``replies``, as a supplier would load the agreed test zone.

    ``spare`` are hosts left out by mistake (misses); ``add`` are hosts put into a category's
    list by mistake (over-blocks).
    """
    left_out = frozenset(spare)
    hosts: dict[str, list[str]] = {category: [] for category in replies}
    for item in items:
        if item.category in hosts and item.host not in left_out:
            hosts[item.category].append(item.host)
    for category, more in (add or {}).items():
        hosts[category].extend(more)
    return tuple(
        BlockList(name=name(category), hosts=tuple(hosts[category]), reply=reply)
        for category, reply in replies.items()
    )
