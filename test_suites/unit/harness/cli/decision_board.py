"""A service that is measured, and decided about, by the real commands on a simulated line."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from harness.cli import seed, seed_contribution
from harness.cli.main import app
from harness.errors import UsageError
from harness.ports.storage import WallClock
from test_suites.kit.hubs.registered_people import registered
from test_suites.kit.hubs.signing_body import sign_scheme_as_body

SUPPLIER = "Acme"
SERVICE = "a service whose faults are known"
MISSED = [f"drug-{n:03d}.canary.accredit.test" for n in range(1, 121, 2)]
ONE_ROW = """\
id: one-row
version: "1"
title: One of Becta's requirements
parent: becta-2008
without: [ILL-01, URL-01, URL-02, URL-03, URL-05, OVB-01, MAL-01, PRF-03, TQ-10, LOG-01, LOG-02, EML-01,
  EML-02, EML-03, EML-04, AVL-01]
decision: {soak_days: 0}
"""


class LaterClock:
    """The clock of this machine, and some days."""

    days = 0

    def now(self) -> datetime:
        return WallClock().now() + timedelta(days=self.days)

    def monotonic(self) -> float:
        return 0.0


NO_OUT = (("decision", "propose"), ("decision", "recommend"))
"""Commands that take the registry beside the results."""


class Board:
    """Runs campaigns of a service and decides about it."""

    def __init__(self, simulated: Any, folder: Path, clock: LaterClock) -> None:
        self._simulated, self.clock, self.supplier = simulated, clock, SUPPLIER
        self.out = folder / "out"
        self.scheme = folder / "one-row.yaml"
        if not self.scheme.exists():
            self.scheme.write_text(ONE_ROW, encoding="utf-8")
            sign_scheme_as_body(self.scheme, folder, self.out / "registry.sqlite")
        self.runner = CliRunner()

    def campaign(self, name: str, version: str = "", **options: Any) -> Path:
        path: Path = self._simulated(name=name, sample=30, categories=["DRUG"], whole=(), **options)
        text = path.read_text(encoding="utf-8")
        text = text.replace("scope: web\n", "").replace("seed: accredit\n", "")
        told = f"name: {SERVICE}\n  supplier: {self.supplier}"
        told += f'\n  version: "{version}"' if version else ""
        text = text.replace(f"name: {SERVICE}", told)
        path.write_text(f"{text}scheme: {self.scheme}\nitems: agreed\n", encoding="utf-8")
        return path

    def seed(self, campaign: Path) -> None:
        """Two parties give the seed of a campaign that has not begun, as a decision needs it.

        It is the same for each campaign, so that all draw the same items.
        """
        file = campaign.parent / "commitment.json"
        if file.exists():
            return
        drawn = SimpleNamespace(token_hex="5a".__mul__)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(seed, "secrets", drawn)
            patched.setattr(seed_contribution, "secrets", drawn)
            self.accredit("seed", "commit", str(campaign), "--file", str(file))
            self.accredit("seed", "contribute", str(campaign), "--by", "Sue")

    def measure(self, name: str, *, code: int = 0, **options: Any) -> Path:
        campaign = self.campaign(name, **options)
        self.seed(campaign)
        self.accredit("run", str(campaign), code=code)
        return self.out / name

    def version(self, name: str = "2.1") -> None:
        of = ("--supplier", self.supplier, "--set", f"of={SERVICE}")
        self.accredit("registry", "add", "version", name, *of)

    def accredit(self, *words: str, code: int = 0, folder: bool = True) -> str:
        ended = self.runner.invoke(app, [*words, *(self._out(words) if folder else ())])
        assert ended.exit_code == code, (words, ended.output, ended.exception)
        return " ".join(ended.output.split())

    def refused(self, *words: str) -> str:
        ended = self.runner.invoke(app, [*words, *self._out(words)])
        assert isinstance(ended.exception, UsageError), ended.output
        return str(ended.exception)

    def propose(self, results: Path, *, code: int) -> Any:
        return json.loads(self.accredit("decision", "propose", str(results), "--json", code=code))

    def recommend(self, status: str, results: Path, *words: str, by: str = "Ray Reader") -> str:
        rest = ("--results", str(results), "--reason", "it is complete", *self.by(by))
        return self.accredit("decision", "recommend", status, *rest, *words)

    def decide(self, status: str, results: Path, *words: str) -> str:
        """Decide, after somebody else has reviewed what is to be accredited."""
        if status.startswith("accredited"):
            version = words[words.index("--version") :][:2] if "--version" in words else ()
            self.recommend(status, results, *version)
        rest = ("--results", str(results), "--reason", "read it all", *self.by("Di"))
        return self.accredit("decision", "make", status, *rest, *words)

    def by(self, name: str) -> tuple[str, ...]:
        """The options of somebody whose key is registered."""
        clock = self.clock
        key = registered(self.out / "registry.sqlite", self.out.parent, name, clock)
        return ("--by", name, "--identity", str(key))

    def shown(self, name: str) -> Any:
        return json.loads(self.accredit("decision", "show", name, "--json"))

    def _out(self, words: tuple[str, ...]) -> tuple[str, ...]:
        takes_none = words[:2] in NO_OUT or words[0] == "plan"
        return () if takes_none else ("--out", str(self.out))
