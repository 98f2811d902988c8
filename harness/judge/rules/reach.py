"""Rules for probes of other protocols, which only say whether the far end was reached."""

from __future__ import annotations

from harness.judge.trial_features import Rule
from harness.model.verdict import Mechanism, State

REACH_RULES: tuple[Rule, ...] = (
    Rule(
        id="reached",
        matches=lambda features: features.reach is not None and features.reach.reached,
        state=State.ALLOWED,
        says="the far end was reached",
        saw=lambda features: f"target {features.reach.target}" if features.reach else "",
    ),
    Rule(
        id="reach-refused",
        matches=lambda features: (
            features.reach is not None
            and features.reach.reached is False
            and features.reach.refusal
        ),
        state=State.BLOCKED,
        mechanism=Mechanism.OTHER,
        says="access to the far end was refused",
        saw=lambda features: features.reach.refusal if features.reach else "",
    ),
    Rule(
        id="reach-unknown",
        matches=lambda features: features.reach is not None,
        state=State.INSUFFICIENT,
        says="it is not known whether the far end was reached",
    ),
)
