"""Rules about probes of other protocols, which only say whether the far end was reached."""

from __future__ import annotations

from harness.judge.trial_features import Rule
from harness.model.verdict import Mechanism, State

REACH_RULES: tuple[Rule, ...] = (
    Rule(
        id="reached",
        matches=lambda case: case.reach is not None and case.reach.reached,
        state=State.ALLOWED,
        says="the far end was reached",
        saw=lambda case: f"target {case.reach.target}" if case.reach else "",
    ),
    Rule(
        id="reach-refused",
        matches=lambda case: (
            case.reach is not None and case.reach.reached is False and case.reach.refusal
        ),
        state=State.BLOCKED,
        mechanism=Mechanism.OTHER,
        says="something stood in the way of the far end",
        saw=lambda case: case.reach.refusal if case.reach else "",
    ),
    Rule(
        id="reach-unknown",
        matches=lambda case: case.reach is not None,
        state=State.INSUFFICIENT,
        says="it is not known whether the far end was reached",
    ),
)
