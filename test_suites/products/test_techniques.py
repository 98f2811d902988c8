"""Techniques over real products behind gateways, and what is left of a run: nothing.

A few techniques of each group are tried, and compared with the recorded result. In full size
(``SIZE=full``, as ``tox run -e laboratory`` sets it) two campaigns try all of them: what came
to the origin, what is decided and what is open is the same in both.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from harness.model.technique import GROUPS
from test_suites.kit.clocks.sizes import IS_FULL
from test_suites.kit.processes.product import folder_on_disk
from test_suites.products.squid import CERTGEN
from test_suites.products.technique_gateways import GATEWAYS
from test_suites.products.technique_layout import BRIDGE, TESTER
from test_suites.products.technique_log_check import OTHER_HOST, STOPPED_ON_THE_WAY_BACK
from test_suites.products.technique_network import Campaign, Result
from test_suites.products.technique_table import UNDECIDED, differing, kind_of, recorded

NEEDED = (
    "squid", CERTGEN, "e2guardian", "haproxy", "openssl", "unbound", "named", "nft", "ip",
    "unshare", "setpriv",
)  # fmt: skip
MARK = "ACCREDIT_LABORATORY"
"""An environment variable by which the processes of one run are known."""

TIMES = 2 if IS_FULL else 1
SIZE = () if IS_FULL else ("--few",)
TURNS = (1, 2, 3) if IS_FULL else (1,)
"""Runs that are killed."""
DECIDED = 1.0 if IS_FULL else 0.8
"""How much of each product's column is decided at least: on a busy machine silence may stay open."""


def program(folder: Path, *words: str) -> list[str]:
    """The command of a run, which ends with the test."""
    module = "test_suites.products.technique_network"
    ends = ("setpriv", "--pdeathsig", "KILL")
    return [*ends, sys.executable, "-m", module, str(folder), *words]


def processes_of(mark: str) -> Iterator[str]:
    """The command lines of all processes that have a mark in their environment."""
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARK}={mark}".encode() in (place / "environ").read_bytes().split(b"\0"):
                yield (place / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue


def left_in_network() -> list[str]:
    """The devices, namespaces and routes of the laboratory's, outside of it."""
    shown = {
        words: subprocess.run(["ip", *words], capture_output=True, text=True, check=True).stdout
        for words in (("-brief", "link"), ("netns", "list"), ("route", "show", "table", "all"))
    }
    names = {
        line.split()[0].partition("@")[0] for text in shown.values() for line in text.splitlines()
    }
    ours = {BRIDGE, TESTER, *GATEWAYS, *(f"to-{name}" for name in (TESTER, *GATEWAYS))}
    routes = shown["route", "show", "table", "all"].splitlines()
    return [*sorted(names & ours), *(each for each in routes if "203.0.113." in each)]


def environment(mark: str, temporary: Path) -> dict[str, str]:
    return os.environ | {MARK: mark, "TMPDIR": str(temporary)}


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    with folder_on_disk() as folder:
        yield folder


@pytest.fixture(scope="module")
def laboratory(place: Path) -> Result:
    """The same campaign over all products, ``TIMES`` times."""
    folder = place / "laboratory"
    folder.mkdir()
    mark, temporary = uuid.uuid4().hex, folder / "temporary"
    temporary.mkdir()
    ended = subprocess.run(
        program(folder, "--times", str(TIMES), *SIZE),
        env=environment(mark, temporary), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert 0 == ended.returncode, ended.stdout + ended.stderr
    assert [] == [*processes_of(mark)]
    assert [] == left_in_network()
    assert [] == [*temporary.iterdir()]
    return msgspec.json.decode((folder / "result.json").read_bytes(), type=Result)


@pytest.mark.product(*NEEDED)
@pytest.mark.timeout(1800)
class TestLaboratory:
    def test_a_campaign_over_all_products_is_measured_and_concluded(
        self, laboratory: Result
    ) -> None:
        assert [1] * TIMES == [each.code for each in laboratory.campaigns]  # some do not conform

    def test_every_finding_agrees_with_the_origins_log(self, laboratory: Result) -> None:
        for each in laboratory.campaigns:
            assert () == each.contradicted
            assert each.agreed["came"]
            assert each.agreed["did not come"]
            known = (OTHER_HOST, STOPPED_ON_THE_WAY_BACK)
            assert [] == [one for one in each.exceptions if not one.endswith(known)]

    def test_each_campaign_gives_the_same_outcomes(self, laboratory: Result) -> None:
        first, *others = laboratory.campaigns
        assert first.table is not None
        for other in others:
            assert other.table is not None
            assert [] == [*differing(first.table, other.table)]
            assert first.outcomes == other.outcomes

    def test_every_technique_is_decided_on_every_product(self, laboratory: Result) -> None:
        rows = rows_of(laboratory.campaigns[0])
        for product in GATEWAYS:
            column = [row[product] for row in rows]
            assert "not needed" not in column, product
            assert column.count(UNDECIDED) <= (1 - DECIDED) * len(rows), product

    def test_a_careful_gateway_leaves_nothing_open(self, laboratory: Result) -> None:
        cells = {row["careful"] for row in rows_of(laboratory.campaigns[0])}
        assert {"stopped", "not carried"} >= {kind_of(cell) for cell in cells - {UNDECIDED}}
        outcomes = laboratory.campaigns[0].outcomes["careful"]
        assert "does-not-conform" not in outcomes.values(), outcomes

    def test_a_careful_gateway_conforms_wherever_all_classes_were_carried(
        self, laboratory: Result
    ) -> None:
        table = laboratory.campaigns[0].table
        assert table is not None
        carried = {
            (row.group, row.name)
            for row in table.rows
            if row.cells["careful"] not in ("not carried", UNDECIDED)
        }
        whole = {
            name
            for name, group in GROUPS.items()
            if {(name, one) for one in group.classes} <= carried
        }
        outcomes = laboratory.campaigns[0].outcomes["careful"]
        assert {"conforms"} == {outcomes[MEASURED[name]] for name in whole & MEASURED.keys()}

    def test_the_products_leave_open_what_is_recorded(self, laboratory: Result) -> None:
        table = laboratory.campaigns[0].table
        assert table is not None
        assert [] == [*differing(table, recorded())]


MEASURED = {
    "resolver": "CIR-04",
    "encrypted-dns": "CIR-05",
    "ech": "CIR-07",
    "quic": "CIR-08",
    "spelling": "CIR-09",
    "name": "CIR-10",
    "framing": "CIR-11",
    "identity": "CIR-12",
    "control-protocol": "CIR-14",
    "relay": "CIR-15",
}
"""The requirement that each group decides, of those in ``techniques.yaml``."""


def rows_of(campaign: Campaign) -> list[dict[str, str]]:
    assert campaign.table is not None
    return [row.cells for row in campaign.table.rows]


@pytest.mark.product(*NEEDED)
@pytest.mark.timeout(300)
@pytest.mark.parametrize("turn", TURNS)
def test_nothing_is_left_of_a_run_that_is_killed(place: Path, turn: int) -> None:
    """At a random moment, which the message of a failure names."""
    folder = place / f"killed-{turn}"
    mark, temporary = uuid.uuid4().hex, folder / "temporary"
    temporary.mkdir(parents=True)
    moment = random.SystemRandom().uniform(0.5, 15)
    with subprocess.Popen(
        program(folder, "squid", "squid-tls", "unbound", "e2guardian"),
        env=environment(mark, temporary), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    ) as running:  # fmt: skip
        try:
            running.wait(moment)
        except subprocess.TimeoutExpired:
            running.kill()
        assert running.stderr is not None
        running.stderr.read()  # it ends when the last process has closed it
    for _ in range(200):
        if not (left := [*processes_of(mark)]):
            break
        os.sched_yield()
    assert [] == left, f"after {moment} seconds"
    assert [] == left_in_network(), f"after {moment} seconds"
    assert [] == [*temporary.iterdir()], f"after {moment} seconds"
