"""Services that filter rightly and whose alerts only seem to be in order."""

from __future__ import annotations

from collections.abc import Iterable

from harness.model.received_alert import ReceivedAlert
from test_suites.calibration.hostile.areas.area_supplier import in_area
from test_suites.calibration.hostile.areas.told_alerts import alert, code_in, tell_rightly
from test_suites.calibration.hostile.areas.visit import Visit

tell = in_area("alerting")

RECALL, DELAY, FALSE, CELLS = "ALR-01", "ALR-02", "ALR-03", "ALR-06"
WELSH = ("lluniau", "gyfnewid", "sylwi", "eisiau", "ymladdwyr", "haeddu", "hidlydd", "dirprwy")


def _if(visit: Visit, is_told: bool) -> Iterable[ReceivedAlert]:
    return tell_rightly(visit) if is_told else ()


@tell(
    "Sends no alerts about attempts to bypass the filter.",
    {RECALL, CELLS},
    tell=lambda visit: _if(visit, code_in(visit) != "MALW-BYPASS"),
)
async def tells_of_no_bypass(visit: Visit) -> None:
    await visit.rightly()


@tell(
    "Understands no Welsh.",
    {CELLS},
    by_chance=frozenset({RECALL, DELAY}),
    tell=lambda visit: _if(visit, not any(word in visit.path for word in WELSH)),
)
async def understands_no_welsh(visit: Visit) -> None:
    await visit.rightly()


@tell(
    "Sends no alerts about what is asked for on phones.",
    {RECALL, CELLS},
    by_chance=frozenset({DELAY}),
    tell=lambda visit: _if(visit, "Mobile" not in visit.request.headers.get("user-agent", "")),
)
async def overlooks_phones(visit: Visit) -> None:
    await visit.rightly()


@tell(
    "Sends an alert about every search.",
    {FALSE},
    tell=lambda visit: (alert(visit),) if "search?q=" in visit.path else (),
)
async def tells_of_every_search(visit: Visit) -> None:
    await visit.rightly()


@tell(
    "Sends its alerts to somebody else.",
    {DELAY},
    tell=lambda visit: (alert(visit, to="sales@filter.example"),) if code_in(visit) else (),
)
async def tells_somebody_else(visit: Visit) -> None:
    await visit.rightly()


@tell(
    "Calls no alert urgent.",
    {DELAY},
    tell=lambda visit: (alert(visit, urgent=False),) if code_in(visit) else (),
)
async def calls_nothing_urgent(visit: Visit) -> None:
    await visit.rightly()


@tell(
    "Sends its alerts once a day, all together.",
    {DELAY},
    tell=lambda visit: (alert(visit, later=7200),) if code_in(visit) else (),
)
async def tells_once_a_day(visit: Visit) -> None:
    await visit.rightly()
