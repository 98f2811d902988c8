"""Where a campaign keeps its things: one folder under ``--out``, one registry for all."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from harness.untrusted.passwords import is_database

OUT = Path("out")
REGISTRY = "ACCREDIT_REGISTRY"
"""The environment variable that names another registry: a file, or a database URL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The folder of one campaign."""

    out: Path
    campaign: str

    @property
    def home(self) -> Path:
        """All that belongs to this campaign."""
        return self.out / self.campaign

    @property
    def journal(self) -> Path:
        """The observations."""
        return self.home / "journal"

    @property
    def verdicts(self) -> Path:
        """What the journal was judged to say: kept for speed, and may be deleted."""
        return self.home / "verdicts"

    @property
    def evidence(self) -> Path:
        """The bodies, by digest."""
        return self.home / "evidence"

    @property
    def sketch_key(self) -> Path:
        """The key of the journal's sketches; never handed over."""
        return self.home / "sketch.key"

    @property
    def assessment(self) -> Path:
        """The last assessment, as JSON."""
        return self.home / "assessment.json"

    @property
    def report(self) -> Path:
        """The page for people."""
        return self.home / "report.html"

    @property
    def allure(self) -> Path:
        """Where the accreditation suite leaves Allure's files."""
        return self.home / "allure-results"

    @property
    def registry(self) -> Path | str:
        """Findings and plans of every campaign; a path unless REGISTRY names a database."""
        named = os.environ.get(REGISTRY, "")
        if is_database(named):
            return named
        return Path(named) if named else self.out / "registry.sqlite"


def journal_folder(path: Path) -> Path:
    """The journal's folder, given that or the campaign's folder around it."""
    return path / "journal" if (path / "journal").is_dir() else path


def places_of_journal(journal: Path) -> Places:
    """The places around a journal folder."""
    home = journal.resolve().parent
    return Places(out=home.parent, campaign=home.name)
