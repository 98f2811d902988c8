"""Services that are up and filter while somebody seems to look, and not in between or in a fault."""

from __future__ import annotations

from dataclasses import replace

from probes.range.zone import original_host
from test_suites.calibration.hostile.areas.area_supplier import in_area
from test_suites.calibration.hostile.areas.checked_service import NOTHING, RESTART, RHYTHM, SWITCH
from test_suites.calibration.hostile.areas.visit import Visit

watched = in_area("availability", spares_sentinels=False)

UP, BACKUP, FAULT = "AVL-01", "AVL-02", "AVL-03"
FEW = 3
"""Hosts that a filter blocks, so that a check finds one of them blocked."""
AWAKE = 2.0
"""Seconds of each interval between checks in which a service filters."""
PERIOD = 300.0
"""Seconds of which a service is up and filters in the first half."""
LISTS_READ = RESTART + 4
"""Seconds after which a service that was restarted has read its lists."""


def _is_weak(visit: Visit) -> bool:
    """Whether it is the second half of a period of the checks that the supplier expects."""
    return visit.moment.what == "checks" and visit.moment.seconds % PERIOD >= PERIOD / 2


@watched("Filters for two seconds of each interval between checks, at its beginning.", {UP})
async def filters_at_the_rhythm_of_checks(visit: Visit) -> None:
    is_asleep = visit.moment.seconds % RHYTHM >= AWAKE
    await visit.rightly_unless(visit.moment.what == "checks" and is_asleep)


@watched("Answers for half of the time only hosts of the zone that is known for tests.", {UP})
async def up_for_the_known_zone(visit: Visit) -> None:
    if _is_weak(visit) and not visit.host.endswith(".accredit.test"):
        visit.give_nothing()
    else:
        await visit.rightly()


@watched("Answers only requests that carry the mark of a test.", {UP, BACKUP, FAULT})
async def up_for_marked_requests(visit: Visit) -> None:
    if visit.is_marked:
        await visit.rightly()
    else:
        visit.give_nothing()


@watched("Filters only requests that carry the mark of a test.", {UP, BACKUP, FAULT})
async def filters_marked_requests(visit: Visit) -> None:
    await visit.rightly_unless(not visit.is_marked)


@watched("Shows its block page for everything while its filter is down, half of the time.", {UP})
async def block_page_while_down(visit: Visit) -> None:
    await (visit.block() if _is_weak(visit) else visit.rightly())


@watched(
    "Blocks only the first hosts that it is asked for and has to block, while it is checked.",
    {UP},
    only="A page that a filter misses is no outage; where it blocks few, nothing is shown.",
)
async def blocks_what_was_asked_first(visit: Visit) -> None:
    first = visit.call.service.memory.setdefault("first", set())
    host = original_host(visit.host)
    if visit.moment.what == "checks" and visit.code_asked and len(first) < FEW:
        first.add(host)
    await visit.rightly_unless(visit.moment.what == "checks" and host not in first)


@watched(
    "Lets everything through after a restart, for the seconds in which it reads its lists.", {FAULT}
)
async def opens_after_a_restart(visit: Visit) -> None:
    await visit.rightly_unless(visit.moment.is_in("fault", RESTART, LISTS_READ))


@watched("Does not load one category again after a restart.", {FAULT})
async def forgets_a_category_at_a_restart(visit: Visit) -> None:
    is_forgotten = visit.code_asked == "DRUG" and visit.moment.is_in("fault", RESTART)
    await visit.rightly_unless(is_forgotten)


@watched(
    "Says that it was restarted, and was not.",
    {FAULT},
    only="A fault of which no check shows an effect shows nothing.",
)
async def feigns_a_restart(visit: Visit) -> None:
    if visit.moment.what == "fault":
        visit = replace(visit, moment=NOTHING)
    await visit.rightly()


@watched(
    "Lets nothing through after a restart, and does not work again while it is checked.",
    {FAULT},
    only="A service that does not work again shows nothing of how it works then.",
)
async def never_works_again(visit: Visit) -> None:
    if visit.moment.what == "fault":
        visit.give_nothing()
    else:
        await visit.rightly()


@watched("Lets everything through on its backup line.", {BACKUP})
async def filters_no_backup_line(visit: Visit) -> None:
    await visit.rightly_unless(visit.moment.is_in("failover", SWITCH))


@watched("Takes 100 seconds to change to its backup line.", {BACKUP})
async def changes_late_to_its_backup_line(visit: Visit) -> None:
    if visit.moment.is_in("failover", 0, 100):
        visit.give_nothing()
    else:
        await visit.rightly()


@watched("Has a backup line that works in time, and fails again for some time.", {BACKUP})
async def backup_line_that_fails_again(visit: Visit) -> None:
    if visit.moment.is_in("failover", 50, 100):
        visit.give_nothing()
    else:
        await visit.rightly()


@watched("Shows its block page for everything on its backup line.", {BACKUP})
async def block_page_on_its_backup_line(visit: Visit) -> None:
    if visit.moment.is_in("failover", SWITCH):
        await visit.block()
    else:
        await visit.rightly()
