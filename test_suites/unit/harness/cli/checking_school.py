"""A school that runs checks in one folder, through a played internet or on the test range."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from typer.testing import CliRunner
from typer.testing import Result as Ended

from harness.cli.main import app
from test_suites.kit.networks.internet_double import InternetDouble, Reaction

AGENCY = ("iwf.testfiltering.com", "ctiru.testfiltering.com", "swearing.testfiltering.com")
ENDPOINTS = ("cloudflare-dns.com", "dns.google", "dns.quad9.net", "one.one.one.one")
ORDINARY = ("example.com", "www.gov.uk", "www.wikipedia.org")


class School:
    """Runs checks in one folder, through one played internet."""

    def __init__(self, runner: CliRunner, folder: Path, closing: ExitStack) -> None:
        self.runner, self.folder, self._closing = runner, folder, closing
        self.out = folder / "records"

    def behind(self, reaction: Reaction, **options: Any) -> InternetDouble:
        """Start the internet behind a filter."""
        return self._closing.enter_context(InternetDouble(self.folder, reaction, **options))

    def check(self, double: InternetDouble, *words: str | Path) -> Ended:
        """Run a check through a played internet."""
        way = ("--proxy", double.proxy, "--authority", double.authority)
        return self.run(*way, *words)

    def run(self, *words: str | Path) -> Ended:
        """Run ``accredit check`` with its records in the folder."""
        return self.runner.invoke(app, ["check", "--out", str(self.out), *map(str, words)])

    def records(self) -> list[dict[str, Any]]:
        """All records, the oldest first."""
        paths = [path for path in self.out.glob("*/record.json") if "2020-" not in str(path)]
        found = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
        return sorted(found, key=lambda record: str(record["begun"]))

    def page(self) -> str:
        """The newest page."""
        return max(self.out.glob("*/record.html")).read_text(encoding="utf-8")


def results(record: dict[str, Any], part: str) -> dict[str, str]:
    """The result of each row of a part, by its address."""
    return {row["address"]: row["result"] for row in record["rows"] if row["part"] == part}


def agency(record: dict[str, Any]) -> set[str]:
    """The results of the agencies' pages, without the one that needs decryption."""
    told = results(record, "agency")
    return {told[address] for address in told if address.split("/")[2] in AGENCY}


def reasons(record: dict[str, Any], part: str) -> set[str]:
    return {row["reason"] for row in record["rows"] if row["part"] == part}


def good_filter(host: str) -> str:
    """Refuses agencies' pages, by a page where it can and at CONNECT; no encrypted DNS."""
    return "refuse" if host in (*AGENCY, *ENDPOINTS) else ""
