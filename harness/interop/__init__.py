"""Read other people's measurement formats, and import them as journals.

Holds the table of importers of measurements; modules of this package register them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from harness.plugins import PluginTable

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.interop.record import Record

MeasurementImporter: TypeAlias = "Callable[[bytes], Record]"
"""Reads one measurement from one line. Raises NotReadable."""

MEASUREMENT_IMPORTERS: PluginTable[MeasurementImporter] = PluginTable(
    "importers", "harness.interop", of="measurements"
)
