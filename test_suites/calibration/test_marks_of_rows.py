"""A row that asks something of each group, at the mark; and every sampled row of a scheme at once."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta

import pytest
from msgspec import structs

from harness.estimate.logged_fields import case_of
from harness.model.alert_case import CELLS, KINDS
from harness.model.outcome import Conformity
from harness.model.service_log import LoggedRequest
from harness.schemes.load import find_row, load_scheme
from test_suites.calibration.simulated_counts import allowed
from test_suites.calibration.simulated_marks import (
    CLUSTERS,
    INDEPENDENT,
    SPELLS,
    Sampled,
    Way,
    accused,
    errors_of,
    groups_of,
    is_of_items,
    rows_in_each_way,
)
from test_suites.unit.harness.estimate import log_of_requests
from test_suites.unit.harness.estimate.selected_outcome import outcome
from test_suites.unit.harness.estimate.test_alert_metrics import GOOD as SESSIONS
from test_suites.unit.harness.estimate.test_alert_metrics import selection as of_alerts
from test_suites.unit.harness.estimate.test_alert_metrics import session_of

REQUESTS = [log_of_requests.logged(one) for one in log_of_requests.requests()]
Lose = Callable[[LoggedRequest], LoggedRequest]


def missing(one: LoggedRequest) -> LoggedRequest:
    return structs.replace(one, entries=(), seen_at=None)


def late(one: LoggedRequest) -> LoggedRequest:
    """Seen after 400 s, and not yet after 350 s."""
    seen, missed = (one.ended + timedelta(seconds=seconds) for seconds in (400, 350))
    return structs.replace(one, seen_at=seen, missed_at=missed)


def shifted(one: LoggedRequest) -> LoggedRequest:
    """Its entry says a time that is 8 s wrong: few of them do not move the log's clock."""
    return log_of_requests.logged(one, at=one.started + timedelta(seconds=8))


ALERTS = {
    words: [one for one in SESSIONS if session_of(one).kind == kind]
    for kind, words in KINDS.items()
}
OF_CELL = {cell.words: [one for one in SESSIONS if session_of(one).cell == cell] for cell in CELLS}
OF_LOG = {
    words: [one for one in REQUESTS if case_of(one).is_plain == is_plain]
    for words, is_plain in (("marked", False), ("unmarked", True))
}
DELAYS = {"delay": REQUESTS, "clock": REQUESTS}
ROWS: dict[str, tuple[Mapping[str, list[LoggedRequest]], Mapping[str, Lose]]] = {
    "LOG-01": (OF_LOG, dict.fromkeys(OF_LOG, missing)),
    "LOG-03": (DELAYS, {"delay": late, "clock": shifted}),
    "ALR-01": (ALERTS, dict.fromkeys(ALERTS, missing)),
    "ALR-06": (OF_CELL, dict.fromkeys(OF_CELL, missing)),
}
"""The groups of a row, and what makes one of each group a miss."""


@pytest.mark.parametrize("name", ROWS)
def test_each_group_at_the_mark_conforms_and_all_are_accused_at_most_at_alpha(name: str) -> None:
    groups, losing = ROWS[name]
    row = find_row(name)
    assert row is not None
    assert row.threshold is not None
    right = row.measure.quantile or row.threshold.at_least or 1.0
    select, whole = (
        (of_alerts, SESSIONS) if name.startswith("ALR") else (log_of_requests.selection, REQUESTS)
    )

    def missed(group: str, number: int) -> Conformity:
        lost = {one.item for one in scattered[group][:number]}
        made = [losing[group](one) if one.item in lost else one for one in whole]
        return outcome(select(name, made)).conformity

    chance = random.Random(1)  # misses in a row would be one spell
    scattered = {group: chance.sample(own, len(own)) for group, own in groups.items()}
    sizes = {group: len(own) for group, own in groups.items()}
    if name == "ALR-06":  # all cells are alike: two of them stand for 48
        first, *_, last = sizes
        errors = errors_of({first: sizes[first], last: sizes[last]}, 1 - right, missed)
        errors = errors._replace(accused=1 - (1 - errors.accused) ** (len(CELLS) / 2))
    else:
        errors = errors_of(sizes, 1 - right, missed)

    assert errors.conforms <= 0.05
    assert errors.accused <= 0.05
    assert errors.conforms > 0, "a perfect service conforms"
    assert errors.accused > 0.001, "a bad one is accused"


@pytest.mark.parametrize(
    ("name", "way", "replicates", "alone"),
    [
        ("dfe-2024", INDEPENDENT, 40, 10),
        ("strict", INDEPENDENT, 20, 20),
        ("uksic-2024", SPELLS, 20, 10),
        ("uksic-2024", CLUSTERS, 20, 10),
    ],
    ids=str,
)
def test_a_service_at_every_mark_of_a_scheme_is_accused_at_most_at_alpha(
    name: str, way: Way, replicates: int, alone: int
) -> None:
    scheme = load_scheme(name)
    alpha = scheme.decision.alpha

    assert accused(scheme, replicates, 31, way) <= allowed(alpha, replicates)
    assert accused(scheme, alone, 31, way, alone=True) > 2 * alpha, (
        "without correction far more are"
    )


SCHEMES = [load_scheme(name) for name in ("becta-2008", "dfe-2024", "uksic-2024", "strict")]


def first_of_each_kind(cases: Iterable[Sampled]) -> list[Sampled]:
    """One case of each metric in each way; of items, one of each direction and number of groups.

    ``python -m benchmarks false-conformance`` tries each threshold and level.
    """
    kinds: dict[object, Sampled] = {}
    for case in cases:
        row = case.row
        metric = "items" if is_of_items(row) else row.measure.metric
        is_most = row.threshold is not None and row.threshold.at_least is None
        kinds.setdefault((metric, is_most, groups_of(row) > 1, case.way), case)
    return [*kinds.values()]


ALONE = first_of_each_kind(rows_in_each_way(SCHEMES))


@pytest.mark.parametrize("case", ALONE, ids=lambda case: case.name)
def test_a_group_at_the_mark_among_perfect_ones_conforms_at_most_at_alpha(case: Sampled) -> None:
    replicates = 60 if case.alpha < 0.05 else 40

    assert case.granted(replicates, 11) <= allowed(case.alpha, replicates)
