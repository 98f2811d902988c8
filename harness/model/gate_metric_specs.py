"""Specifications of the metrics that gates compare: the quality of the test itself."""

from __future__ import annotations

from harness.model.metric_form import MetricSpec

# fmt: off
GATE_METRICS = (
    MetricSpec(name="clock_unknown", unit="items",
               counts="instrument records whose clock may be wrong by more than a second",
               words="clock readings that may be wrong by more than a second",
               function="gate_metrics:clock_unknown", counts_items=False),
    MetricSpec(name="label_error", unit="share",
               counts="audited labels that are wrong, of the worst pack of real items",
               words="share of labels that may be wrong", function="gate_metrics:label_error",
               bounds="shown", counts_items=False),
    MetricSpec(name="reproduced_decisions", unit="share",
               counts="verdicts that judging the journal once more gives again",
               words="verdicts that a second judgement gives again",
               function="gate_metrics:reproduced_decisions", bounds="observed",
               counts_items=False),
    MetricSpec(name="seed_commitment", unit="share",
               counts="hidden packs whose sample was committed to before the run",
               words="hidden samples committed to before the run",
               function="gate_metrics:seed_commitment", bounds="observed", counts_items=False),
)
"""The metrics, by name."""
