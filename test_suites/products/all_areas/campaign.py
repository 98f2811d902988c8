"""A campaign of all areas: its file, and the commands that measure and conclude it, as processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from test_suites.kit.campaigns.rehearsal import write_campaign
from test_suites.products.all_areas.pages import PHASES, AreaPages
from test_suites.products.measured import SENTINEL

SCHEME = Path(__file__).with_name("all-areas.yaml")
UPLOADS = {"pupils": "block", "staff": "allow"}
ARCHIVES = {"deep": "block", "encrypted": "block", "huge": "block"}
PATIENT = {"timeout": 15, "confirmation_timeout": 30, "concurrency": 8, "batch": 500}
"""Limits for a slow machine, on which a product still answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """How a campaign reaches a product, and what is declared of it.

    ``users`` are events of users who share an address.
    """

    line: Mapping[str, Any]
    probes: tuple[str, ...]
    groups: tuple[str, ...] = ("pupils", "staff")
    new_sites: str = "allow"
    users: int = 0
    control: Mapping[str, Any] | None = None
    limits: Mapping[str, Any] | None = None
    block_page: str = ""


def write(folder: Path, pages: AreaPages, service: Service) -> Path:
    """Write the campaign file of a service beside its packs; ``world`` holds the origin's file."""
    declared: dict[str, Any] = {"name": "a product of Debian", "archives": ARCHIVES}
    declared["new_sites"] = service.new_sites
    if service.block_page:
        declared["block_page"] = {"host": service.block_page}
    more: dict[str, Any] = {"control": dict(service.control)} if service.control else {}
    return write_campaign(
        folder,
        origin=folder / "world/origin.json",
        campaign="all-areas",
        service=declared,
        scheme=str(SCHEME),
        lines=[dict(service.line)],
        profiles={
            name: {"phase": PHASES[name], "uploads": UPLOADS[name]} for name in service.groups
        },
        corpora=pages.write(folder / "packs"),
        probes=list(service.probes),
        sentinels={"must_block": [SENTINEL]},
        concurrent_users={"events": service.users, "items": 6},
        overrides=_overrides(service.groups),
        limits=PATIENT | dict(service.limits or {}),
        seed="all areas",
        **more,
    )


def _overrides(groups: Iterable[str]) -> dict[str, Any]:
    """Overrides of the list of illegal pages that a technician tried for these groups."""
    attempts = [
        {
            "role": "technician",
            "action": action,
            "profiles": list(groups),
            "canaries": ["override-01", "override-02"],
            "on": "2026-11-27",
        }
        for action in ("allow_list", "turn_off")
    ]
    return {"roles": ["technician"], "attempts": attempts}


def accredit(folder: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command line unattended in a folder."""
    environment = os.environ | {"XDG_STATE_HOME": str(folder / "state")}
    return subprocess.run(
        [sys.executable, "-m", "harness.cli.process", *map(str, words)],
        cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Concluded:
    """What a campaign came to: the folder of its journal, and its outcomes as JSON."""

    journal: Path
    outcomes: tuple[Mapping[str, Any], ...]

    def by_name(self, key: str) -> dict[str, Any]:
        """A value of each outcome, by its requirement and the group of users, if it has one."""
        return {
            "/".join(filter(None, (one["requirement"]["id"], one.get("profile", "")))): one[key]
            for one in self.outcomes
        }


def run(folder: Path, campaign: Path) -> Concluded:
    """Measure and conclude a campaign by the command line; raises AssertionError if it fails."""
    measured = accredit(folder, "measure", campaign, "--out", folder / "out")
    assert measured.returncode == 0, measured.stderr[-3000:] + measured.stdout[-1000:]
    journal = folder / "out/all-areas/journal"
    concluded = accredit(folder, "conclude", journal, "--json")
    assert concluded.returncode in (0, 1, 3), concluded.stderr[-3000:]
    outcomes = json.loads(concluded.stdout)["outcomes"]
    return Concluded(journal=journal, outcomes=tuple(outcomes))
