"""A campaign over simulated lines: the command line without a socket."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from harness.cli import plan_step
from harness.cli import registry as registry_verbs
from harness.cli import witness as witness_verbs
from harness.cli.main import app
from harness.cli.measure import measure_campaign
from harness.cli.paths import registry_variables
from harness.model.campaign import Limits
from probes.clients import school_check
from test_suites.kit.campaigns.rehearsal import simulated_origin, write_campaign
from test_suites.kit.clocks.right_clock import synchronised
from test_suites.kit.clocks.set_clock import SetClock
from test_suites.unit.harness.cli.checking_school import School
from test_suites.unit.harness.cli.decision_board import Board, LaterClock
from test_suites.unit.harness.cli.registry_words import ACME, NOW, Accredit
from test_suites.unit.harness.cli.witness_desk import Desk, make_results

BLOCKED = ["PORN", "ADLT", "VIOL", "DISC", "EXTR", "DRUG", "CRIM", "PIRA", "MALW", "ILL"]
BLOCKED_HOSTS = ["copper-meadow.accredit.test"]
NAMED = ("PORN", "ADLT", "VIOL", "DISC", "EXTR", "DRUG", "CRIM", "PIRA", "MALW.HACK")
"""The categories that the scheme becta-2008 names."""
WEB_ONLY = """\
id: web-only
version: "1"
title: Becta's requirements, but for files, which simulated lines do not transfer
parent: becta-2008
without: [MAL-01]
"""


@pytest.fixture
def runner() -> CliRunner:
    """Runs the command line in this process."""
    return CliRunner()


@pytest.fixture(autouse=True)
def synchronised_machine() -> Iterator[None]:
    """The clock of the machine is synchronised, whatever this one's is."""
    with synchronised():
        yield


@pytest.fixture
def simulated(tmp_path: Path) -> Any:
    """Writes campaigns over a simulated service; options go to its line."""
    return simulated_in(tmp_path)


def simulated_in(tmp_path: Path) -> Any:
    """What writes campaigns over a simulated service into a folder."""
    origin = simulated_origin(tmp_path, twin_zone="orchard-view.test")

    def write(
        name: str = "simulated",
        sample: int | None = 8,
        categories: Sequence[str] = NAMED,
        whole: Sequence[str] = ("ILL.CSAM",),
        **options: Any,
    ) -> Path:
        line = {"name": "proxy", "type": "simulated"}
        return write_campaign(
            tmp_path / name,
            origin=origin,
            lines=[line | {"options": {"block": BLOCKED + BLOCKED_HOSTS} | options}],
            categories=categories,
            sample=sample,
            whole=whole,
            campaign=name,
            control={"type": "simulated"},
            plain_twins={"pause": 0},
        )

    return write


class MadeOnce:
    """Folders that are made once in a process, by their names, and copied for each test."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept: dict[str, Path] = {}

    def copied(self, name: str, make: Callable[[Path], object], to: Path) -> None:
        """Copy what ``make`` puts into a folder; no test changes the folder itself."""
        if name not in self._kept:
            folder = self._folder / str(len(self._kept))
            folder.mkdir()
            make(folder)
            self._kept[name] = folder
        shutil.copytree(self._kept[name], to, dirs_exist_ok=True)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> MadeOnce:
    """Campaigns that are measured once, and copied for each test that changes them."""
    return MadeOnce(tmp_path_factory.mktemp("made"))


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> LaterClock:
    """The clock of the commands about plans and decisions."""
    clock = LaterClock()
    monkeypatch.setattr(plan_step.clock, "source", clock)
    return clock


Measured = Callable[..., Path]


@pytest.fixture
def measured(made: MadeOnce, tmp_path: Path) -> Measured:
    """Gives the journal of a campaign over a simulated service, below ``out`` in ``tmp_path``."""

    def journal(**options: Any) -> Path:
        def measure(folder: Path) -> None:
            measure_campaign(simulated_in(folder)(**options), folder / "out")

        made.copied(f"measured {options}", measure, tmp_path)
        name: str = options.get("name", "simulated")
        return tmp_path / "out" / name / "journal"

    return journal


BoardOf = Callable[..., Board]


@pytest.fixture
def board_of(made: MadeOnce, tmp_path: Path, later: LaterClock) -> BoardOf:
    """Gives a board that measured one campaign, whose results are beside its registry."""

    def board(name: str = "spring", **options: Any) -> Board:
        def measure(folder: Path) -> None:
            Board(simulated_in(folder), folder, LaterClock()).measure(name, **options)

        made.copied(f"board {name} {options}", measure, tmp_path)
        return Board(simulated_in(tmp_path), tmp_path, later)

    return board


@pytest.fixture
def web_only(tmp_path: Path) -> Path:
    """The file of a scheme like becta-2008, without MAL-01."""
    path = tmp_path / "web-only.yaml"
    path.write_text(WEB_ONLY, encoding="utf-8")
    return path


@pytest.fixture
def hurried_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence costs a few seconds."""
    limits = Limits(timeout=1.0, confirmation_timeout=2.5, redirects=4, body_bytes=256 * 1024)
    monkeypatch.setattr(school_check, "LIMITS", limits)


@pytest.fixture
def school(runner: CliRunner, tmp_path: Path, hurried_check: None) -> Iterator[School]:
    with ExitStack() as closing:
        yield School(runner, tmp_path, closing)


@pytest.fixture
def where(tmp_path: Path) -> Path:
    """The path of a registry."""
    return tmp_path / "registry.sqlite"


@pytest.fixture
def accredit(where: Path, monkeypatch: pytest.MonkeyPatch) -> Accredit:
    """Run ``accredit registry ...``; gives what it printed, raises what it raised."""
    monkeypatch.setattr(registry_verbs, "clock", SetClock(NOW))
    for name in registry_variables():
        monkeypatch.delenv(name, raising=False)

    def run(*words: str, registry: str = str(where)) -> str:
        named = ("--registry", registry) if registry else ()
        ended = CliRunner().invoke(app, ["registry", *words, *named], catch_exceptions=False)
        assert ended.exit_code == 0, ended.output
        return " ".join(ended.output.split())

    return run


@pytest.fixture
def filled(accredit: Accredit) -> Accredit:
    """A registry with records of Acme and Beta, and of the scheme's owner."""
    accredit("add", "service", "Safe Net", *ACME, "--set", "description=a filter")
    accredit("add", "version", "2.1", *ACME, "--set", "of=safe net", "--set", "released=2026-03-31")
    accredit("add", "service", "Beta Net", "--supplier", "Beta")
    accredit("add", "contact", "Cy", "--owner", "--set", "role=assessor", "--set", "email=c@d.e")
    return accredit


@pytest.fixture(scope="session")
def witnessed_results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of which a witness signs the heads; see ``make_results``."""
    return make_results(tmp_path_factory.mktemp("results"), tmp_path_factory.mktemp("measured"))


@pytest.fixture
def desk_of_witness(
    tmp_path: Path, witnessed_results: Path, monkeypatch: pytest.MonkeyPatch
) -> Desk:
    """A copy of these results; the witness's clock stands at ``NOW``."""
    monkeypatch.setattr(witness_verbs, "clock", SetClock(NOW))
    return Desk(Path(shutil.copytree(witnessed_results, tmp_path / "desk")))
