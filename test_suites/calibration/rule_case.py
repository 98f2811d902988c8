"""A case of a rule: what was seen, and the verdict that it must get."""

from __future__ import annotations

from dataclasses import dataclass

from harness.judge.filter_fingerprints import NO_FINGERPRINTS, FilterFingerprints
from harness.model.verdict import Mechanism, State, Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleCase:
    """A trial, what was learned of its line, and the verdict it must get."""

    rule: str
    trial: Trial
    state: State
    mechanism: Mechanism = Mechanism.NONE
    fingerprints: FilterFingerprints = NO_FINGERPRINTS
    alone: bool = False


def case(
    rule: str,
    made: Trial,
    state: State,
    mechanism: Mechanism = Mechanism.NONE,
    *,
    fingerprints: FilterFingerprints = NO_FINGERPRINTS,
    alone: bool = False,
) -> RuleCase:
    return RuleCase(
        rule=rule,
        trial=made,
        state=state,
        mechanism=mechanism,
        fingerprints=fingerprints,
        alone=alone,
    )
