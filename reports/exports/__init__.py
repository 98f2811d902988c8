"""The table of export formats for journals; each module of this package holds one format."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from harness.plugins import PluginTable

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterator

    from harness.ports.storage import Journal

JournalExporter: TypeAlias = "Callable[[Journal, Counter[str]], Iterator[bytes]]"
"""Yields a journal's measurements in one format, one per line, without line ends.

The counter receives how many trials were left out, by reason. S4 items always are.
"""

JOURNAL_EXPORTERS: PluginTable[JournalExporter] = PluginTable(
    "exporters", "reports.exports", of="journals"
)
