"""The table of list importers; each module of this package reads one family of lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from harness.plugins import PluginTable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from corpora.source import ImportEntry, Source

ListImporter: TypeAlias = "Callable[[Source], Iterator[ImportEntry]]"
"""Reads the entries of a list in one format. Raises ListRefused if the file is not such a list."""

LIST_IMPORTERS: PluginTable[ListImporter] = PluginTable(
    "importers", "corpora.importers", of="lists"
)
