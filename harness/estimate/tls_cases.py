"""How the cases of checks of TLS count: which trials speak against a service, and which for it.

What a service does with a fault shows something in its favour only if a good host of the same
origin comes through it: one that lets nothing through has checked nothing. A fault that was let
through counts in any case.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from typing import NamedTuple

from harness.estimate.item_selection import Selection
from harness.estimate.log_selection import census, exact_share, part
from harness.estimate.rates import MeasuredMetric
from harness.model.condition import Condition
from harness.model.metric import Part, Source
from harness.model.outcome import Witness
from harness.model.tls_check import CASES, cases_of
from harness.model.tls_trial import END_WORDS, TOLD, UNKNOWN, TlsEnd, TlsTrial

COMES_THROUGH = "a good host of the same origin comes through the service"

REPEATED = 2
"""Connections that must be cut or refused before that counts: one alone may be an accident."""

SINGLE_ACCIDENTS: frozenset[TlsEnd] = frozenset({"cut", "refused"})


class CaseCount(NamedTuple):
    """One case: the trials against the service, how many are for it, and how many undecided."""

    words: str
    wrong: tuple[TlsTrial, ...]
    right: int
    undecided: int

    @property
    def is_decided(self) -> bool:
        """Whether a trial is against the service, or all are for it."""
        return bool(self.wrong) or (self.right > 0 and not self.undecided)

    def as_part(self, selection: Selection) -> Part:
        """The case as a part of a metric that counts what is wrong."""
        wrong = len(self.wrong)
        return part(selection, self.words, wrong, wrong + self.right, self.undecided)

    def as_share(self, selection: Selection, *, of_right: bool = True) -> Part:
        """The case as a part of a share: of what is right, or of what is wrong."""
        wrong, right = len(self.wrong), self.right
        name, k = selection.measure.metric, right if of_right else wrong
        metric = exact_share(selection, name, k, wrong + right, self.undecided, method="census")
        return Part(group=self.words, source=Source(), metric=metric, of_items=False)


Answer = bool | None
"""Whether a trial is as it has to be; None if that is not known."""


def trials_of(selection: Selection) -> dict[str, list[TlsTrial]]:
    """Return the trials by case; of one that was repeated because its batch was void, the last."""
    latest: dict[tuple[str, int], TlsTrial] = {}
    for one in selection.records.tls.trials:
        known = latest.get((one.item, one.turn))
        if known is None or not one.is_void or known.is_void:
            latest[one.item, one.turn] = one
    by_case: defaultdict[str, list[TlsTrial]] = defaultdict(list)
    for one in latest.values():
        by_case[one.case].append(one)
    return by_case


def comes_through(selection: Selection) -> bool:
    """Whether a good host came through the service."""
    return any(one.came for one in trials_of(selection).get("good", ()))


def carried(selection: Selection) -> Condition:
    """The condition that a good host comes through."""
    held = True if comes_through(selection) else None
    return Condition(name=COMES_THROUGH, held=held)


def count_cases(
    selection: Selection, words: Mapping[str, str], is_right: Callable[[TlsEnd], Answer]
) -> list[CaseCount]:
    """Count the trials of the cases that ``words`` names by what became of the fault."""
    trials, is_carried = trials_of(selection), comes_through(selection)

    def answer(unknown: Collection[TlsEnd], trial: TlsTrial) -> Answer:
        known = trial.end == "let through" or (is_carried and trial.end not in unknown)
        return is_right(trial.end) if known else None

    counted = []
    for case, text in words.items():
        own = trials.get(case, [])
        known = {one.end for one in own} - UNKNOWN
        is_repeated = known <= SINGLE_ACCIDENTS and len(own) >= REPEATED
        unknown = frozenset[TlsEnd]() if is_repeated else SINGLE_ACCIDENTS
        counted.append(count_trials(text, own, partial(answer, unknown)))
    return counted


def count_trials(
    words: str, trials: Iterable[TlsTrial], answer: Callable[[TlsTrial], Answer]
) -> CaseCount:
    """Count trials as one case."""
    answers = [(one, answer(one)) for one in trials]
    return CaseCount(
        words=words,
        wrong=tuple(one for one, found in answers if found is False),
        right=sum(found is True for _, found in answers),
        undecided=sum(found is None for _, found in answers),
    )


def faults_hidden(selection: Selection, group: str = "certificate") -> list[CaseCount]:
    """Count the faults of a group that were let through."""
    words = cases_of("certificate" if group == "certificate" else "parameters")
    return count_cases(
        selection, words, lambda end: None if end in UNKNOWN else end != "let through"
    )


def errors_told(selection: Selection) -> list[CaseCount]:
    """Count the faults of certificates of which the user is told."""
    words = cases_of("certificate")
    return count_cases(selection, words, lambda end: None if end in UNKNOWN else end in TOLD)


def measured_cases(
    selection: Selection, name: str, cases: list[CaseCount], method: str
) -> MeasuredMetric:
    """Return the number of cases against the service; every case must be decided."""
    wrong = sum(bool(one.wrong) for one in cases)
    decided = sum(one.is_decided for one in cases)
    tried = any(one.right or one.wrong or one.undecided for one in cases)
    metric = census(
        selection,
        name,
        wrong,
        decided,
        len(cases) - decided if tried else 0,
        method=method,
        parts=tuple(one.as_part(selection) for one in cases),
    )
    return MeasuredMetric(
        metric=metric,
        witnesses=witnesses(cases),
        conditions=(carried(selection),) if tried else (),
    )


def witnesses(cases: Iterable[CaseCount]) -> tuple[Witness, ...]:
    """The trials against the service."""
    return tuple(witness(trial) for case in cases for trial in case.wrong)


def witness(trial: TlsTrial) -> Witness:
    """A trial that speaks against the service."""
    return Witness(
        item=trial.item,
        value=f"{trial.host}: {CASES[trial.case].words}",
        category="CTRL",
        state="allowed" if trial.came else "blocked",
        mechanism="none",
        rule="tls",
        saw=tuple(_saw(trial)),
    )


def _saw(trial: TlsTrial) -> Iterable[str]:
    if trial.group in ("certificate", "parameters"):
        yield END_WORDS[trial.end]
    for where, views in (("service", trial.views), ("control", trial.control)):
        for one in views:
            ended = f"{one.failure} ({one.detail})" if one.failure else f"status {one.status}"
            issuer = f", issuer {one.issuer}" if one.issuer else ""
            opened = f"{one.version} {one.cipher}{issuer}, " if one.version else ""
            yield f"{where}, {one.client} client: {opened}{ended}"
