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

LIST_EXPORTERS: PluginTable[ListExporter] = PluginTable(
    "exporters", "corpora.exporters", of="lists"
)
