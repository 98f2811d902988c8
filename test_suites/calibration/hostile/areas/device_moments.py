"""Services that filter a device while nobody changes its network, and not in the moment after."""

from __future__ import annotations

from dataclasses import replace

from probes.range.zone import original_host
from test_suites.calibration.hostile.areas.area_supplier import DEVICES, in_area
from test_suites.calibration.hostile.areas.checked_service import MOVE, NOTHING
from test_suites.calibration.hostile.areas.visit import Visit

moved = in_area(DEVICES, spares_sentinels=False)

MOMENT = "DEV-03"
SHORT = MOVE + 0.5
LONG = MOVE + 2


@moved("Lets everything through for half a second after the network returned.", {MOMENT})
async def opens_for_half_a_second(visit: Visit) -> None:
    await visit.rightly_unless(visit.moment.is_in("network", MOVE, SHORT))


@moved("Lets everything through for half a second, at every second change.", {MOMENT})
async def opens_every_second_time(visit: Visit) -> None:
    is_second = visit.moment.turn % 2 == 0
    await visit.rightly_unless(is_second and visit.moment.is_in("network", MOVE, SHORT))


@moved(
    "Blocks the first host that it has to block after a change, and no other one for two seconds.",
    {MOMENT},
)
async def blocks_the_first_host_alone(visit: Visit) -> None:
    is_open = visit.moment.is_in("network", MOVE, LONG)
    if is_open and visit.code_asked:
        turn = f"first {visit.moment.turn}"
        first = visit.call.service.memory.setdefault(turn, {original_host(visit.host)})
        is_open = original_host(visit.host) not in first
    await visit.rightly_unless(is_open)


@moved("Lets harmful pages through before ordinary ones after a change.", {MOMENT})
async def passes_harmful_pages_first(visit: Visit) -> None:
    if visit.moment.is_in("network", MOVE / 2, MOVE) and visit.code_asked:
        await visit.pass_on()
    else:
        await visit.rightly()


@moved(
    "Hides that its network was changed.",
    {MOMENT},
    only="A moment that was not seen shows nothing.",
)
async def feigns_a_change(visit: Visit) -> None:
    if visit.moment.what == "network":
        visit = replace(visit, moment=NOTHING)
    await visit.rightly()
