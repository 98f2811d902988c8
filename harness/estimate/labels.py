"""Correct a block rate for labels that are wrong: some "harmful" items are really clean."""

from __future__ import annotations

from harness.estimate.intervals import Bounds, clopper_pearson


def corrected_rate(observed: float, label_error: float, clean_rate: float) -> float:
    """Return the block rate on truly harmful items: (r' - e f) / (1 - e), limited to 0..1.

    ``label_error`` e is the share of the corpus that is really clean, ``clean_rate`` f how
    often clean items are blocked. Rogan & Gladen, Am. J. Epidemiology 107 (1978) 71-76.
    Raises ValueError unless e is below 1.
    """
    _check(label_error)
    return min(1.0, max(0.0, (observed - label_error * clean_rate) / (1 - label_error)))


def corrected_bounds(bounds: Bounds, label_error: float, clean: Bounds) -> Bounds:
    """Return bounds of the corrected rate that hold for any label error up to ``label_error``.

    The lower bound is the smaller of the uncorrected bound and the one corrected with the highest
    rate on clean items; the upper bound is the larger one, with the lowest rate. ``clean`` are the
    bounds of the block rate on clean items.
    """
    if bounds.lower is None or bounds.upper is None:
        return bounds
    most = 1.0 if clean.upper is None else clean.upper
    least = 0.0 if clean.lower is None else clean.lower
    lower = min(bounds.lower, corrected_rate(bounds.lower, label_error, most))
    upper = max(bounds.upper, corrected_rate(bounds.upper, label_error, least))
    return Bounds(lower, upper)


def audited_error(wrong: int, audited: int, alpha: float = 0.05) -> float | None:
    """Return the upper bound of the label error from a random audit: 0 of 299 gives 1 %."""
    return clopper_pearson(wrong, audited, alpha).upper


def _check(label_error: float) -> None:
    if not 0 <= label_error < 1:
        msg = f"a label error of {label_error:g} leaves no harmful item"
        raise ValueError(msg)
