"""The table of document formats; each module of this package holds one format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from harness.model.outcome import Assessment
from harness.plugins import PluginTable

Document = Callable[[Assessment, Path], Path]
"""Writes an assessment into a file, whole or not at all; returns the path of the file."""

DOCUMENTS = PluginTable[Document]("documents", "reports.documents")
