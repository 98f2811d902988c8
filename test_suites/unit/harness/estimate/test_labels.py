"""A wrong label costs the supplier rate, and never buys one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.estimate.intervals import Bounds, clopper_pearson
from harness.estimate.label_error import (
    audited_error,
    corrected_bounds,
    corrected_rate,
)

share = st.floats(0, 1)


@given(share, st.floats(0, 0.5), share)
def test_correction_undoes_what_wrong_labels_did(truth: float, error: float, clean: float) -> None:
    observed = (1 - error) * truth + error * clean

    assert corrected_rate(observed, error, clean) == pytest.approx(truth, abs=1e-9)


def test_an_audit_of_299_without_error_shows_less_than_1_per_cent() -> None:
    error = audited_error(0, 299)

    assert error is not None
    assert error < 0.01
    assert (audited_error(0, 298) or 0) > 0.01
    assert audited_error(0, 0) is None


@given(share, share, st.floats(0, 0.5), share)
def test_corrected_bounds_are_never_narrower(
    one: float, other: float, error: float, clean: float
) -> None:
    bounds = Bounds(min(one, other), max(one, other))
    wide = corrected_bounds(bounds, error, Bounds(clean / 2, clean))

    assert wide.lower is not None
    assert wide.upper is not None
    assert wide.lower <= min(one, other)
    assert wide.upper >= max(one, other)


def test_corrected_bounds_cover_the_truth_at_their_nominal_share() -> None:
    random = np.random.default_rng(9)
    truth, error, clean, n = 0.93, 0.05, 0.1, 300
    wrong = random.binomial(n, error, 10_000)
    blocked = random.binomial(n - wrong, truth) + random.binomial(wrong, clean)
    lowers = {
        int(k): corrected_bounds(clopper_pearson(int(k), n, 0.05), error, Bounds(0.05, 0.15)).lower
        for k in np.unique(blocked)
    }

    assert np.mean([(lowers[int(k)] or 0) <= truth for k in blocked]) >= 0.95


def test_nothing_counted_stays_unbounded() -> None:
    assert corrected_bounds(Bounds(None, None), 0.1, Bounds(0, 1)) == (None, None)


def test_a_corpus_of_wrong_labels_is_refused() -> None:
    with pytest.raises(ValueError, match="no harmful item"):
        corrected_rate(0.5, 1.0, 0.5)
