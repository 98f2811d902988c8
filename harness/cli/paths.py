"""The paths of a campaign's files: one folder under ``--out``, and a registry shared by all."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from harness.untrusted.passwords import is_database

JOURNAL = Annotated[Path, typer.Argument(help="The journal folder, or the campaign's folder.")]
"""An argument; see ``journal_folder``."""

OUT = Path("out")
REGISTRY = "ACCREDIT_REGISTRY"
"""The environment variable that names another registry: a file or a database URL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignPaths:
    """The paths in the folder of one campaign, and of its registry."""

    out: Path
    campaign: str

    @property
    def home(self) -> Path:
        """The campaign's folder."""
        return self.out / self.campaign

    @property
    def journal(self) -> Path:
        """The folder of the journal."""
        return self.home / "journal"

    @property
    def verdicts(self) -> Path:
        """The folder of cached verdicts; it may be deleted."""
        return self.home / "verdicts"

    @property
    def evidence(self) -> Path:
        """The folder of evidence: bodies by digest."""
        return self.home / "evidence"

    @property
    def sketch_key(self) -> Path:
        """The key of the journal's sketches; it is never put into a bundle."""
        return self.home / "sketch.key"

    def assessment(self, scheme: str) -> Path:
        """The last assessment under a scheme (its id), as JSON."""
        return self.home / f"assessment-{scheme}.json"

    def report(self, scheme: str, kind: str = "html") -> Path:
        """The report of that assessment, as a document of one kind."""
        return self.home / f"report-{scheme}.{kind}"

    def reports(self, scheme: str) -> dict[str, Path]:
        """The files of reports of that assessment, by what may be the kind of document."""
        prefix = f"report-{scheme}."
        return {path.name.removeprefix(prefix): path for path in self.home.glob(f"{prefix}*")}

    @property
    def allure(self) -> Path:
        """The folder of the Allure results of the accreditation suite."""
        return self.home / "allure-results"

    @property
    def registry(self) -> Path | str:
        """The registry of all campaigns: a path, or a database URL if REGISTRY names one."""
        named = os.environ.get(REGISTRY, "")
        if is_database(named):
            return named
        return Path(named) if named else self.out / "registry.sqlite"


def journal_folder(path: Path) -> Path:
    """The journal's folder, given that folder or the campaign's."""
    return path / "journal" if (path / "journal").is_dir() else path


def paths_of_journal(journal: Path) -> CampaignPaths:
    """The paths of the campaign that a journal folder belongs to."""
    home = journal.resolve().parent
    return CampaignPaths(out=home.parent, campaign=home.name)
