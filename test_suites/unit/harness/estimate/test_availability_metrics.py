"""AVL-01 to AVL-03: what checks show of availability, of faults and of failovers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Literal

import pytest
from msgspec import structs

from harness.assess.outcomes import assess
from harness.estimate.availability_metrics import ONE_PLACE
from harness.estimate.estimate import function_of
from harness.estimate.fault_metrics import MOST_APART, TAKEOVER
from harness.estimate.item_selection import Selection
from harness.model.availability import (
    SLOT,
    AvailabilityCheck,
    AvailabilityChecks,
    CheckState,
    Continuity,
    HarmfulPage,
)
from harness.model.campaign import Campaign
from harness.model.metric_spec import spec_of
from harness.model.outcome import Conformity, Measurement, Outcome
from harness.model.scheme import Decision
from harness.model.service_records import ServiceRecords
from harness.model.timed_event import EventNote, TestKind
from harness.schemes.load import find_row
from test_suites.kit.campaigns.memory_fold import MemoryFold

CONFORMS, FAILS, OPEN = Conformity
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
DECLARED = Continuity(in_a_fault="nothing_passes", main="fibre", backup="mobile")
HOSTS = [f"host-{number}.test" for number in range(30)]
Result = Literal["blocked", "open", "no_answer", "undecided"]
USUAL: dict[CheckState, Result] = {
    "filtered": "blocked",
    "unfiltered": "open",
    "down": "no_answer",
    "unknown": "undecided",
}


def check(
    place: int,
    seconds: float,
    state: CheckState = "filtered",
    *,
    line: str = "north",
    result: Result | None = None,
    note: EventNote | None = None,
) -> AvailabilityCheck:
    started = NOON + timedelta(seconds=seconds)
    return AvailabilityCheck(
        run=1,
        number=place,
        line=line,
        profile="pupils",
        started=started,
        ended=started + timedelta(seconds=0.1),
        state=state,
        harmful=(HarmfulPage(HOSTS[place % len(HOSTS)], result or USUAL[state]),),
        note=note,
    )


def month(
    states: dict[int, CheckState] | None = None, checks: int = 3000
) -> list[AvailabilityCheck]:
    """Checks at a random moment of each half minute; some show another state."""
    chance, other = Random(1), states or {}
    return [
        check(place, 30 * (place + chance.random()), other.get(place, "filtered"))
        for place in range(checks)
    ]


def outcome(
    requirement: str,
    checks: Iterable[AvailabilityCheck],
    declared: Continuity = DECLARED,
    *,
    beside: Sequence[AvailabilityCheck] | None = None,
    site: str = "south",
    **changes: Any,
) -> Outcome:
    """The outcome of a requirement on the line ``north``; other lines were checked as well."""
    row = find_row(requirement)
    assert row is not None
    row = row.model_copy(update=changes)
    own = list(checks)
    other = [structs.replace(one, line="south") for one in own] if beside is None else beside
    campaign = Campaign.model_validate(
        {
            "campaign": "availability",
            "service": {"name": "Filter", "continuity": declared},
            "lines": (
                {"name": "north", "type": "explicit_proxy", "site": "north"},
                {"name": "south", "type": "explicit_proxy", "site": site},
            ),
            "profiles": {"pupils": {"phase": "ks2"}},
            "corpora": ({"pack": "canary"},),
        }
    )
    records = ServiceRecords(availability=AvailabilityChecks.of_checks([*own, *other]))
    selection = Selection(
        requirement=row,
        results=(),
        alpha=0.05,
        verdict_counts=MemoryFold(()),
        line="north",
        profile="pupils",
        records=records.of("north", "pupils"),
        campaign=campaign,
    )
    measured = function_of(spec_of(row.measure.metric))(selection)
    measurement = Measurement(
        requirement=row,
        profile="pupils",
        line="north",
        metric=measured.metric,
        witnesses=measured.witnesses,
        barred=measured.barred,
    )
    (found,) = assess([measurement], Decision())
    return found


# AVL-01


def test_three_thousand_checks_without_an_outage_conform() -> None:
    found = outcome("AVL-01", month())

    assert found.conformity is CONFORMS, found.reasons
    assert found.metric.value == 1.0
    assert found.metric.lower is not None
    assert 0.999 <= found.metric.lower < 1


def in_part(lost: dict[int, int], checks: int = 3000, every: float = 30) -> Outcome:
    """The outcome of checks, some of which lost a number of their three pages."""
    chance, made = Random(1), []
    for place in range(checks):
        state: CheckState = "partial" if place in lost else "filtered"
        one = check(place, every * (place + chance.random()), state, result="blocked")
        made.append(structs.replace(one, came=3 - lost.get(place, 0), asked=3))
    return outcome("AVL-01", made)


def test_checks_in_slots_of_a_minute_can_conform() -> None:
    """Two moments of slots that follow each other are up to two minutes apart."""
    assert CONFORMS is in_part({}, every=SLOT).conformity


def test_a_page_that_is_lost_now_and_then_is_no_outage() -> None:
    found = in_part(dict.fromkeys(range(0, 20_000, 2000), 1), checks=20_000)

    assert found.conformity is CONFORMS, found.reasons
    assert (found.metric.k, found.metric.n) == (19_996, 20_000)
    assert "59,990 of 60,000 ordinary pages came within 5 s" in found.metric.method


@pytest.mark.parametrize(("lost", "every"), [(2, 1), (1, 1), (1, 30)])
def test_lost_pages_count_by_their_share(lost: int, every: int) -> None:
    found = in_part(dict.fromkeys(range(0, 3000, every), lost))

    assert found.conformity is FAILS, found.reasons
    assert found.metric.value == pytest.approx(1 - lost / 3 / every)
    assert found.witnesses


def test_fewer_checks_do_not_show_the_share() -> None:
    found = outcome("AVL-01", month(checks=2900), n_min=1)

    assert found.conformity is OPEN
    assert found.leaning == "pass"
    assert found.metric.lower is not None
    assert 0.998 < found.metric.lower < 0.999


def test_one_short_outage_in_a_week_conforms() -> None:
    down: dict[int, CheckState] = dict.fromkeys(range(5000, 5010), "down")
    found = outcome("AVL-01", month(down, checks=20_000))

    assert found.conformity is CONFORMS, found.reasons
    assert len(found.witnesses) == 1


@pytest.mark.parametrize("state", ["down", "unfiltered"])
def test_an_hour_in_a_day_does_not_conform(state: CheckState) -> None:
    found = outcome("AVL-01", month(dict.fromkeys(range(1000, 1120), state)))

    assert found.conformity is FAILS
    assert found.metric.upper is not None
    assert found.metric.upper < 0.97
    assert found.witnesses[0].saw[0].startswith(f"{state} for 3")


def test_many_short_outages_between_checks_do_not_conform() -> None:
    """Each is seen by one check, so that the log alone knows no least length."""
    isolated: dict[int, CheckState] = dict.fromkeys(range(10, 2900, 40), "down")

    found = outcome("AVL-01", month(isolated))

    assert found.conformity is FAILS
    assert (found.metric.upper or 1) < 0.999


def test_unknown_time_counts_for_and_against() -> None:
    found = outcome("AVL-01", month(dict.fromkeys(range(1000, 1010), "unknown")))

    assert found.conformity is OPEN
    assert found.metric.value == 1.0
    assert found.metric.lower is not None
    assert found.metric.lower < 0.998
    assert found.metric.upper == 1.0
    assert "unknown time" in found.metric.method
    assert found.metric.method.endswith("0.353 %")


def test_announced_maintenance_is_left_out_and_named() -> None:
    window = {
        "begins": NOON + timedelta(seconds=30_000),
        "ends": NOON + timedelta(seconds=33_600),
    }
    declared = Continuity.model_validate({"maintenance": [window]})
    down = month(dict.fromkeys(range(1000, 1120), "down"), checks=3200)

    found = outcome("AVL-01", down, declared)

    assert found.conformity is CONFORMS, found.reasons
    assert found.metric.method.endswith("left out as maintenance: 60 minutes")
    assert found.metric.n == 3080


def test_the_other_line_must_be_at_another_site_at_the_same_time() -> None:
    assert ONE_PLACE in outcome("AVL-01", month(), beside=[]).reasons
    assert ONE_PLACE in outcome("AVL-01", month(), site="north").reasons
    early = [check(place, 30 * place, line="south") for place in range(1000)]
    assert ONE_PLACE in outcome("AVL-01", month(), beside=early).reasons


@pytest.mark.parametrize(
    ("tried", "blocked", "needed"), [(30, 1, 20), (30, 19, 20), (30, 20, 0), (60, 29, 30)]
)
def test_a_filter_that_blocks_few_hosts_is_not_shown_to_work(
    tried: int, blocked: int, needed: int
) -> None:
    """One of them is blocked in each check, beside one of all the others that came."""
    checks = [
        structs.replace(
            one,
            harmful=(
                HarmfulPage(f"host-{blocked + place % (tried - blocked)}.test", "open"),
                HarmfulPage(f"host-{place % blocked}.test", "blocked"),
            ),
        )
        for place, one in enumerate(month())
    ]

    found = outcome("AVL-01", checks)

    said = f"of {tried} hosts that must be blocked, only {blocked} were seen blocked at least once"
    assert [each for each in found.reasons if said in each and f"least {needed} are" in each] == (
        list(found.reasons) if needed else []
    )
    assert found.conformity is (OPEN if needed else CONFORMS)


def test_a_service_that_never_filters_does_not_conform() -> None:
    found = outcome("AVL-01", month(dict.fromkeys(range(3000), "unfiltered")))

    assert found.conformity is FAILS, found.reasons


def test_the_longest_outages_are_named_by_time() -> None:
    states: dict[int, CheckState] = {}
    for outage in range(25):
        length = 2 + outage
        states |= dict.fromkeys(range(100 * outage + 10, 100 * outage + 10 + length), "down")

    named = outcome("AVL-01", month(states)).witnesses

    assert len(named) == 20
    assert [one.value for one in named] == sorted(one.value for one in named)
    assert named[-1].saw[0].startswith("down for 7")


# AVL-03 and AVL-02


def fault(
    *states: CheckState,
    kind: TestKind = "fault",
    every: float = 1.0,
    before: int = 30,
    results: dict[int, Result] | None = None,
) -> list[AvailabilityCheck]:
    """A test of a fault: each page is blocked before it; then checks show ``states``."""
    note = EventNote(kind=kind, asks="block", name="cut")
    made = [check(place, every * place, note=note) for place in range(before)]
    at = NOON + timedelta(seconds=every * before - 0.5)
    since = structs.replace(note, at=at)
    for place, state in enumerate(states, before):
        result = (results or {}).get(place - before)
        made.append(check(place, every * place, state, note=since, result=result))
    return made


def several(state: CheckState, checks: int) -> tuple[CheckState, ...]:
    return (state,) * checks


WELL = several("down", 5) + several("filtered", 30)


def test_nothing_that_passes_in_a_fault_conforms() -> None:
    found = outcome("AVL-03", fault(*WELL))

    assert found.conformity is CONFORMS, found.reasons
    assert (found.metric.k, found.metric.n) == (0, 35)


def test_one_page_that_came_in_a_fault_does_not_conform() -> None:
    found = outcome("AVL-03", fault(*WELL, results={3: "open"}))

    assert found.conformity is FAILS
    assert found.metric.k == 1
    assert found.witnesses[0].saw[0].startswith("cut: the page came 3.5 s after the fault")


@pytest.mark.parametrize(
    ("checks", "said"),
    [
        (fault(*several("filtered", 30)), "cut: no check shows an effect of the fault"),
        (
            fault("unknown", *several("filtered", 30), results={0: "no_answer"}),
            "cut: no check shows an effect of the fault",
        ),
        (fault(*several("down", 30)), "cut: the service did not work again"),
        (fault(), "cut: it was stopped before the fault"),
        (fault(*WELL, before=5), "cut: 5 harmful pages were blocked before the fault"),
        (fault("down", *several("filtered", 4)), "cut: 5 harmful pages were tried since the fault"),
        (fault(*WELL, every=MOST_APART + 1), "cut: checks were up to 16 s apart"),
        ([], "no fault was caused while the service was checked"),
        (fault(*WELL, kind="failover"), "no fault was caused while the service was checked"),
    ],
)
def test_a_fault_that_shows_too_little(checks: list[AvailabilityCheck], said: str) -> None:
    found = outcome("AVL-03", checks)

    assert found.conformity is OPEN
    assert any(said in each for each in found.reasons), found.reasons


def test_a_page_that_cannot_be_decided_forbids_conformity() -> None:
    found = outcome("AVL-03", fault(*WELL, results={3: "undecided"}))

    assert found.conformity is OPEN
    assert found.metric.indeterminate == 1


def test_a_page_that_was_open_before_is_no_leak() -> None:
    checks = fault(*WELL, results={0: "open"})
    checks[0] = structs.replace(checks[0], harmful=(HarmfulPage(HOSTS[0], "open"),))

    assert outcome("AVL-03", checks).metric.k == 0


def test_what_happens_in_a_fault_has_to_be_declared() -> None:
    found = outcome("AVL-03", fault(*WELL), Continuity())

    assert found.conformity is OPEN
    assert any("service.continuity.in_a_fault" in each for each in found.reasons)


def failover(down: int, *, every: float = 1.0) -> list[AvailabilityCheck]:
    states = several("down", down) + several("filtered", 30)
    return fault(*states, kind="failover", every=every)


def test_a_backup_line_in_time_conforms() -> None:
    found = outcome("AVL-02", failover(40))

    assert found.conformity is CONFORMS, found.reasons
    assert "no pages came for 39 s to 41 s" in found.metric.method


def test_a_backup_line_that_takes_longer_does_not_conform() -> None:
    found = outcome("AVL-02", failover(int(TAKEOVER) + 3))

    assert found.conformity is FAILS
    assert [part.metric.k for part in found.metric.parts] == [0, 1, 0]


def test_time_in_which_nothing_is_known_does_not_make_a_failover_late() -> None:
    states = several("unknown", 40) + several("down", 30) + several("filtered", 30)

    found = outcome("AVL-02", fault(*states, kind="failover"))

    assert found.conformity is OPEN
    assert [part.metric.k for part in found.metric.parts] == [0, 0, 0]


def test_a_failover_between_two_checks_around_the_limit_is_undecided() -> None:
    found = outcome("AVL-02", failover(6, every=11))

    assert found.conformity is OPEN
    assert found.metric.indeterminate == 1


def test_a_backup_connection_of_the_same_type_does_not_conform() -> None:
    same = Continuity(main="Fibre", backup=" fibre")

    found = outcome("AVL-02", failover(5), same)

    assert found.conformity is FAILS
    assert [part.metric.k for part in found.metric.parts] == [0, 0, 1]


def test_without_a_failover_the_types_alone_show_nothing() -> None:
    found = outcome("AVL-02", [], Continuity(main="fibre", backup="fibre"))

    assert found.conformity is OPEN
