"""The table of document formats, and what a document shows; each module holds one format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from harness.plugins import PluginTable

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from harness.model.action_plan import FollowUp
    from harness.model.outcome import Assessment


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a document shows: an assessment, and the plans that follow up its failures.

    ``read`` is when the plans were read; ``None`` if there was no registry to read.
    """

    assessment: Assessment
    follow_ups: tuple[FollowUp, ...] = ()
    read: datetime | None = None


Document: TypeAlias = "Callable[[Report, Path], Path]"
"""Writes a report into one file, whole or not at all; returns the path of the file."""

DOCUMENTS: PluginTable[Document] = PluginTable("documents", "reports.documents")
