"""Ways round the filter, for people: techniques counted by group, class and place, and each cell.

A technique is counted by its worst state over all places; a place is a profile on a line. Text from
pages and of what was sent is hostile input, which the page and the terminal escape.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.model.outcome import Assessment
from harness.model.technique import GROUPS
from harness.model.technique_matrix import (
    COUNTED,
    STATE_WORDS,
    TechniqueAnswer,
    TechniqueCell,
    TechniqueMatrix,
    TechniquePlace,
    TechniqueRow,
    TechniqueState,
    classes_of,
    worst_of,
)
from harness.model.verdict import Mechanism, State
from reports.words import FAILURES, STAGES, STATES, capitalised, mechanism_name

Status = Literal["does-not-conform", "insufficient", "conforms", "information"]

STATUSES: dict[TechniqueState | None, Status] = {
    TechniqueState.GOT_THROUGH: "does-not-conform",
    TechniqueState.NOT_DECIDED: "insufficient",
    TechniqueState.STOPPED: "conforms",
    TechniqueState.NOT_NEEDED: "information",
    TechniqueState.NOT_CARRIED: "information",
    None: "information",
}
"""The sign of a state; None is that of a technique that was not tried."""

SHORT_WORDS: dict[TechniqueState | None, str] = {
    TechniqueState.GOT_THROUGH: "got through",
    TechniqueState.NOT_DECIDED: "not decided",
    TechniqueState.STOPPED: "stopped",
    TechniqueState.NOT_NEEDED: "not needed",
    TechniqueState.NOT_CARRIED: "not carried",
    None: "not tried",
}
"""The states as they stand in a cell; ``KEY`` explains them."""

_MEANINGS: tuple[tuple[TechniqueState, str], ...] = (
    (
        TechniqueState.GOT_THROUGH,
        "the page is blocked when asked for plainly, and arrived by the technique",
    ),
    (TechniqueState.STOPPED, "the page is blocked when asked for plainly, and by the technique"),
    (TechniqueState.NOT_DECIDED, "it could not be told which of the two is true"),
    (TechniqueState.NOT_NEEDED, "the page is not blocked when asked for plainly either"),
    (
        TechniqueState.NOT_CARRIED,
        "the origin or this line cannot carry the technique, or it fails without the filter too",
    ),
)

KEY = tuple((STATUSES[state], SHORT_WORDS[state], meaning) for state, meaning in _MEANINGS)
"""Sign, word and meaning of each state, in the order of reading."""

NOTED = frozenset({TechniqueState.NOT_DECIDED, TechniqueState.NOT_CARRIED})
"""States of which a cell shows the reason without being opened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """How many techniques ended in each state."""

    states: Counter[TechniqueState | None]

    @classmethod
    def of(cls, states: Iterable[TechniqueState | None]) -> Counted:
        """Count states; None is a technique that was not tried."""
        return cls(states=Counter(states))

    @property
    def through(self) -> int:
        """How many got through."""
        return self.states[TechniqueState.GOT_THROUGH]

    @property
    def tried(self) -> int:
        """How many could be tried: all but those that were not needed, not carried, not tried."""
        return sum(self.states[each] for each in COUNTED)

    @property
    def status(self) -> Status:
        """The sign of the worst state."""
        return STATUSES[worst_of(each for each in self.states if each is not None)]

    @property
    def text(self) -> str:
        """The counts in words: "2 of 31 got through, 1 not decided"."""
        return self._said(" got through")

    @property
    def brief(self) -> str:
        """The same below a title that says what is counted: "2 of 31, 1 not decided"."""
        return self._said("")

    def _said(self, verb: str) -> str:
        undecided = self.states[TechniqueState.NOT_DECIDED]
        if not self.tried:
            reasons = [
                f"{count} {SHORT_WORDS[state]}"
                for state in (TechniqueState.NOT_NEEDED, TechniqueState.NOT_CARRIED, None)
                if (count := self.states[state])
            ]
            return ", ".join(reasons) or SHORT_WORDS[None]
        text = f"{self.through} of {self.tried}{verb}"
        return f"{text}, {undecided} not decided" if undecided else text


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one step sent, in words."""

    name: str
    to: str
    size: str
    data: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell in words; ``note`` is a short reason. Without ``is_tried`` there are no details."""

    text: str
    status: Status
    note: str = ""
    is_tried: bool = True
    is_withheld: bool = False
    reasons: tuple[str, ...] = ()
    plain: str = ""
    sent: tuple[Step, ...] = ()
    came: tuple[tuple[str, str], ...] = ()
    saw: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One technique of a class, with a cell for each place."""

    item: str
    statement: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TechniqueClass:
    """One class of techniques: its counts, over all places and at each, and its techniques."""

    words: str
    counted: Counted
    by_place: tuple[Counted, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TechniqueGroup:
    """One group of techniques: its counts, over all places and at each, and its classes."""

    title: str
    counted: Counted
    by_place: tuple[Counted, ...]
    classes: tuple[TechniqueClass, ...]

    @property
    def is_tried(self) -> bool:
        """Whether any of its techniques was tried."""
        return any(one.rows for one in self.classes)

    @property
    def counts(self) -> tuple[tuple[str, int], ...]:
        """How many techniques ended in each state, in the order of the columns."""
        states = (state for state, _ in _MEANINGS)
        return tuple((capitalised(SHORT_WORDS[each]), self.counted.states[each]) for each in states)

    @property
    def worst_first(self) -> tuple[TechniqueClass, ...]:
        """The classes; those that got through first, those that were not tried last."""
        signs = [STATUSES[state] for state in TechniqueState]
        return tuple(sorted(self.classes, key=lambda one: signs.index(one.counted.status)))


@dataclass(frozen=True, slots=True, kw_only=True)
class TechniqueTable:
    """All techniques: counts, the places in words, and the groups."""

    counted: Counted
    places: tuple[str, ...]
    by_place: tuple[Counted, ...]
    groups: tuple[TechniqueGroup, ...]

    @property
    def undecided(self) -> int:
        """How many could not be decided anywhere that they did not get through."""
        return self.counted.states[TechniqueState.NOT_DECIDED]


def technique_table(assessment: Assessment) -> TechniqueTable | None:
    """The techniques of an assessment; None if none was tried."""
    matrix = assessment.techniques
    if matrix is None:
        return None
    return TechniqueTable(
        counted=Counted.of(row.worst for row in matrix.rows),
        places=tuple(map(place_name, matrix.places)),
        by_place=_by_place(matrix, matrix.rows),
        groups=tuple(
            _group(matrix, name, own)
            for name in GROUPS
            if (own := [row for row in matrix.rows if row.group == name]) or GROUPS[name].classes
        ),
    )


def place_name(place: TechniquePlace) -> str:
    """A place in words: "pupils on proxy"."""
    return f"{place.profile} on {place.line}"


def got_through(assessment: Assessment) -> tuple[tuple[str, str, str], ...]:
    """Class in words, item and places of each technique that got through."""
    matrix = assessment.techniques
    if matrix is None:
        return ()
    return tuple(
        (row.words, row.item, ", ".join(_through_places(matrix, row)))
        for row in matrix.rows
        if row.worst is TechniqueState.GOT_THROUGH
    )


def _through_places(matrix: TechniqueMatrix, row: TechniqueRow) -> list[str]:
    return [
        place_name(place)
        for place, cell in zip(matrix.places, row.cells, strict=True)
        if cell is not None and cell.state is TechniqueState.GOT_THROUGH
    ]


def _by_place(matrix: TechniqueMatrix, rows: Sequence[TechniqueRow]) -> tuple[Counted, ...]:
    return tuple(
        Counted.of(cell.state if (cell := row.cells[at]) is not None else None for row in rows)
        for at in range(len(matrix.places))
    )


def _group(matrix: TechniqueMatrix, name: str, rows: list[TechniqueRow]) -> TechniqueGroup:
    classes = [
        (words, [row for row in rows if row.name == one]) for one, words in classes_of(name, rows)
    ]
    return TechniqueGroup(
        title=capitalised(GROUPS[name].words),
        counted=Counted.of(row.worst for row in rows),
        by_place=_by_place(matrix, rows),
        classes=tuple(
            TechniqueClass(
                words=words,
                counted=Counted.of(row.worst for row in own),
                by_place=_by_place(matrix, own),
                rows=tuple(map(_row, sorted(own, key=_badness))),
            )
            for words, own in classes
        ),
    )


def _badness(row: TechniqueRow) -> int:
    """A number by which techniques that got through come first."""
    states = list(TechniqueState)
    return states.index(row.worst) if row.worst is not None else len(states)


def _row(row: TechniqueRow) -> Row:
    return Row(item=row.item, statement=row.statement, cells=tuple(map(_cell, row.cells)))


def _cell(cell: TechniqueCell | None) -> Cell:
    if cell is None:
        return Cell(text=SHORT_WORDS[None], status=STATUSES[None], is_tried=False)
    note = ""
    if cell.mechanism is not Mechanism.NONE:
        note = mechanism_name(cell.mechanism)
    elif cell.state in NOTED and cell.reasons:
        note = cell.reasons[0]
    return Cell(
        text=SHORT_WORDS[cell.state],
        status=STATUSES[cell.state],
        note=note,
        is_withheld=cell.is_withheld,
        reasons=tuple(map(capitalised, (*_state_words(cell.state), *cell.reasons))),
        plain=_plain(cell),
        sent=tuple(
            Step(name=one.step, to=one.to, size=f"{one.size:,} bytes", data=_by_lines(one.data))
            for one in cell.sent
        ),
        came=tuple(_came(cell.answer)),
        saw=cell.origin_saw,
    )


def _state_words(state: TechniqueState) -> Iterable[str]:
    """The state in words, where a cell shows fewer."""
    return (STATE_WORDS[state],) if STATE_WORDS[state] != SHORT_WORDS[state] else ()


def _by_lines(data: str) -> str:
    r"""Escaped bytes with a line break after each ``\r\n``."""
    return data.replace("\\r\\n", "\\r\\n\n").rstrip("\n")


def _plain(cell: TechniqueCell) -> str:
    """What came of the plain form: "blocked: a block page was shown"."""
    if cell.plain is None:
        return SHORT_WORDS[None]
    words = STATES[cell.plain]
    is_blocked = cell.plain is State.BLOCKED and cell.plain_mechanism is not Mechanism.NONE
    return f"{words}: {mechanism_name(cell.plain_mechanism)}" if is_blocked else words


def _came(answer: TechniqueAnswer) -> Iterable[tuple[str, str]]:
    """Names and values of what came, as far as anything did."""
    if answer.tunnel_status is not None:
        yield "Reply to CONNECT", f"status {answer.tunnel_status}"
    if answer.status is not None:
        yield "Answer", f"status {answer.status}"
    if answer.title:
        yield "Title", answer.title
    if answer.issuer:
        yield "Certificate issued by", answer.issuer
    if answer.failure:
        yield "Failure", _failure(answer)


def _failure(answer: TechniqueAnswer) -> str:
    """A failure in words: "the connection was cut off (during the TLS handshake)"."""
    words = FAILURES.get(answer.failure, answer.failure.replace("_", " "))
    stage = STAGES.get(answer.stage, answer.stage)
    return f"{words} ({stage})" if stage else words
