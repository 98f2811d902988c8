"""A service that is monitored at several simulated sites, for tests of ``accredit monitor``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from test_suites.kit.campaigns.rehearsal import simulated_origin

BEGAN = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
"""A Monday."""

SERVICE, SUPPLIER = "Safe Net", "Acme"
DRUGS = tuple(f"drug-{number:03d}.canary.accredit.test" for number in range(1, 121))

SCHEME = """\
id: {name}
version: "1.0"
title: The drug sites alone
parent: {parent}
without: [{without}]
"""
LEFT_OUT = {
    "surveillance": "ILL-01, URL-01, URL-02, URL-03, URL-05, CIR-01, LOG-01, LOG-02, "
    "AVL-01, UPD-01, TQ-10",
    "becta-2008": "ILL-01, ILL-04, URL-01, URL-02, URL-03, URL-05, MAL-01, MAL-05, DYN-06, CIR-01, "
    "CIR-02, LOG-01, LOG-02, EML-01, EML-02, EML-03, EML-04, AVL-01, PRF-02",
}


@dataclass(kw_only=True)
class MonitoredService:
    """Writes the files of a monitored service, and changes how its simulated sites behave."""

    folder: Path
    sites: Sequence[str] = ("Hill School", "Vale School")
    cron: str = "15 6 * * *"
    missed: dict[str, int] = field(default_factory=dict)
    sample: int = 60

    @property
    def file(self) -> Path:
        """The monitoring file."""
        return self.folder / "monitoring.yaml"

    def write(self, **changes: Any) -> Path:
        """Write everything; ``changes`` are keys of the service in the monitoring file."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.origin = simulated_origin(self.folder, twin_zone="orchard-view.test")
        for name, parent in (("watched", "surveillance"), ("fixed", "becta-2008")):
            text = SCHEME.format(name=name, parent=parent, without=LEFT_OUT[parent])
            (self.folder / f"{name}.yaml").write_text(text, encoding="utf-8")
        for site in self.sites:
            self.behave(site)
        self.declare(**changes)
        return self.file

    def declare(self, top: dict[str, Any] | None = None, **changes: Any) -> None:
        """Write the monitoring file."""
        sites = [
            {
                "site": site,
                "schedules": [
                    {"name": "daily", "cron": self.cron, "campaign": f"{_file(site)}.yaml"}
                ],
            }
            for site in self.sites
        ]
        service = {"service": SERVICE, "supplier": SUPPLIER, "sites": sites, **changes}
        self.dump(
            self.file, {"monitoring": "acme", "jitter": 0, **(top or {}), "services": [service]}
        )

    def behave(self, site: str, missed: int = 0, **options: Any) -> Path:
        """Let a site block all drug sites but the first ``missed``."""
        path = self.folder / f"{_file(site)}.yaml"
        self.dump(path, self.campaign(site, missed, **options))
        return path

    def change(self, site: str, missed: int = 0, **changes: Any) -> None:
        """Write the campaign of a site with other keys."""
        self.dump(self.folder / f"{_file(site)}.yaml", {**self.campaign(site, missed), **changes})

    def fixed_size(self, name: str, site: str, missed: int = 0, **options: Any) -> Path:
        """Write a campaign by the scheme of the accreditation, of which 60 items are enough."""
        path = self.folder / f"{name}.yaml"
        document = self.campaign(site, missed, **options)
        corpora = [{"pack": "canary", "categories": ["DRUG"], "sample": 60}]
        self.dump(path, {**document, "campaign": name, "scheme": "fixed.yaml", "corpora": corpora})
        return path

    def campaign(self, site: str, missed: int = 0, **options: Any) -> dict[str, Any]:
        """A campaign at a site; ``options`` are those of its line."""
        given = {
            "block": ["DRUG", "copper-meadow.accredit.test"],
            "miss": list(DRUGS[:missed]),
            **options,
        }
        return {
            "campaign": _file(site),
            "service": {"name": SERVICE, "supplier": SUPPLIER},
            "scheme": "watched.yaml",
            "origin": self.origin.name,
            "lines": [{"name": "school", "type": "simulated", "site": site, "options": given}],
            "control": {"type": "simulated"},
            "profiles": {"pupils": {"phase": "ks2"}},
            "corpora": [{"pack": "canary", "categories": ["DRUG"], "sample": self.sample}],
            "items": "agreed",
            "plain_twins": {"pause": 0},
        }

    def dump(self, path: Path, document: dict[str, Any]) -> None:
        """Write a document as YAML."""
        with path.open("w", encoding="utf-8") as file:
            YAML(typ="safe", pure=True).dump(document, file)


def _file(site: str) -> str:
    return site.lower().replace(" ", "-")
