"""DEV-03: what checks show of moments at which a device has no network for some time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from harness.assess.outcomes import assess
from harness.estimate.estimate import function_of
from harness.estimate.item_selection import Selection
from harness.estimate.moment_metrics import (
    AWAY,
    FEWEST_CHECKS,
    MOST_APART,
    NOT_TESTED,
    REPEATS,
    moment_tests,
)
from harness.model.availability import (
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
from harness.model.timed_event import MOMENTS, EventNote, Moment
from harness.schemes.load import find_row
from test_suites.kit.campaigns.memory_fold import MemoryFold

CONFORMS, FAILS, OPEN = Conformity
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOSTS = [f"host-{number}.test" for number in range(12)]
BEFORE = 2 * len(HOSTS)
Seen = Literal["filtered", "leak", "away", "leak while away", "ours", "no answer", "undecided"]
SHOWN: dict[Seen, tuple[CheckState, str, str]] = {
    "filtered": ("filtered", "came", "blocked"),
    "leak": ("unfiltered", "came", "open"),
    "away": ("down", "missing", "no_answer"),
    "leak while away": ("unfiltered", "missing", "open"),
    "ours": ("unknown", "unknown", "undecided"),
    "no answer": ("unknown", "came", "no_answer"),
    "undecided": ("unknown", "came", "undecided"),
}
WELL: tuple[Seen, ...] = (*("away",) * 10, *("filtered",) * 150)


def moment(
    *seen: Seen,
    name: Moment = "network",
    run: int = 1,
    every: float = 0.1,
    hosts: Sequence[str] = HOSTS,
    shifts: dict[int, float] | None = None,
) -> list[AvailabilityCheck]:
    """A test: each page is blocked twice before the moment; then checks show what was ``seen``.

    ``shifts`` moves the clock by some seconds from a check on, counted since the moment.
    """
    note = EventNote(kind="moment", asks="block", name=name)
    before = 0 if name == "start" else 2 * len(hosts)
    made, at = [], NOON + timedelta(hours=run)
    shown: list[Seen] = ["filtered"] * before
    for place, one in enumerate([*shown, *seen]):
        at += timedelta(seconds=every + (shifts or {}).get(place - before, 0.0))
        is_since = place >= before
        state, ordinary, result = SHOWN[one]
        made.append(
            AvailabilityCheck(
                run=run,
                number=place + 1,
                line="laptop",
                profile="pupils",
                started=at,
                ended=at,
                state=state,
                ordinary=ordinary,  # type: ignore[arg-type]  # from the table above
                harmful=(HarmfulPage(hosts[place % len(hosts)], result),),  # type: ignore[arg-type]
                note=structs.replace(note, at=at) if is_since else note,
            )
        )
    return made


def outcome(*tests: list[AvailabilityCheck], declared: Continuity | None = None) -> Outcome:
    """The outcome of DEV-03 for these tests."""
    row = find_row("DEV-03")
    assert row is not None
    campaign = Campaign.model_validate(
        {
            "campaign": "devices",
            "service": {"name": "Filter", "continuity": declared},
            "lines": ({"name": "laptop", "type": "interface"},),
            "profiles": {"pupils": {"phase": "ks2"}},
            "corpora": ({"pack": "canary"},),
        }
    )
    checks = AvailabilityChecks.of_checks(one for test in tests for one in test)
    records = ServiceRecords(availability=checks)
    selection = Selection(
        requirement=row,
        results=(),
        alpha=0.05,
        verdict_counts=MemoryFold(()),
        line="laptop",
        profile="pupils",
        records=records.of("laptop", "pupils"),
        campaign=campaign,
    )
    measured = function_of(spec_of(row.measure.metric))(selection)
    measurement = Measurement(
        requirement=row,
        profile="pupils",
        line="laptop",
        metric=measured.metric,
        witnesses=measured.witnesses,
        barred=measured.barred,
    )
    (found,) = assess([measurement], Decision())
    return found


def all_but(*left_out: Moment, last: list[AvailabilityCheck] | None = None) -> Outcome:
    """The outcome if each moment was tested twice but some, and then once more with ``last``."""
    names = [name for name in MOMENTS if name not in left_out for _ in range(REPEATS)]
    tests = [moment(*WELL, name=name, run=run) for run, name in enumerate(names, 1)]
    return outcome(*tests, *([] if last is None else [last]))


def test_nothing_that_passes_at_any_moment_conforms() -> None:
    found = all_but()

    assert found.conformity is CONFORMS, found.reasons
    assert (found.metric.k, found.metric.n) == (0, 150 * 8)


@pytest.mark.parametrize("left_out", MOMENTS)
def test_each_moment_has_to_be_tested_and_what_is_missing_is_named(left_out: Moment) -> None:
    found = all_but(left_out)

    assert found.conformity is OPEN
    assert f"each moment has to be tested 2 times; {left_out}: 0 of 2 tests" in found.reasons


def test_one_test_of_a_moment_is_not_enough() -> None:
    found = all_but("resume", last=moment(*WELL, name="resume", run=20))

    assert any("resume: 1 of 2 tests" in each for each in found.reasons), found.reasons


@pytest.mark.parametrize("left_out", MOMENTS)
def test_one_page_at_one_moment_does_not_conform_whatever_else_is_missing(
    left_out: Moment,
) -> None:
    rest: tuple[Seen, ...] = ("filtered",) * 20
    found = outcome(moment(*WELL[:10], "leak", *rest, name=left_out, hosts=HOSTS[:3]))

    assert found.conformity is FAILS
    assert found.metric.k == 1
    (witness,) = found.witnesses
    assert witness.value in HOSTS
    assert witness.saw[0].startswith(f"{left_out}: the page came 0.0 s after the network returned")


def test_a_page_that_comes_while_no_ordinary_one_does_is_a_leak() -> None:
    seen: tuple[Seen, ...] = ("away",) * 10 + ("leak while away",) + ("away",) * 3
    found = all_but(last=moment(*seen, *("filtered",) * 150, run=20))

    assert found.conformity is FAILS
    assert (
        "0.4 s before the network returned, while no ordinary page came"
        in (found.witnesses[0].saw[0])
    )


def test_a_page_that_comes_before_the_network_went_away_is_a_leak() -> None:
    found = outcome(moment("leak", *("filtered",) * 50))

    assert found.conformity is FAILS
    assert "the network was not seen to go and return" in found.witnesses[0].saw[0]


def test_pages_that_are_never_blocked_are_no_leaks() -> None:
    checks = moment(*WELL)
    never = [
        structs.replace(one, harmful=(HarmfulPage("missed.test", "open"),), state="unfiltered")
        if place % 5 == 0
        else one
        for place, one in enumerate(checks)
    ]

    assert outcome(never).metric.k == 0


@pytest.mark.parametrize(
    ("lost", "without"),
    [
        pytest.param({30}, set[int](), id="once"),
        pytest.param({30, 34}, {31, 33}, id="beside checks without an ordinary page"),
    ],
)
def test_a_page_that_was_lost_was_not_blocked(lost: set[int], without: set[int]) -> None:
    """It is never blocked; some attempts timed out, alone or while the network went away."""
    checks = [
        structs.replace(
            one,
            harmful=(HarmfulPage("missed.test", "blocked" if place in lost else "open"),),
            ordinary="missing" if place in without else one.ordinary,
        )
        for place, one in enumerate(moment(*("filtered",) * 60))
    ]

    assert outcome(checks).metric.k == 0


def test_what_did_not_come_without_a_network_is_not_counted() -> None:
    (test,) = moment_tests(moment(*("away",) * 100, *("filtered",) * 150))
    found = all_but("network", last=moment(*("away",) * 100, *("filtered",) * 150, run=20))

    assert test.objection == ""
    assert found.metric.n == 150 * 7


@pytest.mark.parametrize(
    ("checks", "said"),
    [
        (moment(), "it was stopped before the moment"),
        (moment(*WELL, hosts=HOSTS[:9]), "9 harmful pages were seen blocked; 10 are needed"),
        (moment(*("filtered",) * 150), "ordinary pages came all the time"),
        (moment(*WELL[: AWAY - 1], *("filtered",) * 150), "ordinary pages came all the time"),
        (moment(*("ours",) * 20, *("filtered",) * 150), "ordinary pages came all the time"),
        (moment("filtered", *("away",) * 90), "ordinary pages did not come again"),
        (moment(*WELL, *("no answer",) * 10), "the service did not work and filter again"),
        (moment(*WELL, "leak", *("filtered",) * 9), "the service did not work and filter again"),
        (moment(*WELL, every=0.3), "34 checks were made in the 10 s after the network returned"),
        (moment(*WELL, shifts={10: MOST_APART}), "checks were 1.1 s apart when the network"),
        (moment(*WELL, shifts={50: 5}), "checks were 5.1 s apart when the network returned"),
        (moment(*WELL, shifts={50: 3600}), "checks were 3600.1 s apart when the network"),
        (moment(*WELL, shifts={50: -5}), "the clock of the device was set back"),
        (moment(*WELL[:40]), "30 checks were made in the 10 s after the network returned"),
        (moment(*WELL[:60], "undecided", *WELL[60:]), "of 1 pages it could not be told"),
    ],
)
def test_a_test_that_shows_too_little(checks: list[AvailabilityCheck], said: str) -> None:
    found = outcome(checks)

    (test,) = moment_tests(checks)
    assert test.objection.startswith(said)
    assert found.conformity is not CONFORMS
    if found.metric.k == 0:
        assert found.conformity is OPEN
        assert any(f"network: 0 of 2 tests ({test.objection})" in each for each in found.reasons)


def test_without_a_test_it_is_said_how_to_make_one() -> None:
    found = outcome()

    assert found.conformity is OPEN
    assert NOT_TESTED in found.reasons


def test_a_test_that_shows_nothing_can_be_repeated() -> None:
    careless = moment(*("filtered",) * 150, name="portal", run=20)

    assert all_but(last=careless).conformity is CONFORMS


def test_time_asleep_before_the_network_returned_is_no_gap() -> None:
    (test,) = moment_tests(moment(*WELL, name="resume", shifts={3: 600}))

    assert test.objection == ""


def test_a_network_that_came_back_while_the_device_slept_was_not_seen() -> None:
    (test,) = moment_tests(moment(*WELL, name="resume", shifts={10: 600}))

    assert test.objection.startswith("checks were 600.1 s apart")


def test_the_checks_after_each_return_have_to_be_close() -> None:
    twice: tuple[Seen, ...] = ("away",) * 10 + ("filtered",) * 30

    (good,) = moment_tests(moment(*twice, *WELL))
    (bad,) = moment_tests(moment(*twice, *WELL, shifts={20: 5}))

    assert good.objection == ""
    assert bad.objection.startswith("checks were 5.1 s apart")


def test_checks_are_in_the_order_of_their_numbers_whatever_the_clock_was() -> None:
    """The clock was wrong when the device started, and was set before the network returned."""
    (test,) = moment_tests(reversed(moment(*WELL, name="start", shifts={3: -5000})))

    assert [one.number for one in test.since] == list(range(1, 161))
    assert test.objection == ""


def test_a_moment_that_cannot_occur_is_named_and_its_leaks_count_all_the_same() -> None:
    why = "the laptops refuse networks with a login page"
    declared = Continuity(
        moments_that_cannot_occur=dict.fromkeys(("start", "resume", "portal"), why)
    )
    both = moment(*WELL, run=1), moment(*WELL, run=2)
    leak = moment(*("away",) * 10, "leak", *("filtered",) * 150, name="portal", run=3)

    found = outcome(*both, declared=declared)

    assert found.conformity is CONFORMS, found.reasons
    assert f"portal ({why})" in found.metric.method
    assert outcome(*both, leak, declared=declared).conformity is FAILS


@given(st.lists(st.sampled_from(sorted(SHOWN)), max_size=80), st.floats(0.05, 0.5))
def test_whatever_was_seen_only_a_moment_that_was_seen_conforms(
    seen: list[Seen], every: float
) -> None:
    (test,) = moment_tests(moment(*seen, *("filtered",) * 20, every=every))
    leaks = sum(one in ("leak", "leak while away") for one in seen)
    found = outcome(moment(*seen, *("filtered",) * 20, every=every))

    assert found.metric.k == leaks
    assert (found.conformity is FAILS) == (leaks > 0)
    if not test.objection:
        assert seen.count("away") + seen.count("leak while away") >= AWAY
        assert len(test.after_return(10)) >= FEWEST_CHECKS
