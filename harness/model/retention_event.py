"""Events about what was removed because it was older than a hub keeps it, in the owner's stream."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from harness.model.event import Event

ExpiryRule = Literal["evidence", "items", "bundles", "uploads"]
"""What was removed: evidence of items; journals with the details of items; bundles as they came;
and uploads that were never complete or were put aside."""


class RetentionEvent(Event, frozen=True, kw_only=True):
    """An event about the retention of files."""


class FilesExpired(RetentionEvent, frozen=True, kw_only=True, tag="files-expired"):
    """What was recorded before ``older_than`` is removed, by a rule of ``hub.yaml``.

    ``names`` are the campaigns; of bundles and uploads their SHA-256. ``files`` and ``size`` are
    the number of files and their bytes. The event is written first: a process that is killed before
    all is removed leaves the rest to the next one.
    """

    rule: ExpiryRule
    older_than: datetime
    names: tuple[str, ...]
    files: int
    size: int

    @property
    def about(self) -> str:
        """The key of the rule."""
        return f"retention:{self.rule}"
