"""Makes the journals that are kept: one of each kind that behaves in its own way.

``python -m test_suites.recorded.record`` makes them anew, which is wanted only when something is to
be measured in another way. What is concluded of those that are kept must stay.
"""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from corpora.build_pack import import_pack
from harness.cli.compose import prepare
from harness.cli.main import app
from harness.cli.measure import measure_campaign, measure_prepared
from test_suites.calibration.hostile.campaign import write_campaign as write_hostile
from test_suites.calibration.hostile.everyone import find_supplier
from test_suites.calibration.hostile.sizes import SMALL
from test_suites.calibration.hostile.testbed import Testbed
from test_suites.kit.campaigns.held import SCHEMES
from test_suites.kit.campaigns.ooni_cases import measure as ooni
from test_suites.kit.campaigns.rehearsal import simulated_origin, write_campaign

BLOCKED = ["DRUG", "VIOL", "copper-meadow.accredit.test"]
PLANS = [
    {"categories": ["DRUG"], "bad": 0.9, "good": 0.98, "alpha": 0.05, "beta": 0.1},
    {"categories": ["PORN", "ADLT"], "bad": 0.9, "good": 0.98, "alpha": 0.05, "beta": 0.1},
]
HOSTILE = "gateway-reset-once"
HOSTILE_SCHEME = Path(SCHEMES["hostile"])
SITES, PAGES, MISSED = 60, 4, 9
"""Domains of a list whose entries fall together, pages of each, and domains that pass."""


def demo(folder: Path) -> Path:
    """The journal of ``accredit demo --all``: three kinds of items over real sockets."""
    ran = CliRunner().invoke(app, ["demo", "--all", "--out", str(folder)])
    if ran.exit_code:
        raise AssertionError(ran.output) from ran.exception
    return folder / "demo-run/demo/journal"


def products(folder: Path) -> Path:
    """Squid's, which blocks in six ways, with faults."""
    ended = pytest.main([
        "-q", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning",
        f"--basetemp={folder}", "test_suites/products/test_squid.py",
    ])  # fmt: skip
    if ended:
        raise AssertionError(ended)
    return next(folder.glob("*/out/product/journal"))


def hostile(folder: Path) -> Path:
    """A service that only seems to filter."""
    folder.mkdir()
    with Testbed(folder, SMALL) as testbed:
        supplier = find_supplier(HOSTILE)
        with testbed.serving(supplier) as running:
            campaign = write_hostile(folder, supplier, running, testbed)
            shutil.copy(HOSTILE_SCHEME, folder)  # so that no path of a checkout is in the journal
            text = campaign.read_text().replace(str(HOSTILE_SCHEME), HOSTILE_SCHEME.name)
            campaign.write_text(text)
            places = measure_prepared(prepare(campaign), folder / "out", quiet())
    return places.journal


def clustered(folder: Path) -> Path:
    """A list with several pages of each domain, which a service blocks or misses together."""
    folder.mkdir()
    hosts = [f"shop-{number:03d}.com" for number in range(SITES)]
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(["url", "canonical_code"])
    rows.writerows(
        [f"http://{host}/page-{page}", "GAMB"] for host in hosts for page in range(PAGES)
    )
    (folder / "list.csv").write_text(text.getvalue())
    created = "2026-01-01T00:00:00Z"
    import_pack("labelled", folder / "list.csv", folder / "list", created=created)
    path = write_campaign(
        folder,
        origin=simulated_origin(folder),
        lines=[simulated(block=[*BLOCKED, *hosts[MISSED:]])],
        corpora=[{"pack": "list"}, {"pack": "canary", "categories": ["DRUG"], "sample": 40}],
        campaign="clustered",
        control={"type": "simulated"},
    )
    return measure_campaign(path, folder / "out")


def stopped_early(folder: Path) -> Path:
    """Two plans that stop, one for the service and one against it."""
    folder.mkdir()
    path = write_campaign(
        folder,
        origin=simulated_origin(folder),
        lines=[simulated(block=BLOCKED)],
        categories=["DRUG", "VIOL", "PORN", "ADLT"],
        campaign="stopped",
        control={"type": "simulated"},
        limits={"batch": 20, "concurrency": 10, "timeout": 0.7},
        stopping={"plans": PLANS},
    )
    return measure_campaign(path, folder / "out")


def imported(folder: Path) -> Path:
    """Other people's measurements, of which nothing is decided."""
    folder.mkdir()
    lines = [json.dumps(ooni(f"https://site-{number}.example.org/")) for number in range(40)]
    (folder / "ooni.jsonl").write_text("\n".join(lines) + "\n")
    words = ["bundle", "import", str(folder / "ooni.jsonl"), "--format", "ooni"]
    ran = CliRunner().invoke(app, [*words, "--out", str(folder / "theirs")])
    if ran.exit_code:
        raise AssertionError(ran.output) from ran.exception
    return folder / "theirs/journal"


MAKERS: dict[str, Callable[[Path], Path]] = {
    "demo": demo,
    "products": products,
    "hostile": hostile,
    "clustered": clustered,
    "stopped-early": stopped_early,
    "imported": imported,
}


def simulated(block: list[str]) -> dict[str, object]:
    """A simulated line that blocks categories and hosts."""
    return {"name": "proxy", "type": "simulated", "options": {"block": block}}


def quiet() -> Console:
    """A console that nobody sees."""
    return Console(file=io.StringIO())
