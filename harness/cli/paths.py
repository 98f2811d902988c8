"""The paths of a campaign's files: one folder under ``--out``, and a registry shared by all."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from harness.errors import UsageError
from harness.untrusted.passwords import is_database

JOURNAL = Annotated[Path, typer.Argument(help="The journal folder, or the campaign's folder.")]
"""An argument; see ``journal_folder``."""

OUT = Path("out")
DATABASE = "ACCREDIT_DATABASE_URL"
"""The environment variable that names a database for the registry."""

REGISTRY = "ACCREDIT_REGISTRY"
"""The environment variable that names another registry: a file or a database URL."""

REGISTRY_OPTION = Annotated[
    str,
    typer.Option(
        "--registry",
        help=f"A file or a database URL; default: ${DATABASE}, ${REGISTRY}, else the one in the "
        "results folder.",
    ),
]
"""An option; see ``chosen_registry``."""


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
        """The registry of all campaigns: a path, or a database URL if the environment names one.

        Raises UsageError if the environment names two.
        """
        database, named = os.environ.get(DATABASE, ""), os.environ.get(REGISTRY, "")
        if database and named and database != named:
            msg = f"{DATABASE} and {REGISTRY} name two registries; unset one of them"
            raise UsageError(msg)
        if database and not is_database(database):
            msg = f"{DATABASE} must be a database URL, such as postgresql://HOST/DATABASE"
            raise UsageError(msg)
        if is_database(database or named):
            return database or named
        return Path(named) if named else self.out / "registry.sqlite"


def registry_variables() -> tuple[str, ...]:
    """The environment variables that name a registry."""
    return DATABASE, REGISTRY


def chosen_registry(named: str, out: Path = OUT) -> Path | str:
    """The registry that an option names, else that of the environment, else the one in ``out``."""
    if is_database(named):
        return named
    return Path(named) if named else CampaignPaths(out=out, campaign="").registry


def journal_folder(path: Path) -> Path:
    """The journal's folder, given that folder or the campaign's."""
    return path / "journal" if (path / "journal").is_dir() else path


def paths_of_journal(journal: Path) -> CampaignPaths:
    """The paths of the campaign that a journal folder belongs to."""
    home = journal.resolve().parent
    return CampaignPaths(out=home.parent, campaign=home.name)
