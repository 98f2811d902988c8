"""Judge the polls of timed events: what the service did at each, if the poll shows it.

A poll counts only between sentinels that behaved as agreed, so that a filter that was off for a
while is not taken for one that followed an event. Where an event is a change of a page, the control
line must show the page as it should be at that time, with or without an agreed marker; a question
for the name of a canary shows no page.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Literal, NamedTuple

import msgspec

from harness.judge.pairing import batch_path_of, pair
from harness.judge.sentinels import check_sentinels
from harness.model.facts import DnsFacts, WebFacts
from harness.model.marker import MARKER_PREFIX
from harness.model.observation import Observation, Role
from harness.model.probe import EARLIER, Declarations
from harness.model.timed_event import SHOWS_CONTENT, EventNote, Poll
from harness.model.verdict import State, Trial, Verdict

SENTINELS: dict[str, Role] = {"sentinel-allow": "must_allow", "sentinel-block": "must_block"}
"""Roles of sentinels in a poll, by how their names begin."""

DECIDED: dict[State, Literal["blocked", "allowed"]] = {
    State.BLOCKED: "blocked",
    State.ALLOWED: "allowed",
}
NOT_AS_EXPECTED = "the control line does not show the page as the event says"


class PollTrials:
    """The polls of a journal, held in memory: there are few of them."""

    def __init__(self, probes: Declarations = EARLIER) -> None:
        self._probes = probes
        self._seen: list[Observation] = []
        self.polls: tuple[Poll, ...] = ()

    def separate(self, observations: Iterable[Observation]) -> Iterator[Observation]:
        """Yield the other observations; keep the polls."""
        for one in observations:
            if one.role == "poll":
                role = role_of_sentinel(one) if not one.event else "item"
                self._seen.append(msgspec.structs.replace(one, role=role))
            else:
                yield one

    def judge(self, judged: Callable[[Trial], Verdict]) -> None:
        """Judge all polls that were kept."""
        polls = (_poll(*each) for each in judged_beside_sentinels(self._seen, judged, self._probes))
        self.polls = tuple(sorted(polls, key=lambda one: (one.event, one.started)))
        self._seen.clear()


class JudgedTrial(NamedTuple):
    """A trial, its verdict, and what was wrong with the sentinels beside it; empty if nothing."""

    trial: Trial
    verdict: Verdict
    fault: str


def judged_beside_sentinels(
    seen: Iterable[Observation], judged: Callable[[Trial], Verdict], probes: Declarations
) -> Iterator[JudgedTrial]:
    """Judge trials batch by batch, and check the sentinels of each batch."""
    batches: defaultdict[int, list[Observation]] = defaultdict(list)
    for one in seen:
        batches[one.batch].append(one)
    for batch in batches.values():
        pairs = pair(batch)
        faults = {
            path: check_sentinels(path, [(one, judged(one)) for one in trials], probes)
            for path, trials in pairs.sentinels.items()
        }
        for trial in pairs.trials:
            path = batch_path_of(trial.service)
            fault = faults[path].detail if path in faults else f"no sentinels on {path.line}"
            yield JudgedTrial(trial, judged(trial), fault)


def role_of_sentinel(observation: Observation) -> Role:
    """The role of a sentinel by its name, in a batch whose role is another; *item* for others."""
    return SENTINELS.get("-".join(observation.item.id.split("-")[:2]), "item")


def _poll(trial: Trial, verdict: Verdict, fault: str) -> Poll:
    """The poll of a trial. In an outage the service need not block the sentinels."""
    service = trial.service
    note = service.event
    assert note is not None
    decided = DECIDED.get(verdict.state)
    is_open = note.kind == "outage" and decided == "allowed"
    why = "" if is_open else fault or ("" if decided else "; ".join(verdict.witnesses))
    if not why and note.kind in SHOWS_CONTENT and not _is_as_expected(trial, note):
        why = NOT_AS_EXPECTED
    return Poll(
        event=service.item.id,
        note=note,
        category=service.item.category,
        line=trial.key.line,
        profile=trial.key.profile,
        probe=trial.key.probe,
        started=service.started,
        state="undecided" if why or not decided else decided,
        why=why,
    )


def _is_as_expected(trial: Trial, note: EventNote) -> bool:
    """Whether the control's page has a marker exactly if it should have one at that time."""
    control = trial.control
    facts = control.facts if control is not None else None
    if note.kind == "canary" and isinstance(facts, DnsFacts):
        return True
    if control is None or not isinstance(facts, WebFacts):
        return False
    has_happened = note.at is not None and control.started >= note.at
    is_harmful = has_happened == (note.asks == "block")
    return (MARKER_PREFIX in facts.text) == is_harmful
