"""Metrics of the test itself, which gates compare: labels, seed, clock, reproduction.

They are the same on every line and for every profile of a campaign.
"""

from __future__ import annotations

from harness.estimate.intervals import clopper_pearson
from harness.estimate.item_selection import Selection, source_of
from harness.estimate.label_error import audited_error
from harness.estimate.log_selection import census, exact_share
from harness.estimate.rates import MeasuredMetric
from harness.model.instrument_record import CLOCK_WITHIN
from harness.model.journal_header import PackNote
from harness.model.metric import Metric
from harness.model.run_record import SeedCommitment

RELIABLE = 0.8
"""The least Krippendorff's alpha between raters (METHOD TQ-02; Content Analysis, ch. 12)."""

NOT_SHOWN = "not shown"
"""The method of a metric of which nothing was measured."""


def label_error(selection: Selection) -> MeasuredMetric:
    """Compute the share of wrong labels with its bounds, of the worst pack of real items.

    ``n`` is the smallest number of labels that was audited. A pack without an audit, or whose
    raters were not seen to agree, leaves the metric open. Labels of agreed items and of content
    pages are no opinions: such an item is made to be what its label says.
    """
    packs = [pack for pack in selection.sources.packs.values() if source_of(pack).kind == "real"]
    if not packs:
        return _open(selection, "label_error", "no pack holds real items")
    lacking = [why for pack in packs if (why := _lacking(pack))]
    audited = [pack for pack in packs if pack.audit is not None]
    if not audited:
        return _open(selection, "label_error", "; ".join(lacking))
    worst = max(audited, key=_upper_error)
    audit = worst.audit
    wrong, items = (audit.wrong, audit.items) if audit else (0, 0)
    least = min(pack.audit.items for pack in audited if pack.audit is not None)
    metric = Metric(
        name="label_error",
        unit="share",
        value=wrong / items if items else None,
        k=wrong,
        n=least,
        indeterminate=len(packs) - len(audited),
        lower=clopper_pearson(wrong, items, 0.05).lower or 0.0,
        upper=_upper_error(worst),
        method=f"upper bound of wrong labels (Clopper-Pearson 95 %), pack {worst.name}: "
        f"{wrong} of {items} wrong",
        alpha=0.05,
    )
    return MeasuredMetric(metric=metric, barred="; ".join(lacking))


def _lacking(pack: PackNote) -> str:
    """Return what is not known of a pack's labels, in words; empty if everything is."""
    if pack.audit is None:
        return f"pack {pack.name}: its labels were not audited"
    if pack.agreement is None:
        return f"pack {pack.name}: how far its raters agree is not on record"
    if pack.agreement < RELIABLE:
        alpha = f"{pack.agreement:.3f}, below {RELIABLE:g}"
        return f"pack {pack.name}: alpha between its raters is {alpha}"
    return ""


def _upper_error(pack: PackNote) -> float:
    audit = pack.audit
    return (audited_error(audit.wrong, audit.items) if audit else None) or 0.0


def seed_commitment(selection: Selection) -> MeasuredMetric:
    """Compute the share of hidden packs whose sample was committed to before the run.

    One commitment covers all packs of a campaign. It does not count if it was recorded after the
    run began, if another sample was measured, if other commitments could have been chosen instead,
    or if items of a hidden pack were disclosed before.
    """
    hidden = [p for p in selection.sources.packs.values() if source_of(p).is_hidden]
    note, records = selection.run.commitment, selection.instrument
    if not hidden:
        why = "no pack of the campaign is hidden from the supplier"
    elif note is None:
        why = "no commitment to the seed is on record (accredit seed commit, before measuring)"
    elif not records:
        why = "when the run began is not on record"
    else:
        faults = _commitment_faults(note, selection)
        k = 0 if faults else len(hidden)
        method = f"census of hidden packs; committed {note.at:%Y-%m-%d %H:%M:%S %Z}"
        return MeasuredMetric(
            metric=exact_share(selection, "seed_commitment", k, len(hidden), method=method),
            barred="; ".join(faults),
        )
    return _open(selection, "seed_commitment", why)


def _commitment_faults(note: SeedCommitment, selection: Selection) -> list[str]:
    """Return why a commitment proves nothing, in words."""
    began = min(record.at for record in selection.instrument)
    faults: list[str] = []
    if note.at >= began:
        when = f"{note.at:%Y-%m-%d %H:%M:%S %Z}, after the run began at {began:%H:%M:%S}"
        faults.append(f"the seed was committed to {when}")
    if note.sample != note.drawn:
        faults.append("the items measured are not the sample that was committed to")
    if note.unused:
        names = ", ".join(note.unused)
        faults.append(f"the best of several samples may have been chosen; never used: {names}")
    if note.disclosed:
        names = ", ".join(note.disclosed)
        faults.append(f"items of a hidden pack were disclosed before, with campaign {names}")
    return faults


def reproduced_decisions(selection: Selection) -> MeasuredMetric:
    """Compute the share of verdicts that judging the journal once more gives again.

    What software and clock measured must be on record too.
    """
    found = selection.run.reproduction
    if found is None or not found.verdicts:
        return _open(selection, "reproduced_decisions", "no verdict was given twice")
    if not selection.instrument:
        why = "versions and clock of the measuring computer are not on record"
        return _open(selection, "reproduced_decisions", why)
    method = "census of verdicts, judged again from the journal's observations"
    metric = exact_share(
        selection, "reproduced_decisions", found.same, found.verdicts, method=method
    )
    return MeasuredMetric(metric=metric)


def clock_unknown(selection: Selection) -> MeasuredMetric:
    """Count the instrument records with a clock whose error is unknown or above a second."""
    records = selection.instrument
    if not records:
        why = "the state of this machine's clock is not on record"
        metric = census(selection, "clock_unknown", 0, 0, 0, method=NOT_SHOWN)
        return MeasuredMetric(metric=metric, barred=why)
    clocks = [record.clock for record in records]
    wrong = [one for one in clocks if not one.is_exact]
    ages = [one.longest_age for one in clocks if one.longest_age is not None]
    method = f"census of instrument records; error at most {CLOCK_WITHIN:g} s"
    if ages:
        method += f"; last set at most {max(ages):.0f} s before"
    metric = census(selection, "clock_unknown", len(wrong), len(records), 0, method=method)
    return MeasuredMetric(metric=metric, barred=wrong[0].description if wrong else "")


def _open(selection: Selection, name: str, why: str) -> MeasuredMetric:
    """Return a share of which nothing was measured, with the reason."""
    metric = exact_share(selection, name, 0, 0, method=NOT_SHOWN)
    return MeasuredMetric(metric=metric, barred=why)
