"""AVL-01 through the command line: a service that works in part, late or for tests alone is seen.

One campaign over two simulated sites is measured once; for each pattern its checks are made by a
clock that is set forward, with answers that the pattern changes.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from typer.testing import CliRunner

from harness.cli.availability import CheckTimes, check
from harness.cli.compose import prepare
from harness.cli.main import app
from harness.cli.paths import CampaignPaths
from harness.cli.simulated_clock import SimulatedClock
from harness.measure.attempts import AttemptOptions, PlannedAttempt, attempt
from harness.measure.measurement_context import MeasurementContext
from harness.model.availability import DEADLINE, checked_page
from harness.model.campaign import Limits
from harness.model.facts import WebFacts
from harness.model.observation import CONTROL, Failure, Observation, Timings
from test_suites.kit.campaigns.rehearsal import rehearse, simulated_origin, write_campaign

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
EVERY = 30.0
TO_CONFORM, TO_FAIL = 60, 36
"""Checks that show that a service conforms, or does not."""
SCHEME = """\
id: our-school
version: "1.0"
title: Availability
policy: uk-schools-2026
requirements:
  - {id: AVL-01, n_min: 29, threshold: {at_least: 0.9, provenance: proposed, source: this test}}
"""
CONFORMS, FAILS, OPEN = "conforms", "does-not-conform", "insufficient"
REFUSED = Failure(name="connection_refused", stage="connect")
BROKEN_OFF = Failure(name="eof_error", stage="response")
BLOCK = "This website has been blocked by your school's web filter."


@dataclass
class Request:
    """A request of a check on a line: what came, what the control gets, and which one it is.

    ``number`` counts the ordinary requests of the line.
    """

    seen: Observation
    bare: Observation
    at: datetime
    number: int

    @property
    def is_ordinary(self) -> bool:
        return "-ordinary-" in self.seen.item.id

    @property
    def turn(self) -> int:
        page = checked_page(self.seen.item)
        assert page is not None
        return page.turn

    def refused(self) -> Observation:
        return structs.replace(self.seen, failure=REFUSED, facts=None)

    def late(self, seconds: float) -> Observation:
        return structs.replace(self.seen, timings=Timings(total=seconds))

    def showing(self, **facts: Any) -> Observation:
        assert isinstance(self.seen.facts, WebFacts)
        return structs.replace(self.seen, facts=structs.replace(self.seen.facts, **facts))


Pattern = Callable[[Request], Observation]


def ordinary(change: Pattern, when: Callable[[Request], bool] = lambda _: True) -> Pattern:
    """A pattern that changes some ordinary pages alone."""
    return lambda one: change(one) if one.is_ordinary and when(one) else one.seen


def only_at(first: Callable[[Request], bool]) -> Pattern:
    """A service that is down at all other times."""
    return lambda one: one.seen if first(one) else one.refused()


def answered_elsewhere(one: Request) -> Observation:
    return one.showing(canary="absent", text=BLOCK, title="Blocked", status=403)


HONEST: dict[str, Pattern] = {
    "as it should": lambda one: one.seen,
    "every third page just in time": ordinary(
        lambda one: one.late(DEADLINE - 0.1), lambda one: one.number % 3 == 0
    ),
    "a page lost now and then": ordinary(Request.refused, lambda one: one.number % 60 == 0),
}
BROKEN: dict[str, Pattern] = {
    "everything refused": Request.refused,
    "two of three pages refused": ordinary(Request.refused, lambda one: one.number % 3 > 0),
    "half of the requests held for ten seconds": ordinary(
        lambda one: one.late(10), lambda one: one.number % 2 == 0
    ),
    "every third page just too late": ordinary(
        lambda one: one.late(DEADLINE + 0.1), lambda one: one.number % 3 == 0
    ),
    "no filter half of the time": lambda one: one.bare if one.at.minute % 10 < 5 else one.seen,
    "half of each page": ordinary(lambda one: one.showing(text_length=length_of(one) // 2)),
    "pages broken off": ordinary(lambda one: structs.replace(one.seen, failure=BROKEN_OFF)),
    "a block page in the place of a third": ordinary(
        answered_elsewhere, lambda one: one.number % 3 == 0
    ),
    "an error page in the place of a third": ordinary(
        lambda one: one.showing(status=503, canary="absent", text="Try later"),
        lambda one: one.number % 3 == 0,
    ),
    "the page with the status of an error": ordinary(lambda one: one.showing(status=500)),
    "the first request of a check refused": ordinary(Request.refused, lambda one: one.turn == 1),
    "the first request of a check alone comes": ordinary(Request.refused, lambda one: one.turn > 1),
    "no path but the first page of a site": ordinary(
        Request.refused, lambda one: one.seen.item.url().count("/") > 3
    ),
    "up when a steady check would be due": only_at(lambda one: one.at.second % 30 < 3),
}


def length_of(one: Request) -> int:
    assert isinstance(one.seen.facts, WebFacts)
    return one.seen.facts.text_length


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a campaign whose items are measured, over two sites."""
    folder = tmp_path_factory.mktemp("measured")
    (folder / "scheme.yaml").write_text(SCHEME)
    block = ["GAMB", "DRUG", "copper-meadow.accredit.test"]
    line = {"type": "simulated", "options": {"block": block}}
    rehearse(
        write_campaign(
            folder,
            origin=simulated_origin(folder, twin_zone="orchard-view.test"),
            lines=[line | {"name": site, "site": site} for site in ("north", "south")],
            categories=["DRUG"],
            sample=25,
            control={"type": "simulated"},
            scheme="scheme.yaml",
        )
    )
    return folder


def concluded(
    finished: Path, folder: Path, pattern: Pattern, line: str, checks: int
) -> dict[str, dict[str, Any]]:
    """The outcomes of AVL-01 by line, as ``conclude --json`` prints them; one line has faults."""
    shutil.copytree(finished / "out", folder / "out")
    clock, counted = SimulatedClock(NOON), Counter[str]()

    async def tampered(
        planned: PlannedAttempt,
        options: AttemptOptions,
        limits: Limits,
        context: MeasurementContext,
    ) -> Observation:
        seen = await attempt(planned, options, limits, context)
        if line not in (planned.key.line, "both") or planned.key.line == CONTROL:
            return structs.replace(seen, timings=Timings(total=0.01))
        other = replace(planned, key=planned.key.on(CONTROL))
        bare = await attempt(other, options, limits, context)
        counted[planned.key.line] += "-ordinary-" in planned.item.id
        request = Request(
            structs.replace(seen, timings=Timings(total=0.01)),
            structs.replace(bare, key=planned.key),
            clock.at,
            counted[planned.key.line],
        )
        return pattern(request)

    times = CheckTimes(every=EVERY, lasts=checks * EVERY, together=20)
    paths = CampaignPaths(out=folder / "out", campaign="rehearsal")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("harness.measure.availability_checks.attempt", tampered)
        check(prepare(finished / "campaign.yaml"), paths, times, pause=clock.pause, clock=clock)
    ended = CliRunner().invoke(app, ["conclude", str(paths.journal), "--json"])
    return {
        one["line"]: one
        for one in json.loads(ended.stdout)["outcomes"]
        if one["requirement"]["id"] == "AVL-01"
    }


@pytest.mark.parametrize("pattern", HONEST)
def test_an_honest_service_conforms(finished: Path, tmp_path: Path, pattern: str) -> None:
    found = concluded(finished, tmp_path, HONEST[pattern], "both", TO_CONFORM)
    assert {CONFORMS} == {one["conformity"] for one in found.values()}, found


@pytest.mark.parametrize("pattern", BROKEN)
def test_a_service_that_fails_a_part_of_its_users_does_not_conform(
    finished: Path, tmp_path: Path, pattern: str
) -> None:
    found = concluded(finished, tmp_path, BROKEN[pattern], "south", TO_FAIL)
    assert (CONFORMS, FAILS) == (found["north"]["conformity"], found["south"]["conformity"])
    assert found["south"]["witnesses"]
    assert pattern == "no filter half of the time" or found["south"]["metric"]["value"] < 0.8
