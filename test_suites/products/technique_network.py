"""Tries all techniques against real products, unattended, in networks of their own.

``python -m test_suites.products.technique_network FOLDER`` opens namespaces, in which it starts the
origin, the gateway of each product, and ``accredit run`` on the tester's machine, as often as it is
told (``--times``). It writes what came of it to ``result.json`` in the folder; with ``--record`` also
to the reference page. All that it starts ends with it, also if it is killed.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from harness.campaign.origin_file import read_origin
from harness.cli.conclude import conclude_journal
from harness.model.corpus import Item
from harness.store.journal.journal import open_journal
from probes.range.arrival_log import Arrival
from test_suites.kit.processes.product import Process
from test_suites.kit.rooms import ROOT
from test_suites.products.supplier_network import accredit, allow_fast
from test_suites.products.technique_campaign import (
    few_of,
    hosts_to_block,
    line_of,
    techniques_in,
    write_campaign,
)
from test_suites.products.technique_gateways import GATEWAYS
from test_suites.products.technique_layout import (
    ORIGIN,
    ORIGIN_6,
    TESTER,
    ZONE,
    Site,
    confine,
    confined,
    join,
    sites,
    within,
)
from test_suites.products.technique_log_check import compare_with_log
from test_suites.products.technique_table import ProductTable, product_table, record


class Campaign(msgspec.Struct, kw_only=True):
    """What came of one campaign: its exit code, what it printed, and its comparison with the log.

    ``seconds`` is how long it took; ``outcomes`` are those of requirements, by line and id.
    """

    code: int
    said: str
    seconds: float
    table: ProductTable | None = None
    outcomes: dict[str, dict[str, str]] = {}
    agreed: dict[str, int] = {}
    exceptions: dict[str, int] = {}
    contradicted: tuple[str, ...] = ()


class Result(msgspec.Struct, kw_only=True):
    """What came of all campaigns, in the order of products; ``ready`` is after how many seconds."""

    products: tuple[str, ...]
    ready: float
    campaigns: tuple[Campaign, ...]


def prepare_origin(folder: Path) -> None:
    """Write the origin's folder."""
    zone = f"{ZONE}={ORIGIN},{ORIGIN_6}"
    made = subprocess.run(
        accredit("origin", "init", "origin", "--zone", zone, "--protocols"),
        cwd=folder, env=_environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    allow_fast(folder / "origin/origin.yaml")


SERVED = (53, 80, 443, 853)
"""TCP ports at which the origin answers; ``technique_origin`` has its further servers."""


@contextmanager
def origin(folder: Path) -> Iterator[None]:
    """Serve the origin in this namespace."""
    program = (sys.executable, "-m", "test_suites.products.technique_origin")
    command = [*program, str(folder / "origin/origin.yaml")]
    places = [(ORIGIN, port) for port in SERVED]
    with Process(command, log=folder / "origin.log", answers_at=places):
        yield


@contextmanager
def gateways(places: Iterable[Site], folder: Path, hosts: Path) -> Iterator[None]:
    """Start all gateways at the same time, and wait until each filters."""
    started = []
    try:
        for site in places:
            program = (sys.executable, "-m", "test_suites.products.technique_gateways")
            files = (str(folder / "origin/origin.json"), str(hosts), str(folder))
            log = (folder / f"{site.name}.log").open("wb")
            gateway = subprocess.Popen(
                within(site.name, *program, site.name, *files),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, cwd=ROOT,
            )  # fmt: skip
            log.close()
            started.append((site, gateway))
        for site, gateway in started:
            assert gateway.stdout is not None
            said = gateway.stdout.readline()
            assert said == b"ready\n", (folder / f"{site.name}.log").read_text()[-3000:]
        yield
    finally:
        for _, gateway in started:
            assert gateway.stdin is not None
            gateway.stdin.close()
        for _, gateway in started:
            gateway.wait(30)


def _environment() -> dict[str, str]:
    return os.environ | {"HOME": "/nonexistent"}


def run(
    folder: Path, name: str, lines: Iterable[dict[str, object]], items: Iterable[Item]
) -> Campaign:
    """Run a campaign on the tester's machine, and compare it with the origin's log."""
    campaign = write_campaign(folder, name, lines, items)
    started = time.monotonic()
    ended = subprocess.run(
        within(TESTER, *accredit("run", campaign.name)),
        cwd=folder, env=_environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    seconds = time.monotonic() - started
    done = Campaign(code=ended.returncode, said=ended.stdout + ended.stderr, seconds=seconds)
    journal_folder = folder / "out" / name / "journal"
    if not journal_folder.exists():
        return done
    journal = open_journal(journal_folder)
    try:
        observations = tuple(journal.observations())
    finally:
        journal.close()
    check = compare_with_log(observations, arrivals(folder / "origin.log"))
    assessment, _ = conclude_journal(journal_folder)
    assert assessment.techniques is not None
    words = {name: kind.words for name, kind in GATEWAYS.items()}
    lines_used = {place.line for place in assessment.techniques.places}
    products = {name: text for name, text in words.items() if name in lines_used}
    done.table = product_table(assessment.techniques, products)
    done.agreed, done.exceptions = dict(check.agreed), dict(check.exceptions)
    done.contradicted = tuple(check.contradicted)
    done.outcomes = _outcomes(folder, name)
    return done


def _outcomes(folder: Path, name: str) -> dict[str, dict[str, str]]:
    ended = subprocess.run(
        accredit("conclude", f"out/{name}", "--json"),
        cwd=folder, env=_environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    text = ended.stdout
    document = msgspec.json.decode(text[text.index("{") :])
    found: dict[str, dict[str, str]] = {}
    for one in document["outcomes"]:
        found.setdefault(one["line"], {})[one["requirement"]["id"]] = one["conformity"]
    return found


def arrivals(log: Path) -> list[Arrival]:
    """The arrivals in the origin's log, among what it says."""
    lines = log.read_text(encoding="utf-8").splitlines()
    return [msgspec.json.decode(line, type=Arrival) for line in lines if line.startswith("{")]


def measure(folder: Path, names: Iterable[str], times: int, *, few: bool) -> Result:
    """Run the same campaign over some products some times, with all or a few techniques."""
    started = time.monotonic()
    confine()
    places = [site for name, site in sites(GATEWAYS).items() if name in {*names}]
    join(places)
    prepare_origin(folder)
    known = read_origin(folder / "origin/origin.json")
    listed = folder / "hosts.txt"
    items = techniques_in(folder, known)
    hosts = hosts_to_block(items, known)
    listed.write_text("\n".join(hosts) + "\n", encoding="ascii")
    with ExitStack() as running:
        running.enter_context(origin(folder))
        running.enter_context(gateways(places, folder, listed))
        ready = time.monotonic() - started
        lines = [line_of(site, folder) for site in places]
        tried = few_of(items) if few else items
        done = [run(folder, f"campaign-{number + 1}", lines, tried) for number in range(times)]
    return Result(products=tuple(site.name for site in places), ready=ready, campaigns=tuple(done))


def end(number: int, _frame: object) -> None:
    """Leave as from any error, so that all contexts are closed."""
    raise SystemExit(128 + number)


def main() -> int:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("products", nargs="*", default=[*GATEWAYS], help="default: all")
    parser.add_argument("--times", type=int, default=1, help="how often to measure")
    parser.add_argument("--few", action="store_true", help="a few techniques of each group")
    parser.add_argument("--record", action="store_true", help="write the reference page")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if not given.inside:
        return subprocess.run(confined(*sys.orig_argv, "--inside"), check=False).returncode
    signal.signal(signal.SIGTERM, end)
    result = measure(given.folder, given.products, given.times, few=given.few)
    (given.folder / "result.json").write_bytes(msgspec.json.encode(result))
    table = result.campaigns[-1].table
    if given.record and not given.few and table is not None:
        record(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
