"""Collect the trials of techniques, and of the plain forms of their pages, with their verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from harness.judge.liveness import PASSED_ON_RETRY
from harness.model.batch import turn_of
from harness.model.corpus import TWIN, VECTOR
from harness.model.facts import ArrivalFacts, SentStep, TechniqueFacts, WebFacts
from harness.model.observation import Observation
from harness.model.technique import (
    PLAIN_PROBES,
    PROBE,
    TechniqueCase,
    case_of_item,
)
from harness.model.technique_matrix import ServiceTechniques, TechniqueAnswer, TechniqueTrial
from harness.model.verdict import BRACKET_FAILED, Mechanism, State, Trial, Verdict

ARRIVED = frozenset({"seen", "elsewhere"})
"""Sightings of the token by which a page can have arrived."""


class TechniqueTrials:
    """The trials of techniques in a journal, held in memory: there are few of them."""

    def __init__(self) -> None:
        self._trials: list[TechniqueTrial] = []
        self._origin_saw: dict[str, tuple[str, ...]] = {}

    def separate(self, observations: Iterable[Observation]) -> Iterator[Observation]:
        """Yield the other observations; keep what the origin saw."""
        for one in observations:
            if isinstance(one.facts, ArrivalFacts):
                more = (f"and {one.facts.more} more",) if one.facts.more else ()
                self._origin_saw[one.nonce] = (*one.facts.arrivals, *more)
            else:
                yield one

    def count(self, trial: Trial, verdict: Verdict) -> None:
        """Keep a trial of a technique or of its plain form; ignore all others, and twins."""
        item = trial.service.item
        case = case_of_item(item) if item.kind == VECTOR else None
        if case is None or item.stratum.startswith(TWIN):
            return
        if trial.key.probe in (PROBE, PLAIN_PROBES[case.scheme]):
            self._trials.append(_trial(trial, verdict, case))

    @property
    def techniques(self) -> ServiceTechniques:
        """What was kept so far."""
        return ServiceTechniques(trials=tuple(self._trials), origin_saw=self._origin_saw)


def _trial(trial: Trial, verdict: Verdict, case: TechniqueCase) -> TechniqueTrial:
    seen, item = trial.service, trial.service.item
    is_plain = trial.key.probe != PROBE
    is_blocked = verdict.state is State.BLOCKED
    return TechniqueTrial(
        item=item.id,
        case=case,
        line=trial.key.line,
        profile=trial.key.profile,
        turn=turn_of(trial.key.round),
        state=verdict.state,
        is_plain=is_plain,
        statement="" if item.is_sensitive else item.value,
        category=item.category,
        mechanism=verdict.mechanism if is_blocked else Mechanism.NONE,
        is_void=verdict.rule == BRACKET_FAILED,
        obstacle=_obstacle(seen) or _obstacle(trial.control),
        has_token=verdict.rule == PASSED_ON_RETRY or _has_token(seen),
        is_withheld=item.is_sensitive,
        reasons=() if is_plain else verdict.witnesses,
        nonce=seen.nonce,
        sent=() if is_plain else _sent(seen),
        answer=TechniqueAnswer() if is_plain else _answer(seen),
    )


def _obstacle(seen: Observation | None) -> str:
    """Why the line or the origin cannot carry the technique, by the probe; empty if both can."""
    facts = seen.facts if seen is not None else None
    return facts.obstacle if isinstance(facts, TechniqueFacts) else ""


def _has_token(seen: Observation) -> bool:
    facts = seen.facts
    pages = (facts, *facts.inner) if isinstance(facts, WebFacts) else ()
    return any(page.canary in ARRIVED for page in pages)


def _sent(seen: Observation) -> tuple[SentStep, ...]:
    """What the steps sent; of a sensitive item without the bytes."""
    sent = seen.facts.sent if isinstance(seen.facts, TechniqueFacts) else ()
    if not seen.item.is_sensitive:
        return sent
    return tuple(SentStep(step=one.step, to=one.to, size=one.size) for one in sent)


def _answer(seen: Observation) -> TechniqueAnswer:
    """What came; of a sensitive item without texts. Nothing came of what was not carried."""
    if _obstacle(seen):
        return TechniqueAnswer()
    facts = seen.facts if isinstance(seen.facts, WebFacts) else None
    failure, is_sensitive = seen.failure, seen.item.is_sensitive
    certificate = facts.certificate if facts is not None else None
    return TechniqueAnswer(
        status=facts.status if facts is not None else None,
        tunnel_status=facts.tunnel_status if facts is not None else None,
        title=facts.title if facts is not None and not is_sensitive else "",
        failure=failure.name if failure is not None else "",
        stage=failure.stage if failure is not None else "",
        detail=failure.detail if failure is not None and not is_sensitive else "",
        issuer=certificate.issuer if certificate is not None else "",
    )
