"""A clock that is ahead, behind or not known grants nothing, and what it granted is undone."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from harness.cli import measure, plan_step, vouched_time
from harness.cli import witness as witness_verbs
from harness.cli.main import app
from harness.cli.registry_care import changed_rows
from harness.cli.registry_session import open_session
from harness.errors import UsageError
from harness.model.decision import Status
from harness.model.instrument_record import ClockState
from harness.ports.storage import WallClock
from test_suites.kit.campaigns.rehearsal import claim
from test_suites.kit.clocks.set_clock import SetClock
from test_suites.kit.hubs.keys import write_keys
from test_suites.unit.harness.cli.certified import NOW, Certified
from test_suites.unit.harness.cli.conftest import BoardOf
from test_suites.unit.harness.cli.decision_board import MISSED, Board, LaterClock

AHEAD = NOW + timedelta(days=15)
UNKNOWN = ClockState(problem="the clock is not synchronised")


def accredit(*words: str | Path) -> str:
    """What a command prints, in single spaces. Raises what it raises."""
    ended = CliRunner().invoke(app, [str(word) for word in words])
    if ended.exception is not None and not isinstance(ended.exception, SystemExit):
        raise ended.exception
    return " ".join(ended.output.split())


@pytest.fixture
def certified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Certified:
    """A service that can be decided about; the clock of the machine is not synchronised."""
    clock = SetClock(NOW)
    monkeypatch.setattr(plan_step.clock, "source", clock)
    monkeypatch.setattr(witness_verbs, "clock", clock)
    monkeypatch.chdir(tmp_path)
    made = Certified(tmp_path, clock)
    made.service()
    return made


@pytest.fixture
def unknown(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Makes the clock of the machine one that nothing vouches for."""
    real = measure.read_record

    def make() -> None:
        monkeypatch.setattr(vouched_time, "machine_clock", lambda: UNKNOWN)
        monkeypatch.setattr(
            measure, "read_record", lambda *given: replace(real(*given), clock=UNKNOWN)
        )

    return make


class SomebodyElse:
    """A witness with a key, in the folder ``elsewhere``, with a right clock of its own."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder / "elsewhere"
        self.folder.mkdir()
        self.key, self.public = write_keys(self.folder, "witness", 7)
        self.clock, self.number = SetClock(NOW), 0
        monkeypatch.setattr(witness_verbs, "clock", self.clock)

    def sign(self, *where: str | Path) -> None:
        """Sign everything, and have the receipts kept."""
        self.number += 1
        request, answer = (self.folder / f"{each}-{self.number}" for each in ("r", "a"))
        accredit("witness", "ask", "--to", request, *where)
        accredit("witness", "sign", request, "--key", self.key, "--to", answer, "--name", "Ama")
        accredit("witness", "add", answer, "--witness-key", self.public, *where)


@pytest.fixture
def other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SomebodyElse:
    return SomebodyElse(tmp_path, monkeypatch)


def registry_of(certified: Certified) -> tuple[str, str]:
    return "--registry", str(certified.registry)


def decided(certified: Certified, number: int = 0) -> Any:
    """A decision as it is shown."""
    return json.loads(accredit("decision", "list", "--all", "--json", *registry_of(certified)))[
        number
    ]


# A clock that was ahead, and was put right.


def test_a_decision_and_its_certificate_made_ahead_of_time_are_void(certified: Certified) -> None:
    certified.clock.at = AHEAD
    certified.decide()
    certificate = certified.issue()
    number = json.loads(certificate.read_bytes())["certificate"]["number"]
    certified.clock.at = NOW + timedelta(hours=1)

    said = accredit("plan", "correct-clock", "--reason", "it was ahead", *registry_of(certified))

    assert "Acme, decision D-0001: void: it is dated 2026-03-17 09:00 UTC, later than" in said
    assert f"Acme, certificate {number} of decision D-0001: revoked" in said
    held = decided(certified)
    assert (held["status_now"], held.get("certificate")) == ("not-yet", None)
    assert "decide again" in held["void"]
    assert "void: it is dated" in accredit("decision", "show", "D-0001", *registry_of(certified))
    assert "(void: decide again)" in accredit("decision", "list", *registry_of(certified))
    assert "revoked" in certified.found(certificate, certified.status_list(), code=1)
    assert "decision D-0001 is void" in certified.refused(*certified.issue_words())
    with open_session(certified.registry, clock=certified.clock) as session:
        assert changed_rows(session.registry) == []

    certified.decide()
    certified.issue("D-0002")
    assert [decided(certified, at)["status_now"] for at in (0, 1)] == ["not-yet", "accredited"]


def test_only_what_is_favourable_and_dated_later_is_void(certified: Certified) -> None:
    certified.decide()
    certificate = certified.issue()
    certified.clock.at = AHEAD
    certified.decide(Status.SUSPENDED)
    certified.measure_again()
    certified.decide()
    certified.clock.at = NOW + timedelta(hours=1)
    accredit("plan", "correct-clock", "--reason", "it was ahead", *registry_of(certified))

    voids = [bool(decided(certified, at).get("void")) for at in range(3)]

    assert voids == [False, False, True]
    listed = accredit("decision", "list", *registry_of(certified))
    assert "D-0002" in listed
    assert "suspended" in listed, "the suspension stands, and what ended it does not"
    assert "suspended" in certified.found(certificate, certified.status_list(), code=1)


def test_a_certificate_alone_made_ahead_of_time_is_revoked_and_issued_again(
    certified: Certified,
) -> None:
    certified.decide()
    certified.clock.at = AHEAD
    certificate = certified.issue()
    certified.clock.at = NOW + timedelta(hours=1)
    accredit("plan", "correct-clock", "--reason", "it was ahead", *registry_of(certified))
    assert decided(certified)["status_now"] == "accredited"
    assert "revoked" in certified.found(certificate, certified.status_list(), code=1)

    again = certified.issue()

    assert certified.verify(again, certified.status_list())["result"] == "valid"


def test_a_soak_period_that_a_wrong_clock_skipped_is_not_over(
    simulated: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it was found: 15 days ahead for the campaign that closes a plan, and then put right."""
    ahead = timedelta(0)
    monkeypatch.setattr(WallClock, "now", lambda _: datetime.now(UTC) + ahead)
    board = Board(simulated, tmp_path, LaterClock())
    board.scheme.write_text(board.scheme.read_text().replace("soak_days: 0", "soak_days: 14"))
    where = ("--registry", str(board.out / "registry.sqlite"))
    board.accredit("run", str(board.campaign("first", miss=MISSED)), code=1)
    claim(CliRunner(), board.out)
    fixed = board.campaign("first")
    board.accredit("retest", "P-0001", str(fixed), "--by", "Ann")
    ahead = timedelta(days=15)
    assert "is closed: the fix held for its soak period" in board.accredit(
        "run", str(board.campaign("second"))
    )
    ahead = timedelta(0)

    said = accredit("plan", "correct-clock", "--reason", "15 days ahead", *where)

    assert "plan P-0001: campaign second counts no more, it is not closed any more" in said
    shown = json.loads(accredit("plan", "show", "P-0001", "--json", *where))
    assert (shown["state"], shown["soaks"]) == ("verified", [])
    with open_session(board.out / "registry.sqlite") as session:
        assert changed_rows(session.registry) == []
    with pytest.raises(UsageError, match="cannot be closed yet: its soak period ends on"):
        accredit("plan", "close", "P-0001", "--by", "Ann", *where)
    with pytest.raises(UsageError, match="begins later than it is recorded"):
        accredit("plan", "soak", "P-0001", board.out / "second", "--by", "Cy", *where)


# A clock that nothing vouches for.


@pytest.fixture
def board(simulated: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Board:
    clock = LaterClock()
    monkeypatch.setattr(plan_step.clock, "source", clock)
    return Board(simulated, tmp_path, clock)


def test_a_campaign_waits_for_a_synchronised_clock_or_a_witness(
    board: Board, unknown: Callable[[], None], other: SomebodyElse
) -> None:
    unknown()
    results = board.measure("spring")
    board.version()

    def proposed() -> Any:
        return json.loads(accredit("decision", "propose", results, "--json"))["proposal"]

    reasons = " ".join(proposed()["reasons"])
    assert "nothing vouches for when campaign spring was measured" in reasons
    assert "the clock of this machine is not synchronised, and no witness" in reasons
    said = accredit("conclude", results)
    assert "time: nothing vouches for it: the clock was not synchronised" in said

    other.clock.at = WallClock().now()
    other.sign("--out", board.out)
    assert proposed()["status"] == "accredited"
    assert "time: not synchronised; Ama signed the journal" in accredit("conclude", results)

    board.clock.days = 2
    assert "no witness signed journal or registry within a day" in proposed()["reasons"][0]
    board.clock.days = -2
    assert "behind the time at which a witness signed" in " ".join(proposed()["reasons"])


def test_a_campaign_that_a_witness_signed_before_it_began_is_measured_again(
    board_of: BoardOf, other: SomebodyElse
) -> None:
    board = board_of()
    results = board.out / "spring"
    board.version()
    other.clock.at = WallClock().now() - timedelta(days=15)
    other.sign("--out", board.out)

    reasons = " ".join(board.propose(results, code=1)["proposal"]["reasons"])

    assert "a witness signed its journal on" in reasons
    assert "and a witness signed it on" in reasons, "the events of the registry are ahead as well"


def test_a_certificate_waits_for_a_synchronised_clock_or_a_witness(
    certified: Certified, unknown: Callable[[], None], other: SomebodyElse
) -> None:
    certified.decide()
    unknown()
    where = registry_of(certified)
    refused = certified.refused(*certified.issue_words())
    assert "no certificate can be issued: the clock of this machine is not synchronised" in refused

    other.sign(*where)
    certified.clock.at = NOW + timedelta(days=2)
    assert "no witness signed" in certified.refused(*certified.issue_words())
    certified.clock.at = NOW + timedelta(hours=23)
    certified.issue()


def test_a_certificate_waits_while_a_witness_shows_that_the_clock_was_ahead(
    certified: Certified, other: SomebodyElse
) -> None:
    certified.clock.at = AHEAD
    certified.decide()
    other.sign(*registry_of(certified))
    for at in (AHEAD, AHEAD + timedelta(days=20)):
        certified.clock.at = at
        refused = certified.refused(*certified.issue_words())
        assert "is dated 2026-03-17 09:00 UTC, and a witness signed it on" in refused
    certified.clock.at = NOW + timedelta(hours=1)
    accredit("plan", "correct-clock", "--reason", "it was ahead", *registry_of(certified))
    certified.decide()
    certified.issue("D-0002")


# A clock that is behind.


def test_a_clock_that_is_behind_extends_nothing(certified: Certified, other: SomebodyElse) -> None:
    certified.decide(until=NOW + timedelta(days=10))
    other.clock.at = AHEAD
    other.sign(*registry_of(certified))
    where = registry_of(certified)
    assert decided(certified)["status_now"] == "expired"
    assert "expired" in accredit("decision", "show", "D-0001", *where)
    key = ("--key", certified.key)
    with pytest.raises(UsageError, match="15 d after this machine's clock"):
        accredit("certificate", "status-list", *key, "--out", certified.folder / "l", *where)
    with pytest.raises(UsageError, match="15 d after this machine's clock"):
        accredit("plan", "escalate", *where)
    with pytest.raises(UsageError, match="15 d after this machine's clock"):
        accredit("site", "build", "--out", certified.folder / "site", *where)
    assert "behind the time at which a witness signed" in certified.refused(
        *certified.issue_words()
    )
