"""Shows beside each block rate what it may be on truly harmful items, as labels are audited.

A corpus of which one item in fifty is really clean cannot show a rate of 98 %, whatever the
service does (METHOD (c), "Label error"). The decision stays with what was observed.
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
    """The outcomes, those of block rates with bounds corrected for label error.

    ``packs`` are those of the journal's header. Without an audit of every one of them nothing is
    added: nobody knows how wrong the labels of the others are.
    """
    found = tuple(outcomes)
    audit = _worst(packs)
    if audit is None:
        return found
    clean = _clean(found)
    return tuple(
        replace(one, corrected=_correct(one, audit, clean.get((one.line, one.profile))))
        if one.metric.name == "block_rate" and one.metric.n
        else one
        for one in found
    )


def _worst(packs: Iterable[PackNote]) -> _Audit | None:
    """The audit that leaves room for most wrong labels, if every pack had one."""
    from harness.estimate.labels import audited_error  # noqa: PLC0415 - an agent has no scipy

    found: list[_Audit] = []
    for pack in packs:
        if (audit := pack.audit) is None:
            return None
        error = audited_error(audit.wrong, audit.items) or 0.0
        found.append(_Audit(audit.items, audit.wrong, error))
    worst = max(found, key=lambda one: one.error, default=None)
    return worst if worst and worst.error < 1 else None


def _clean(outcomes: Iterable[Outcome]) -> dict[tuple[str, str], Outcome]:
    """By line and profile, the over-blocking rate that counts most items."""
    most: dict[tuple[str, str], Outcome] = {}
    for one in outcomes:
        held = most.get((one.line, one.profile))
        if one.metric.name == "overblock_rate" and (held is None or one.metric.n > held.metric.n):
            most[one.line, one.profile] = one
    return most


def _correct(outcome: Outcome, audit: _Audit, clean: Outcome | None) -> Corrected:
    from harness.estimate.labels import corrected_bounds  # noqa: PLC0415 - as above

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
