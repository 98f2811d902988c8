"""Every recorded signal is judged, or listed with the reason why not."""

from __future__ import annotations

from collections import Counter

import pytest

from test_suites.calibration.recorded_signals import (
    DIGEST,
    NUMBER,
    PAGE,
    PRODUCTS,
    accounted_for,
    digest_of,
    page,
    recording,
    unjudged,
)


def test_every_signal_is_judged_or_listed_once() -> None:
    ids = accounted_for()

    assert [] == [each for each, number in Counter(ids).items() if number > 1]
    assert len(ids) == NUMBER
    assert digest_of(ids) == DIGEST, "a signal of the recording is neither judged nor listed"


def test_the_recording_itself_has_no_other_signals() -> None:
    recorded = recording()
    if recorded is None:
        pytest.skip("the recording is not at hand")

    assert sorted(accounted_for()) == sorted(recorded)


def test_each_reason_is_one_sentence_and_each_product_is_known() -> None:
    for each in unjudged():
        assert each.why.endswith(".")
        assert each.why[0].isupper()
        assert each.signals
    assert {each.partition(" ")[0] for each in accounted_for()} == set(PRODUCTS)


def test_the_documentation_page_is_up_to_date() -> None:
    assert page() == PAGE.read_text(encoding="utf-8"), (
        "write it anew: python -m test_suites.calibration.recorded_signals"
    )
