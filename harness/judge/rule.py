"""A rule: one branch of the judgement, as data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from harness.judge.trial_features import Case
from harness.model.verdict import Mechanism, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """If ``matches``, the verdict is ``state`` by ``mechanism``; ``says`` tells people why.

    ``saw`` names the facts of this very case, for the witnesses. ``origin_refusal`` marks
    rules under which the origin itself, not the service, turned the client away.
    """

    id: str
    matches: Callable[[Case], object]
    state: State
    says: str
    mechanism: Mechanism = Mechanism.NONE
    saw: Callable[[Case], str] | None = None
    origin_refusal: bool = False
