"""Verdicts as rows of a table: what each is about as numbers, and what it says as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from harness.model.batch import turn_of
from harness.model.outcome import Witness
from harness.model.outcome_group import ARRIVED, OPEN, Trait, is_blind, trait_of
from harness.model.verdict import BRACKET_FAILED, NOTED_PROBES, Mechanism, State, Verdict

STATES, MECHANISMS = tuple(State), tuple(Mechanism)
"""In files, a state or mechanism is its place in here."""

Place = tuple[str, str, str]

ENCODER = msgspec.json.Encoder()


DECIDED, UNDECIDED, VOID = range(3)
"""Ranks of trials: what an item is was decided, was not, or the batch said nothing at all."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One verdict: what it is about as numbers, and as a witness what it says."""

    n: int
    line: int
    place: int
    turn: int
    trait: int
    state: int
    mechanism: int
    blind: bool
    rank: int
    item: str
    domain: str
    service: float | None
    control: float | None
    told: str


class Rows:
    """Numbers lines, places (line, profile, probe) and traits of items as they come."""

    def __init__(self) -> None:
        self.lines: dict[str, int] = {}
        self.places: dict[Place, int] = {}
        self.traits: dict[Trait, int] = {}
        self.any_open = False

    def of(self, verdicts: Iterable[Verdict]) -> Iterator[Row]:
        """The rows of all verdicts that count, in their order."""
        counted = (one for one in verdicts if one.key.probe not in NOTED_PROBES)
        for number, verdict in enumerate(counted):
            key, item = verdict.key, verdict.item
            trait = trait_of(item)
            place = (key.line, key.profile, key.probe)
            rank = rank_of(verdict)
            self.any_open = self.any_open or rank > DECIDED
            service, control = verdict.first_byte_service, verdict.first_byte_control
            is_timed = verdict.state in ARRIVED and None not in (service, control)
            yield Row(
                n=number,
                line=self.lines.setdefault(key.line, len(self.lines)),
                place=self.places.setdefault(place, len(self.places)),
                turn=turn_of(key.round),
                trait=self.traits.setdefault(trait, len(self.traits)),
                state=STATES.index(verdict.state),
                mechanism=MECHANISMS.index(verdict.mechanism),
                blind=is_blind(key.probe, item),
                rank=rank,
                item=item.id,
                domain=item.registrable or item.id,
                service=service if is_timed else None,
                control=control if is_timed else None,
                told=ENCODER.encode(witness_of(verdict)).decode(),
            )


def rank_of(verdict: Verdict) -> int:
    """Of several trials of one item, one way, in one round, those of the lowest rank stand."""
    if verdict.rule == BRACKET_FAILED:
        return VOID
    return UNDECIDED if verdict.state in OPEN else DECIDED


def witness_of(verdict: Verdict) -> Witness:
    """What a verdict says, should it speak against the service."""
    return Witness(
        item=verdict.item.id,
        value=verdict.item.value,
        category=verdict.item.category,
        state=verdict.state.value,
        mechanism=verdict.mechanism.value,
        rule=verdict.rule,
        saw=verdict.witnesses,
    )
