"""Find trials whose control was tried too long before or after them (METHOD TQ-01)."""

from __future__ import annotations

from harness.model.probe import Declarations, declared
from harness.model.run_record import CONTROL_WITHIN, LateControls
from harness.model.verdict import Trial


class ControlTimes:
    """Counts late controls by line and profile, in memory that does not grow with the trials."""

    def __init__(self, probes: Declarations) -> None:
        self._probes = probes
        self._late: dict[tuple[str, str], tuple[int, float]] = {}

    def count(self, trial: Trial) -> None:
        """Add a trial, if its probe counts; a trial without a control is undecided anyway."""
        key, control = trial.key, trial.control
        if control is None or not declared(self._probes, key.probe).counts:
            return
        seconds = abs((trial.service.started - control.started).total_seconds())
        if seconds > CONTROL_WITHIN:
            trials, furthest = self._late.get((key.line, key.profile), (0, 0.0))
            self._late[key.line, key.profile] = trials + 1, max(furthest, seconds)

    @property
    def late(self) -> tuple[LateControls, ...]:
        """The trials with a late control, of each line and profile that has any."""
        return tuple(
            LateControls(line=line, profile=profile, trials=trials, furthest=furthest)
            for (line, profile), (trials, furthest) in sorted(self._late.items())
        )
