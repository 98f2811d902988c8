"""Beside a block rate stands what it may be on truly harmful items; nothing is decided by it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.estimate.intervals import Bounds
from harness.estimate.label_error import audited_error, corrected, corrected_bounds
from harness.model.journal_header import LabelAudit, PackNote
from harness.model.outcome import Conformity, Corrected, Outcome
from test_suites.kit.campaigns.example import example_metric, example_outcome

BLOCKED = example_outcome(metric=example_metric(97, name="block_rate", lower=0.92, upper=0.99))
CLEAN = example_outcome(
    code="OVB-01", metric=example_metric(2, 300, name="overblock_rate", lower=0.001, upper=0.02)
)


def packs(*audits: tuple[int, int] | None) -> list[PackNote]:
    """Packs that were audited, or not."""
    return [
        PackNote(audit=LabelAudit(items=each[0], wrong=each[1]) if each else None)
        for each in audits
    ]


def test_the_bounds_hold_for_every_share_of_wrong_labels_that_the_audit_leaves_open() -> None:
    [found, other] = corrected([BLOCKED, CLEAN], packs((299, 2)))
    error = audited_error(2, 299) or 0
    lower, upper = corrected_bounds(Bounds(0.92, 0.99), error, Bounds(0.001, 0.02))

    assert found.corrected == Corrected(
        lower=lower, upper=upper, label_error=error, audited=299, wrong=2
    )
    assert (lower, upper) == (0.92, 1.0)
    assert other == CLEAN


def test_a_service_that_blocks_clean_items_too_looks_better_than_it_is() -> None:
    careless = replace(CLEAN, metric=replace(CLEAN.metric, lower=0.9, upper=1.0))
    [found, _] = corrected([BLOCKED, careless], packs((299, 2)))

    assert found.corrected is not None
    assert (found.corrected.lower or 1) < 0.92


def test_where_clean_items_were_not_tried_they_may_all_be_blocked() -> None:
    elsewhere = replace(CLEAN, line="names")
    [found, _] = corrected([BLOCKED, elsewhere], packs((299, 2)))

    assert found.corrected is not None
    assert found.corrected.lower == pytest.approx(
        (0.92 - found.corrected.label_error) / (1 - found.corrected.label_error)
    )


def test_of_several_packs_the_worst_audit_counts() -> None:
    [found] = corrected([BLOCKED], packs((299, 0), (100, 5), (1000, 2)))

    assert found.corrected is not None
    assert (found.corrected.audited, found.corrected.wrong) == (100, 5)


@pytest.mark.parametrize("told", [[], packs(None), packs((299, 0), None), packs((5, 5))])
def test_without_an_audit_of_every_pack_nothing_is_shown(told: list[PackNote]) -> None:
    assert corrected([BLOCKED, CLEAN], told) == (BLOCKED, CLEAN)


def test_no_outcome_is_changed_by_it() -> None:
    outcomes: list[Outcome] = [
        replace(BLOCKED, conformity=each, reasons=(each.value,)) for each in Conformity
    ]

    assert [
        replace(one, corrected=None) for one in corrected(outcomes, packs((50, 20)))
    ] == outcomes


def test_a_rate_of_nothing_is_not_corrected() -> None:
    nothing = replace(BLOCKED, metric=replace(BLOCKED.metric, n=0, lower=None, upper=None))

    assert corrected([nothing], packs((299, 0))) == (nothing,)
