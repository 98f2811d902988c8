"""Writes what was measured and concluded for other programs: one format a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from harness.plugins import PluginTable
from harness.ports.storage import Journal

JournalExporter = Callable[[Journal, Counter[str]], Iterator[bytes]]
"""Gives a journal's measurements in one format, one a line, without the end of the line.

The counter tells how many trials are left out, by the reason why. S4 items always are.
"""

JOURNAL_EXPORTERS = PluginTable[JournalExporter]("exporters", "reports.exports", of="journals")
