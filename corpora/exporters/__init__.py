"""The table of list exporters; each module of this package writes one family of lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from harness.plugins import PluginTable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from harness.model.corpus import Item

ListExporter: TypeAlias = "Callable[[Iterable[Item], Path], None]"
"""Writes items as a list that a filtering product loads: a new file or folder.

Raises UsageError if none of the items can be expressed in the format, OSError.
"""

PAGE_FORMATS = frozenset({"csv", "e2guardian", "squid-urls", "ut1"})
"""The exporters that can list single pages; all others list whole sites only."""
PAGES_ONLY = frozenset({"squid-urls"})
"""The exporters that list no whole sites."""

LIST_EXPORTERS: PluginTable[ListExporter] = PluginTable(
    "exporters", "corpora.exporters", of="lists"
)
