"""A hosts file: each host gets an address that leads nowhere (hosts(5))."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from corpora.list_export import LIST_EXPORTERS, hosts_of, write_lines
from harness.model.corpus import Item

NOWHERE = "0.0.0.0"  # noqa: S104 - written into a list, not bound


@LIST_EXPORTERS.register("hosts")
def export_hosts(items: Iterable[Item], out: Path) -> None:
    """Write a hosts file. Names below a host are not covered: the format cannot say that."""
    write_lines(out, (f"{NOWHERE} {host}" for host in hosts_of(items)))
