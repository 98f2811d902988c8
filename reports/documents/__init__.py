"""The table of document formats; each module of this package holds one format."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from harness.plugins import PluginTable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.model.outcome import Assessment

Document: TypeAlias = "Callable[[Assessment, Path], Path]"
"""Writes an assessment into a file, whole or not at all; returns the path of the file."""

DOCUMENTS: PluginTable[Document] = PluginTable("documents", "reports.documents")
