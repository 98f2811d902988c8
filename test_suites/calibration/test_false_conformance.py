"""Error rates: a service exactly at the threshold passes or fails no more often than alpha.

Each row is drawn at p = T; a share of campaigns may exceed alpha by three of its own standard
errors. ``python -m benchmarks false-conformance`` does the same with more campaigns and designs.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from harness.model.outcome import Conformity, Outcome
from test_suites.calibration.simulated_campaign import (
    CATEGORIES,
    SCHEME,
    Recorded,
    at_the_mark,
    record,
)
from test_suites.calibration.simulated_counts import DESIGNS, Row, allowed, outcomes, scheme, share
from test_suites.calibration.simulated_rows import (
    CASES,
    MANY,
    SPELLS,
    Case,
    block,
    conforms,
    in_spells,
    is_accused,
    latency,
    service_at_every_mark,
)

SHOWN = {
    "50x10 i.3",
    "50x10 mix",
    "10x50 i.6",
    "5x50+50 i.6",
    "1x100+100 i.3",
    "1x400+100 i1",
    "zipf120 mix",
}
"""Designs that an earlier bound let pass in 5 to 79 % of campaigns."""


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_error_rates_at_the_threshold_are_at_most_alpha(case: Case) -> None:
    replicates, wanted = 300, scheme(case.wanted)
    alpha = case.wanted.get("alpha", 0.05)
    most = allowed(alpha, replicates)

    assert share(replicates, case.draw, wanted, 1, conforms) <= most
    assert share(replicates, case.draw, wanted, 2, is_accused) <= most


@pytest.mark.parametrize("case", SPELLS, ids=lambda case: case.name)
def test_error_rates_hold_for_times_in_spells_and_of_hosts(case: Case) -> None:
    replicates, wanted = 100, scheme(case.wanted)

    assert share(replicates, case.draw, wanted, 1, conforms) <= allowed(0.05, replicates)
    assert share(replicates, case.draw, wanted, 2, is_accused) <= allowed(0.05, replicates)


@pytest.mark.parametrize(
    ("number", "slow", "least"), [(60, 0.0, 1), (300, 0.005, 0.9), (1200, 0.01, 0.9)]
)
def test_a_good_service_with_single_slow_times_conforms(
    number: int, slow: float, least: float
) -> None:
    found = share(60, in_spells(number, 1, slow), scheme(latency(0.95)), 3, conforms)

    assert found >= least


@pytest.mark.parametrize("rule", ["guarded", "sequential"])
@pytest.mark.parametrize("name", sorted(SHOWN))
def test_error_rates_hold_for_pages_that_share_domains(name: str, rule: str) -> None:
    [design] = [one for one in DESIGNS if one.name == name]
    replicates, wanted = 120, scheme(block("block_rate", "B", rule=rule))

    for judge in (conforms, is_accused):
        found = share(
            replicates,
            lambda random: [Row(category="B", domains=design.domains(random, 0.9))],
            wanted,
            3,
            judge,
        )
        assert found <= allowed(0.05, replicates)


def test_five_large_domains_with_a_low_rate_prevent_a_pass() -> None:
    """Each domain counts once, but the pooled rate of all pages must reach the threshold too."""
    wanted = scheme(block("block_rate", "B"))
    sites = Row(category="B", domains=Counter({(1, 0, 0): 100, (30, 20, 0): 5}))
    [found] = outcomes([sites], wanted)

    assert found.metric.lower is not None
    assert found.metric.lower >= 0.9
    assert (found.conformity, found.leaning) == (Conformity.INSUFFICIENT, "fail")
    assert "large domains fare worse: over all items the rate is 71.43 %" in found.reasons[0]


def test_too_few_domains_do_not_conform_whatever_their_number_of_pages() -> None:
    wanted = scheme(block("block_rate", "B"))
    for domains, conformity in ((28, Conformity.INSUFFICIENT), (29, Conformity.CONFORMS)):
        row = Row(category="B", domains=Counter({(10, 0, 0): domains}))
        [found] = outcomes([row], wanted)

        assert found.conformity is conformity
    few = Row(category="B", domains=Counter({(0, 10, 0): 5}))
    assert outcomes([few], wanted)[0].conformity is Conformity.DOES_NOT_CONFORM


def test_a_service_at_every_threshold_fails_in_at_most_one_campaign_of_twenty() -> None:
    replicates, wanted = 200, scheme(*MANY)
    plain = [scheme(each) for each in MANY]

    accused = share(replicates, service_at_every_mark, wanted, 4, is_accused)
    random, alone = np.random.default_rng(4), 0
    for _ in range(30):
        rows = list(service_at_every_mark(random))
        alone += any(is_accused(outcomes([row], one)) for row, one in zip(rows, plain, strict=True))

    assert accused <= allowed(0.05, replicates)
    assert alone / 30 > 0.15, "without correction, far more are accused"


def test_a_service_that_filters_nothing_fails_every_requirement() -> None:
    wanted = scheme(*MANY)
    rows = [
        Row(
            category=each["measure"]["categories"][0],
            domains=Counter({(0, 1, 0) if "at_least" in each["threshold"] else (1, 0, 0): 60}),
        )
        for each in MANY
    ]

    assert {Conformity.DOES_NOT_CONFORM} == {one.conformity for one in outcomes(rows, wanted)}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return record(tmp_path_factory.mktemp("recorded"))


@pytest.mark.timeout(240)
def test_error_rates_hold_with_early_stopping(recorded: Recorded) -> None:
    replicates, random = 20, np.random.default_rng(5)
    granted = np.zeros(len(SCHEME.requirements))
    accused = stopped = 0
    for _ in range(replicates):
        journal = recorded.journal(at_the_mark(recorded, random))
        found = recorded.outcomes(journal, SCHEME)
        granted += [one.conformity is Conformity.CONFORMS for one in found]
        accused += is_accused(found)
        stopped += bool(journal.written)

    assert 0 < stopped < 0.2 * replicates, "a service at the mark is rarely told from either side"
    assert (granted / replicates <= allowed(0.05, replicates)).all(), granted
    assert accused / replicates <= allowed(0.05, replicates)


def test_a_clear_failure_is_accused_early(recorded: Recorded) -> None:
    drugs = recorded.of("DRUG")
    journal = recorded.journal({item for code in CATEGORIES for item in recorded.of(code)[::2]})
    [first, *_] = recorded.concluded(journal, SCHEME)

    assert first.sequential is not None
    assert first.sequential.decision == "fail"
    assert first.sequential.used < len(drugs) / 2
    assert first.conformity is Conformity.DOES_NOT_CONFORM


def test_outcomes_in_memory_equal_those_of_conclude(recorded: Recorded) -> None:
    """The journal of simulated lines is judged and counted on disk, as usual."""
    random = np.random.default_rng(6)
    for _ in range(2):
        journal = recorded.journal(at_the_mark(recorded, random))

        assert recorded.outcomes(journal, SCHEME) == recorded.concluded(journal, SCHEME)


def test_a_good_service_conforms_with_early_stopping(recorded: Recorded) -> None:
    journal = recorded.journal({item for code in ("DRUG", "VIOL") for item in recorded.of(code)})
    found: tuple[Outcome, ...] = recorded.concluded(journal, SCHEME)

    assert found[0].sequential is not None
    assert [one.conformity.value for one in found] == [
        "conforms",
        "insufficient",  # 37 items are enough for the plan, not for bounds at any time
        "insufficient",
        "insufficient",  # the mixture depends on what was seen
        "conforms",
    ]
