"""Gates: requirements on the quality of the test, and the outcomes that each of them guards.

A gate that is not met never fails a supplier. What it guards becomes *insufficient*, because the
evidence cannot be relied on (METHOD (a), rows TQ). ``GATES`` is the one table that says which gate
guards what.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.model.scheme import Requirement

Lifts = Literal["all", "sampled", "none"]
"""Which failures a gate makes undecided: all, those that are decided by a sample, or none."""

WITHOUT_CONTROL = frozenset({"logging", "alerting", "email"})
"""Areas whose outcomes rest on the service's records, and not on items beside a control."""

DURATIONS = frozenset(
    {
        "alert_delay", "alert_escalation_delay", "appeal_delay", "discovery_delay", "drift_alerts",
        "list_update_delay", "log_visibility_delay", "mail_delivery_delay", "outage_alerts",
        "overrides_alive", "policy_change_delay", "recategorisation_delay", "reevaluation_delay",
    }
)  # fmt: skip
"""Metrics that compare the time of this machine's clock with the time of an event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What the gate with a metric guards: ``guards`` says it in words.

    ``kinds`` are kinds of items, ``metrics`` names of metrics, ``areas`` areas of requirements, and
    ``not_areas`` areas that are left out; an empty set limits nothing. A gate that a service could
    break by itself has ``lifts="none"``, so that no service escapes a failure by breaking it.
    """

    metric: str
    guards: str
    lifts: Lifts
    kinds: frozenset[str] = frozenset()
    metrics: frozenset[str] = frozenset()
    areas: frozenset[str] = frozenset()
    not_areas: frozenset[str] = frozenset()

    def is_over(self, requirement: Requirement, kind: str) -> bool:
        """Whether it guards an outcome of a requirement that rests on a kind of items."""
        return (
            requirement.rule not in ("gate", "report", "evidence")
            and (not self.kinds or kind in self.kinds)
            and (not self.metrics or requirement.measure.metric in self.metrics)
            and (not self.areas or requirement.area in self.areas)
            and requirement.area not in self.not_areas
        )


GATES: dict[str, Gate] = {
    gate.metric: gate
    for gate in (
        Gate(
            metric="control_success",
            guards="every favourable outcome that rests on items",
            lifts="none",
            not_areas=WITHOUT_CONTROL,
        ),
        Gate(
            metric="label_error",
            guards="every outcome that rests on real items, whose labels people gave",
            lifts="all",
            kinds=frozenset({"real"}),
        ),
        Gate(
            metric="indeterminate_share",
            guards="every favourable outcome that rests on items",
            lifts="none",
            not_areas=WITHOUT_CONTROL,
        ),
        Gate(
            metric="seed_commitment",
            guards="every outcome that rests on real items or content pages; an item that is seen "
            "to get through still counts where every item counts",
            lifts="sampled",
            kinds=frozenset({"real", "content"}),
        ),
        Gate(metric="reproduced_decisions", guards="every outcome", lifts="all"),
        Gate(
            metric="clock_unknown",
            guards="every outcome about the time from an event to its effect",
            lifts="all",
            metrics=DURATIONS,
        ),
        Gate(
            metric="instrument_record",
            guards="every outcome about TLS",
            lifts="all",
            areas=frozenset({"tls"}),
        ),
    )
}
"""The gates by metric. ``pupil_difference`` (TQ-10) is none of them: it is a precondition of all
outcomes in every scheme (``harness.estimate.plain_twins.same_treatment``)."""


def gate_of(requirement: Requirement) -> Gate | None:
    """Return the gate that a requirement is, or ``None``."""
    return GATES.get(requirement.measure.metric) if requirement.rule == "gate" else None


def named_gate(requirement: Requirement) -> str:
    """Return the words with which every reason that names this gate begins."""
    return f"gate {requirement.id} ({requirement.subject}) is not met"
