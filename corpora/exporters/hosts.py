"""A hosts file: each host gets an address that leads nowhere (hosts(5))."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from corpora.exporting import hosts_of, write_lines
from harness.model.corpus import Item
from harness.plugins import register

NOWHERE = "0.0.0.0"  # noqa: S104 - written into a list, not bound


@register("exporters", "hosts")
def export_hosts(items: Iterable[Item], out: Path) -> None:
    """Write a hosts file. Names below a host are not covered: the format cannot say that."""
    write_lines(out, (f"{NOWHERE} {host}" for host in hosts_of(items)))
