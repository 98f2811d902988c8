"""Before a campaign: what it can decide, and what it cannot however well the service does."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from harness.cli.alerts import planned as sessions_planned
from harness.cli.compose import prepare
from harness.cli.log import planned
from harness.cli.power_plan import Forecast, chance_of_all, forecast
from harness.estimate.planning import power_at, power_with_undecided
from harness.model.corpus import TWIN, Item
from harness.model.file_case import NAMED_CASES
from harness.model.log_case import COUNTED, log_case, log_items
from harness.schemes.load import load_scheme
from test_suites.kit.campaigns.rehearsal import simulated_origin, write_campaign

BECTA = load_scheme("becta-2008")
STRICT = load_scheme("strict")
KS2 = {"ks2": "ks2"}
TESTS = 14
"""The rows that a sample decides in becta-2008 for one profile, each of their categories as one."""


def items(category: str, count: int) -> list[Item]:
    return [Item(id=f"{category}-{n}", value=f"{n}.test", labels=(category,)) for n in range(count)]


def of(rows: tuple[Forecast, ...], requirement: str) -> Forecast:
    return next(row for row in rows if row.requirement == requirement)


def test_without_a_campaign_it_says_how_many_items_are_needed() -> None:
    row = of(forecast(BECTA, KS2, None, 0.9), "URL-04")

    assert row.n is None
    assert row.needed is not None
    assert row.good_rate == 0.95
    assert power_at(row.needed, 0.9, 0.95) >= 0.9


def test_more_power_needs_more_items() -> None:
    some = of(forecast(BECTA, KS2, None, 0.5), "URL-04").needed or 0
    more = of(forecast(BECTA, KS2, None, 0.99), "URL-04").needed or 0

    assert some < more


def test_with_items_it_says_where_the_verge_is() -> None:
    rows = forecast(BECTA, KS2, items("DRUG", 500) + items("ALW.EDU", 60), 0.9)

    assert (of(rows, "URL-04").passes, of(rows, "URL-04").fails) == (38, 62)
    assert of(rows, "URL-04").says == "conforms with at most 38 wrong, fails with 62 or more"
    assert (of(rows, "OVB-01").n, of(rows, "OVB-01").passes) == (60, 0)


def test_too_few_items_cannot_conform_and_it_says_so() -> None:
    rows = forecast(BECTA, KS2, items("DRUG", 28), 0.9)

    assert of(rows, "URL-04").says == "cannot conform: 28 domains; the agreed minimum is 29"
    assert of(rows, "URL-04").passes is None
    assert "cannot conform: 0 items" in of(rows, "ILL-01").says
    few = forecast(STRICT, KS2, items("DRUG", 200), 0.9)
    assert of(few, "URL-04").says == "cannot conform: 200 domains; the agreed minimum is 228"


def test_of_files_only_those_that_a_requirement_is_about_count() -> None:
    strata = [
        f"{start}MALW.MAL/{case}"
        for case in (*NAMED_CASES, "file:archive-deep", "file:gz by HTTPS GET")
        for start in ("", TWIN)
    ]
    files = [Item(id=one, value="a.test", labels=("MALW.MAL",), stratum=one) for one in strata]
    rows = forecast(BECTA, KS2, [*files, *items("DRUG", 9)], 0.9)

    assert of(rows, "MAL-01").says == "each of 8 items counts"
    assert of(rows, "MAL-05").says == "cannot conform: 9 items; the agreed minimum is 59"


def test_pages_of_one_domain_count_once_towards_a_rate() -> None:
    pages = [
        Item(id=f"p{n}", value=f"{n}.one.test", labels=("DRUG",), registrable="one.test")
        for n in range(500)
    ]

    assert of(forecast(BECTA, KS2, pages, 0.9), "URL-04").n == 1


def test_a_rule_that_is_not_planned_has_a_smallest_number_all_the_same() -> None:
    watching = load_scheme("surveillance")

    assert of(forecast(watching, KS2, None, 0.9), "URL-01").says == "sequential: at least 53"
    few = of(forecast(watching, KS2, items("PORN", 52) + items("ADLT", 60), 0.9), "URL-01")
    assert few.says == "cannot conform: 52 items; at least 53 are needed"
    assert few.needed == 53


def test_what_cannot_be_taken_or_sampled_is_told() -> None:
    rows = forecast(BECTA, KS2, None, 0.9)

    assert "Accredit cannot measure this yet" in of(forecast(STRICT, KS2, None, 0.9), "TQ-07").says
    assert of(rows, "EML-01").says.startswith("1155 trials of its own")
    assert of(rows, "CIR-02").says == "report: nothing to plan"
    assert "every item counts" in of(rows, "ILL-01").says
    assert of(forecast(BECTA, KS2, items("ILL.CSAM", 7), 0.9), "ILL-01").says == (
        "each of 7 items counts"
    )


def test_requests_for_a_log_are_no_items_of_the_campaign() -> None:
    without, tried = (
        of(forecast(BECTA, KS2, supply, 0.9), "LOG-01") for supply in (None, items("HARM", 9000))
    )

    assert tried == without
    assert (tried.n, tried.needed) == (623, 623)
    assert tried.says == (
        "623 of accredit log send each with and without a mark: conforms with at most 0 wrong, "
        "fails with 7 or more"
    )


@pytest.mark.parametrize(
    ("scheme", "number", "of_cell"), [("becta-2008", 1310, 30), ("strict", 9667, 44)]
)
def test_what_is_planned_for_logs_and_alerts_is_what_is_sent(
    scheme: str, number: int, of_cell: int, tmp_path: Path
) -> None:
    path = write_campaign(
        tmp_path, origin=simulated_origin(tmp_path), lines=[{"name": "a", "type": "simulated"}],
        categories=["DRUG"], sample=2, scheme=scheme, control={"type": "simulated"},
    )  # fmt: skip
    row = of(forecast(load_scheme(scheme), KS2, None, 0.9), "LOG-01")
    assert row.n == int(number * COUNTED["events_recorded"])
    assert number == planned(prepare(path))
    assert of_cell == sessions_planned(prepare(path), "in_hours")
    assert sessions_planned(prepare(path), "out_of_hours") == 30
    for names in (False, True):
        made = [
            log_case(one.stratum)
            for one in log_items("x", "ordinary", number, "b.test", names=names)
        ]
        unmarked = sum(one.case.is_plain for one in made if one)
        least = next(one.n_min for one in load_scheme(scheme).requirements if one.id == "LOG-01")
        assert min(unmarked, len(made) - unmarked) >= least


def test_the_smallest_category_decides_where_each_must_pass() -> None:
    tried = items("HARM", 200) + items("GAMB", 200) + items("MALW.MAL", 200) + items("PIRA", 200)
    rows = forecast(STRICT, KS2, tried + items("DISC", 120), 0.9)

    assert of(rows, "URL-06").n == 120


def test_only_what_is_asked_of_a_profile_is_planned() -> None:
    rows = forecast(STRICT, {"little": "ks1", "older": "ks4"}, None, 0.9)

    assert {row.profile for row in rows if row.requirement == "OVB-03"} == {"older"}


def test_a_quantile_is_planned_like_a_rate() -> None:
    row = of(forecast(BECTA, KS2, items("ALW.NEWS", 59), 0.9), "PRF-03")

    assert (row.passes, row.n) == (0, 59)
    assert row.as_data()["requirement"] == "PRF-03"


def test_where_a_plan_can_stop_early_its_mean_number_stands_beside_the_fixed_one() -> None:
    """METHOD table 3: 159 items at 95 % against 90 %, alpha and beta 5 %."""
    rows = forecast(BECTA, KS2, None, 0.95**TESTS)

    assert of(rows, "URL-04").early == 159
    assert (of(rows, "URL-04").needed or 0) > 159
    assert of(rows, "OVB-01").early is None
    assert of(rows, "PRF-03").early is None


def test_pages_of_one_domain_count_once_where_a_rate_is_asked_for() -> None:
    pages = [replace(one, registrable=f"d{n // 3}.test") for n, one in enumerate(items("DRUG", 90))]

    assert of(forecast(BECTA, KS2, pages, 0.9), "URL-04").n == 30
    assert of(forecast(BECTA, KS2, None, 0.9**TESTS), "URL-04").says.startswith("239 domains")


def test_a_good_service_passes_all_rows_together_with_the_wanted_power() -> None:
    """Each category of a row is a test of its own, and so is each row."""
    rows = [row for row in forecast(BECTA, KS2, None, 0.9) if row.good_rate is not None]
    urls = [row for row in rows if row.requirement.startswith("URL")]

    assert [2, 1, 2, 1, 3] == [row.tests for row in urls]
    assert {447} == {row.needed for row in urls}
    assert power_at(447, 0.9, 0.95) ** TESTS >= 0.9 > power_at(439, 0.9, 0.95) ** TESTS
    assert "447 domains of each of 3 groups" in urls[-1].says


def test_what_a_campaign_can_decide_is_the_chance_of_all_rows() -> None:
    codes = BECTA.policy.rows
    rows = forecast(BECTA, KS2, [one for code in codes for one in items(code, 250)], 0.9)
    chance, number = chance_of_all(rows)

    assert number == len([row for row in rows if row.chance is not None])
    assert of(rows, "URL-05").chance == power_with_undecided(250, 0.9, 0.95, 0.0) ** 3
    assert 0 < chance < min(row.chance for row in rows if row.chance is not None)


def test_pages_count_one_by_one_where_each_must_be_right() -> None:
    pages = [replace(one, registrable="d.test") for one in items("ILL.CSAM", 7)]

    assert of(forecast(BECTA, KS2, pages, 0.9), "ILL-01").n == 7
