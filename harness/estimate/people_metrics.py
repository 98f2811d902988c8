"""Metrics that are computed from what people state of documents, records and conversations.

Each thing that is asked is a condition: met, not met, or open. A share counts the conditions that
are met. A figure, such as an age, is compared with the scheme's threshold, and its other conditions
have to be met as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from msgspec import UNSET

from harness.estimate.item_selection import Selection
from harness.estimate.people_agreement import Stated, stated_by_all, why_not_counted
from harness.estimate.rates import MeasuredMetric
from harness.model.condition import Condition
from harness.model.metric import Metric
from harness.model.metric_spec import spec_of
from harness.model.outcome import Witness
from harness.model.people_answer import PeopleAnswer, PeopleEvidence
from harness.model.people_question import CHOICES, Ask, Question, day_of, times_of
from harness.model.signature import BY_NAME_ONLY
from harness.schemes.people_questions import question_of

METHOD = "stated by two reviewers, each alone"
COUNTS = "what two people state, each alone, counts"
"""The condition that is open where nothing does that they state."""
RULE = "people"
"""The rule of witnesses that people stated."""

LAST = date.max - timedelta(days=1)
"""The last day that has a next one."""

TIMES = frozenset({"time", "times"})


def share_of_conditions(selection: Selection) -> MeasuredMetric:
    """Compute the share of conditions that are met, of those on which the reviewers agree."""
    stated = statements(selection, selection.measure.metric)
    met = sum(one.held is True for one in stated.conditions)
    decided = sum(one.held is not None for one in stated.conditions)
    return _measured(selection, stated, met / decided if decided else None, met, decided)


def stated_figure(selection: Selection) -> MeasuredMetric:
    """Compute the figure of a question: an age, a number, or how many keys are shared.

    ``k`` counts the conditions that are not met.
    """
    stated = statements(selection, selection.measure.metric)
    wrong = sum(one.held is False for one in stated.conditions)
    decided = sum(one.held is not None for one in stated.conditions)
    return _measured(selection, stated, stated.figure, wrong, decided)


class Statements:
    """What people state about a question: the figure, the conditions, and on what they rest."""

    def __init__(
        self, question: Question, answers: Sequence[PeopleAnswer], used: datetime | None
    ) -> None:
        self.question = question
        last = max(one.at for one in answers)
        stated = stated_by_all(question, answers)
        expiry = _Expiry(question, answers, stated)
        whole = why_not_counted(answers)
        if not whole and expiry.has_passed(last, max(last, used or last)):
            whole = f"the evidence expired on {expiry.day}: judge it again (accredit assess)"
        self.figure = None if whole else _figure(question, stated, last)
        each = tuple(_condition(one, stated, last) for one in question.asks)
        self.conditions = (Condition(name=COUNTS, held=None, detail=whole),) if whole else each
        self.evidence = PeopleEvidence(
            answers=tuple(answers),
            methods=question.methods,
            expires=expiry.day,
            stated=tuple(one.words for one in self.conditions),
            identities=BY_NAME_ONLY if any(one.is_by_name_only for one in answers) else UNSET,
        )

    @property
    def witnesses(self) -> tuple[Witness, ...]:
        """The conditions that are not met."""
        return tuple(
            Witness(
                item=self.question.requirement,
                value=one.name,
                category="CTRL",
                state="not met",
                mechanism="none",
                rule=RULE,
                saw=(one.detail,),
            )
            for one in self.conditions
            if one.held is False
        )


class _Nothing:
    """Nobody stated anything."""

    figure = None
    conditions: tuple[Condition, ...] = ()
    witnesses: tuple[Witness, ...] = ()
    evidence = None


def statements(selection: Selection, metric: str) -> Statements | _Nothing:
    """Return what people state about the question of a metric.

    Evidence must not have expired when the campaign last measured, or when the last of the
    reviewers answered.
    """
    if not selection.records.people.answers:
        return _Nothing()
    question = question_of(metric)
    answers = selection.records.people.about(question.requirement) if question else ()
    if question is None or not answers:
        return _Nothing()
    used = max((one.at for one in selection.instrument), default=None)
    return Statements(question, answers, used)


def _measured(
    selection: Selection, stated: Statements | _Nothing, value: float | None, k: int, n: int
) -> MeasuredMetric:
    metric = Metric(
        name=selection.measure.metric,
        unit=spec_of(selection.measure.metric).unit,
        value=value,
        k=k,
        n=n,
        indeterminate=len(stated.conditions) - n,
        lower=value,
        upper=value,
        method=METHOD,
        alpha=selection.alpha,
    )
    return MeasuredMetric(
        metric=metric,
        conditions=stated.conditions,
        witnesses=stated.witnesses,
        people=stated.evidence,
    )


class _Expiry:
    """The first day on which evidence does not count.

    It counts for the days that the question allows, from the first answer or from what it names,
    and no longer than the documents say themselves.
    """

    def __init__(
        self, question: Question, answers: Sequence[PeopleAnswer], stated: Mapping[str, Stated]
    ) -> None:
        counts = timedelta(days=question.valid_days + 1)
        ends = [min(one.until, LAST) + timedelta(days=1) for one in answers if one.until]
        ends.append(_day(min(one.at for one in answers)) + counts)
        own = date.max
        ask = question.ask(question.valid_from)
        if ask is not None and (value := stated[ask.key].value):
            own = counts + (times_of(value)[0].date() if ask.kind in TIMES else day_of(value))
        is_limited = ask is not None and (ask.figure or ask.within_days is not None)
        self._own = own if is_limited else date.max
        self._others = min((*ends, own)) if not is_limited else min(ends)
        self.day = min(self._own, self._others)

    def has_passed(self, answered: datetime, used: datetime) -> bool:
        """Whether the evidence had expired when it was used.

        A record that was too old when people stated its day has not expired: it shows that the
        requirement was not met.
        """
        return self._others <= _day(used) or _day(answered) < self._own <= _day(used)


def _day(at: datetime) -> date:
    return at.astimezone(UTC).date()


def _figure(question: Question, stated: Mapping[str, Stated], last: datetime) -> float | None:
    """The figure that the reviewers state; ``None`` if it is open."""
    ask = question.figure
    if ask is None or not (value := stated[ask.key].value):
        return None
    if ask.kind == "day":
        return float((_day(last) - day_of(value)).days)
    if ask.kind == "keys":
        keys = value.split(", ")
        return float(len(keys) - len(set(keys)))
    if ask.kind not in TIMES:
        return float(value)
    read = stated[ask.read_at].value if ask.read_at else last.isoformat()
    if not read or times_of(value)[-1] > times_of(read)[0]:
        return None
    times = (*times_of(value), times_of(read)[0])
    return max((after - before) / timedelta(hours=1) for before, after in pairwise(times))


def _condition(ask: Ask, stated: Mapping[str, Stated], last: datetime) -> Condition:
    one, words = stated[ask.key], ask.words.rstrip("?")
    name = f"{words!r} is {'stated' if ask.figure else 'as required'}"
    if not one.value:
        return Condition(name=name, held=None, detail=one.why)
    read = stated[ask.read_at].value if ask.read_at else ""
    if read and times_of(one.value)[-1] > times_of(read)[0]:
        why = f"{one.value} is later than {read}, when it was read"
        return Condition(name=name, held=None, detail=why)
    return Condition(name=name, held=ask.figure or _is_met(ask, one.value, last), detail=one.value)


def _is_met(ask: Ask, value: str, last: datetime) -> bool:
    """Whether what is stated meets what is asked; without a limit, any statement does."""
    if ask.kind == "check":
        return value == ask.wanted
    if ask.kind in CHOICES:
        return value == CHOICES[ask.kind][0]
    if ask.kind == "number":
        number = float(value)
        enough = ask.at_least is None or number >= ask.at_least
        return enough and (ask.below is None or number < ask.below)
    if ask.kind == "day" and ask.within_days is not None:
        return (_day(last) - day_of(value)).days <= ask.within_days
    return True
