"""Add to each block rate its bounds on truly harmful items, from label audits of the packs.

If one item in fifty is really clean, no service can show a rate of 98 % (METHOD (c), "Label
error"). The corrected bounds are for information: outcomes rest on the observed rate.
``corrected_rate`` and ``corrected_bounds`` are the formulas, ``audited_error`` the bound that an
audit gives.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.model.journal_header import PackNote
from harness.model.outcome import Corrected, Outcome

if TYPE_CHECKING:
    from harness.estimate.intervals import Bounds


@dataclass(frozen=True, slots=True)
class _Audit:
    items: int
    wrong: int
    error: float


def corrected(outcomes: Iterable[Outcome], packs: Iterable[PackNote]) -> tuple[Outcome, ...]:
    """Return the outcomes, with corrected bounds where the metric is a block rate.

    ``packs`` are those of the journal's header. Unless every one of them was audited, the outcomes
    are returned unchanged.
    """
    given = tuple(outcomes)
    audit = _worst(packs)
    if audit is None:
        return given
    clean = _clean(given)
    return tuple(
        replace(
            outcome, corrected=_correct(outcome, audit, clean.get((outcome.line, outcome.profile)))
        )
        if outcome.metric.name == "block_rate" and outcome.metric.n
        else outcome
        for outcome in given
    )


def _worst(packs: Iterable[PackNote]) -> _Audit | None:
    """Return the audit with the largest possible label error, if every pack was audited."""
    audits: list[_Audit] = []
    for pack in packs:
        if (audit := pack.audit) is None:
            return None
        error = audited_error(audit.wrong, audit.items) or 0.0
        audits.append(_Audit(audit.items, audit.wrong, error))
    worst = max(audits, key=lambda audit: audit.error, default=None)
    return worst if worst and worst.error < 1 else None


def _clean(outcomes: Iterable[Outcome]) -> dict[tuple[str, str], Outcome]:
    """Return, by line and profile, the over-blocking outcome with the most items."""
    most: dict[tuple[str, str], Outcome] = {}
    for outcome in outcomes:
        key, metric = (outcome.line, outcome.profile), outcome.metric
        if metric.name == "overblock_rate" and (key not in most or metric.n > most[key].metric.n):
            most[key] = outcome
    return most


def _correct(outcome: Outcome, audit: _Audit, clean: Outcome | None) -> Corrected:
    lower, upper = corrected_bounds(_bounds(outcome), audit.error, _bounds(clean))
    return Corrected(
        lower=lower,
        upper=upper,
        label_error=audit.error,
        audited=audit.items,
        wrong=audit.wrong,
    )


def _bounds(outcome: Outcome | None) -> Bounds:
    from harness.estimate.intervals import Bounds  # noqa: PLC0415 - as above

    metric = outcome.metric if outcome is not None else None
    return Bounds(None, None) if metric is None else Bounds(metric.lower, metric.upper)


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
    return bounds._replace(lower=lower, upper=upper)


def audited_error(wrong: int, audited: int, alpha: float = 0.05) -> float | None:
    """Return the upper bound of the label error from a random audit: 0 of 299 gives 1 %."""
    from harness.estimate.intervals import clopper_pearson  # noqa: PLC0415 - keep the start light

    return clopper_pearson(wrong, audited, alpha).upper


def _check(label_error: float) -> None:
    if not 0 <= label_error < 1:
        msg = f"a label error of {label_error:g} leaves no harmful item"
        raise ValueError(msg)
