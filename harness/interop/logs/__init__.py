"""Read the logs that services keep: who asked for what, when, and what the service did.

Holds the table of importers of logs; modules of this package register them. ``reading.read_log``
reads a whole file with one of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from harness.plugins import PluginTable

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.interop.logs.line_reader import LineReader, LogOptions

LogImporter: TypeAlias = "Callable[[LogOptions], LineReader]"
"""Makes the reader of the lines of one file: a class. Raises UsageError if an option is missing."""

LOG_IMPORTERS: PluginTable[LogImporter] = PluginTable(
    "importers", "harness.interop.logs", of="logs"
)
