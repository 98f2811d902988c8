"""Crossover campaigns over two sockets, one of them filtered, whose cables are swapped.

The two network cards are two addresses of loopback. A name server forwards queries to that of the
test range, and denies names to the source address that is filtered.
"""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingUDPServer
from typing import Any

import dns.message
import dns.rcode
import pytest
from rich.console import Console

from harness.cli.compose import prepare
from harness.cli.doctor import campaign_checks
from harness.cli.paths import CampaignPaths
from harness.cli.registry_facts import open_plans
from harness.cli.registry_session import open_session
from harness.cli.retest import retest_plan
from harness.errors import UnfinishedError, UsageError
from harness.model.action_plan import PlanState, Retest, RetestResult
from harness.model.event import FixClaimed, PlanAgreed, PlanProgressed
from harness.model.outcome import Conformity
from harness.model.verdict import BRACKET_FAILED, State
from harness.ports.storage import WallClock
from harness.store.journal.journal import open_journal
from probes.range.testbed import RangeTestbed
from test_suites.kit.campaigns.rehearsal import Rehearsal, read_rehearsal, rehearse, write_campaign

FIRST, SECOND = "127.0.0.5", "127.0.0.6"
DENIED = ("drug-", "copper-meadow")
DRUGS = 30


class Wall(ThreadingUDPServer):
    """A name server for two cards; the card with the address ``filtered`` is filtered."""

    block_on_close = True

    def __init__(self, resolver: str) -> None:
        super().__init__(("127.0.0.1", 0), _Asked)
        host, _, port = resolver.rpartition(":")
        self.beyond = (host, int(port))
        self.filtered = FIRST
        self.denied: tuple[str, ...] = DENIED

    @property
    def resolver(self) -> str:
        """The address of the name server."""
        return f"127.0.0.1:{self.server_address[1]}"


class _Asked(BaseRequestHandler):
    server: Wall

    def handle(self) -> None:
        packet, sock = self.request
        query = dns.message.from_wire(packet)
        name = query.question[0].name.to_text()
        is_denied = name.startswith(self.server.denied) and ".twin." not in name
        if is_denied and self.client_address[0] == self.server.filtered:
            reply = dns.message.make_response(query)
            reply.set_rcode(dns.rcode.NXDOMAIN)
            sock.sendto(reply.to_wire(), self.client_address)
            return
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as onward:
            onward.settimeout(5)
            onward.sendto(packet, self.server.beyond)
            sock.sendto(onward.recv(65535), self.client_address)


@pytest.fixture
def wall(world: RangeTestbed) -> Iterator[Wall]:
    with Wall(world.origin.resolver) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def campaign(wall: Wall, origin_file: Path, tmp_path: Path) -> Path:
    """A crossover of two rounds over both cards."""

    def leaving_by(address: str) -> dict[str, Any]:
        options = {"address": address, "resolver": wall.resolver}
        return {"type": "interface", "options": options}

    return write_campaign(
        tmp_path / "run",
        origin=origin_file,
        lines=[{"name": "classroom"} | leaving_by(FIRST)],
        control=leaving_by(SECOND),
        categories=["DRUG"],
        sample=DRUGS,
        limits={"timeout": 3.0, "confirmation_timeout": 6.0, "concurrency": 20},
        rounds=2,
        crossover=True,
    )


def measure_half(campaign: Path) -> Path:
    """Measure the rounds before the swap; gives the journal."""
    with pytest.raises(UnfinishedError, match="swap the two cables"):
        rehearse(campaign)
    return campaign.parent / "out" / "rehearsal" / "journal"


def drugs(run: Rehearsal) -> tuple[Conformity, int, int]:
    """The outcome and counts of the category that is filtered."""
    outcome = run.outcome("URL-04", "classroom")
    return outcome.conformity, outcome.metric.k, outcome.metric.n


def test_the_second_half_cannot_start_before_the_first_is_complete(campaign: Path) -> None:
    with pytest.raises(UsageError, match="the rounds before the swap are not complete"):
        rehearse(campaign, swapped=True)
    journal = open_journal(campaign.parent / "out" / "rehearsal" / "journal")
    rows = journal.rows
    journal.close()

    assert not rows


def test_doctor_finds_cables_that_were_not_swapped(wall: Wall, campaign: Path) -> None:
    ready = prepare(campaign, swapped=True)

    assert not any(check.holds for check in campaign_checks(ready))
    wall.filtered = SECOND
    assert all(check.holds for check in campaign_checks(prepare(campaign, swapped=True)))


def test_both_halves_together_conform(wall: Wall, campaign: Path) -> None:
    folder = measure_half(campaign)
    wall.filtered = SECOND

    run = rehearse(campaign, swapped=True)

    journal = open_journal(folder)
    left_by = {
        (one.key.round, one.key.line, one.left_by)
        for one in journal.observations()
        if one.role not in ("heartbeat", "retry", "machine")
    }
    journal.close()
    assert {
        (1, "classroom", FIRST), (1, "control", SECOND),
        (2, "classroom", SECOND), (2, "control", FIRST),
    } == left_by  # fmt: skip
    assert (Conformity.CONFORMS, DRUGS, DRUGS) == drugs(run)


def test_the_first_half_alone_is_insufficient(campaign: Path) -> None:
    run = read_rehearsal(measure_half(campaign))
    outcome = run.outcome("URL-04", "classroom")

    assert (Conformity.INSUFFICIENT, DRUGS, DRUGS) == drugs(run)
    assert "the campaign is incomplete" in outcome.reasons[0]
    assert Conformity.CONFORMS not in {each.conformity for each in run.assessment.outcomes}


def test_a_second_half_without_swapped_cables_is_insufficient(campaign: Path) -> None:
    measure_half(campaign)

    run = rehearse(campaign, swapped=True)

    later = [each for each in run.verdicts if each.key.round % 2 == 0]
    assert later
    assert {(State.INSUFFICIENT, BRACKET_FAILED)} == {(one.state, one.rule) for one in later}
    assert (Conformity.INSUFFICIENT, 0) == drugs(run)[:2]
    assert Conformity.CONFORMS not in {each.conformity for each in run.assessment.outcomes}


def test_a_retest_of_a_crossover_has_two_halves(wall: Wall, campaign: Path) -> None:
    wall.denied = ("copper-meadow",)
    measure_half(campaign)
    wall.filtered = SECOND
    run = rehearse(campaign, swapped=True)
    out, at = campaign.parent / "out", WallClock().now()
    places = CampaignPaths(out=out, campaign="rehearsal")
    plan = next(each.id for each in open_plans(run.assessment, places) if each.finding == "F-0001")
    with open_session(places.registry) as book:
        book.advance(
            plan,
            PlanAgreed(
                at=at,
                actor="us",
                plan=plan,
                owner="them",
                corrective_action="mend",
                root_cause="r",
                preventive_action="p",
                containment="c",
            ),
            PlanProgressed(at=at, actor="them", plan=plan, note="mended"),
            FixClaimed(at=at, actor="them", plan=plan, statement="mended"),
        )

    def retest(*, swapped: bool) -> tuple[Retest, PlanState]:
        said = Console(file=io.StringIO())
        return retest_plan(plan, campaign, out, "us", said, swapped=swapped)

    wall.denied = DENIED
    wall.filtered = FIRST
    with pytest.raises(UnfinishedError, match="swap the two cables"):
        retest(swapped=False)
    wall.filtered = SECOND
    concluded, state = retest(swapped=True)

    assert (RetestResult.CONFORMS, PlanState.VERIFIED) == (concluded.outcome, state)
