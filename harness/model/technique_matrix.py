"""The matrix of techniques: what came of each technique on each line for each profile.

``TechniqueTrial`` is what a journal holds of one trial; ``technique_matrix`` puts them together. A
technique *got through* only if its page arrived by it, and the plain form of the same page was
blocked on that line for that profile in the same round.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

import msgspec

from harness.model.facts import SentStep
from harness.model.technique import GROUPS, TechniqueCase, words_of
from harness.model.verdict import Mechanism, State


class TechniqueState(StrEnum):
    """What came of a technique at one place, the worst for the service first."""

    GOT_THROUGH = "got-through"
    NOT_DECIDED = "not-decided"
    STOPPED = "stopped"
    NOT_NEEDED = "not-needed"
    NOT_CARRIED = "not-carried"


STATE_WORDS: dict[TechniqueState, str] = {
    TechniqueState.GOT_THROUGH: "got through",
    TechniqueState.NOT_DECIDED: "not decided",
    TechniqueState.STOPPED: "stopped",
    TechniqueState.NOT_NEEDED: "not needed: the page is not blocked in the plain form either",
    TechniqueState.NOT_CARRIED: "not carried by the origin or this line",
}
"""The states in words."""

COUNTED = frozenset(
    {TechniqueState.GOT_THROUGH, TechniqueState.NOT_DECIDED, TechniqueState.STOPPED}
)
"""States of techniques that could be tried at a place: what "2 of 31 got through" counts."""

PLAIN_NOT_TRIED = "the plain form of the page was not tried"
PLAIN_NOT_DECIDED = "it could not be decided whether the plain form of the page is blocked"
WITHOUT_TOKEN = "a page arrived, but the origin's token did not"  # noqa: S105 - words


class TechniqueAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What came in answer to a technique.

    ``tunnel_status`` is the proxy's reply to CONNECT, ``failure`` a name of the closed list of
    failures (``harness.model.observation``) with its ``stage``, ``issuer`` that of the certificate.
    """

    status: int | None = None
    tunnel_status: int | None = None
    title: str = ""
    failure: str = ""
    stage: str = ""
    detail: str = ""
    issuer: str = ""


class TechniqueTrial(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One trial of a technique, or with ``is_plain`` of the plain form of its page.

    ``turn`` is the campaign's round. ``is_void``: its batch is void. ``obstacle`` says
    why the line or the origin cannot carry the technique; empty if both can. ``has_token``: the
    page arrived, by its token. ``reasons`` are the sentences of the verdict. Of a sensitive item
    statement, title and sent bytes are withheld.
    """

    item: str
    case: TechniqueCase
    line: str
    profile: str
    turn: int
    state: State
    is_plain: bool = False
    statement: str = ""
    category: str = ""
    mechanism: Mechanism = Mechanism.NONE
    is_void: bool = False
    obstacle: str = ""
    has_token: bool = False
    is_withheld: bool = False
    reasons: tuple[str, ...] = ()
    nonce: str = ""
    sent: tuple[SentStep, ...] = ()
    answer: TechniqueAnswer = TechniqueAnswer()


class ServiceTechniques(msgspec.Struct, frozen=True, kw_only=True):
    """The trials of techniques and of their plain forms in a journal.

    ``origin_saw`` says what the origin saw of an attempt, by its nonce.
    """

    trials: tuple[TechniqueTrial, ...] = ()
    origin_saw: dict[str, tuple[str, ...]] = {}

    def of(self, line: str, profile: str) -> ServiceTechniques:
        """Return the trials of a line and profile."""
        own = tuple(one for one in self.trials if (one.line, one.profile) == (line, profile))
        return msgspec.structs.replace(self, trials=own)

    @property
    def matrix(self) -> TechniqueMatrix | None:
        """The matrix of these trials; None if no technique was tried."""
        return technique_matrix(self.trials, self.origin_saw)


class TechniquePlace(NamedTuple):
    """A column of the matrix: a line, and the profile for which it was used."""

    line: str
    profile: str


class TechniqueCell(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What came of one technique at one place, and what was sent and seen.

    ``mechanism`` is how it was stopped, ``plain`` and ``plain_mechanism`` are what came of the
    plain form (``plain`` is empty if it was not tried). An empty ``origin_saw``: not recorded.
    """

    state: TechniqueState
    mechanism: Mechanism = Mechanism.NONE
    plain: State | None = None
    plain_mechanism: Mechanism = Mechanism.NONE
    reasons: tuple[str, ...] = ()
    sent: tuple[SentStep, ...] = ()
    answer: TechniqueAnswer = TechniqueAnswer()
    origin_saw: tuple[str, ...] = ()
    is_withheld: bool = False


class TechniqueRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One technique: a cell for each place of the matrix; ``None`` where it was not tried.

    ``group`` and ``name`` (of its class) are those of its case, ``words`` the class in words.
    """

    item: str
    group: str
    name: str
    words: str
    statement: str = ""
    category: str = ""
    cells: tuple[TechniqueCell | None, ...] = ()

    @property
    def worst(self) -> TechniqueState | None:
        """The worst state over all places; None if it was tried nowhere."""
        return worst_of(cell.state for cell in self.cells if cell is not None)


class TechniqueMatrix(msgspec.Struct, frozen=True, kw_only=True):
    """Techniques down, grouped by group and class; places across."""

    places: tuple[TechniquePlace, ...]
    rows: tuple[TechniqueRow, ...]


def worst_of(states: Iterable[TechniqueState]) -> TechniqueState | None:
    """Return the state that is worst for the service; None without any."""
    found = set(states)
    return next((each for each in TechniqueState if each in found), None)


def technique_matrix(
    trials: Iterable[TechniqueTrial], origin_saw: Mapping[str, Sequence[str]] | None = None
) -> TechniqueMatrix | None:
    """Put trials together; None if no technique was tried.

    ``origin_saw`` maps the nonce of an attempt to what the origin saw of it. Of several rounds the
    worst for the service counts; of several trials in a round, the latest that decided.
    """
    turns: dict[tuple[str, TechniquePlace], dict[int, _Turn]] = defaultdict(dict)
    cases: dict[str, TechniqueTrial] = {}
    for trial in trials:
        place = TechniquePlace(trial.line, trial.profile)
        turns[trial.item, place].setdefault(trial.turn, _Turn()).add(trial)
        if not trial.is_plain:
            cases.setdefault(trial.item, trial)
    cells = {
        key: cell
        for key, by_turn in turns.items()
        if (cell := _cell(by_turn.values(), origin_saw or {})) is not None
    }
    if not cells:
        return None
    places = tuple(dict.fromkeys(place for _, place in cells))
    return TechniqueMatrix(
        places=places,
        rows=tuple(
            _row(cases[item], tuple(cells.get((item, place)) for place in places))
            for item in sorted(cases, key=lambda name: _order(cases[name]))
        ),
    )


class _Turn:
    """The trials of one technique at one place in one round: by it, and in the plain form."""

    def __init__(self) -> None:
        self.tried: TechniqueTrial | None = None
        self.plain: TechniqueTrial | None = None

    def add(self, trial: TechniqueTrial) -> None:
        """Keep a trial, unless one that says more is kept."""
        if trial.is_plain:
            self.plain = _better(self.plain, trial)
        else:
            self.tried = _better(self.tried, trial)


UNDECIDED = frozenset({State.INSUFFICIENT, State.DOWN})


def _better(held: TechniqueTrial | None, trial: TechniqueTrial) -> TechniqueTrial:
    return trial if held is None or _rank(trial) <= _rank(held) else held


def _rank(trial: TechniqueTrial) -> tuple[bool, bool]:
    return trial.is_void, trial.state in UNDECIDED


def _cell(turns: Iterable[_Turn], origin_saw: Mapping[str, Sequence[str]]) -> TechniqueCell | None:
    """The cell of the worst round; None if no round tried the technique."""
    found = [
        _cell_of_turn(turn.tried, turn.plain, origin_saw)
        for turn in turns
        if turn.tried is not None
    ]
    worst = worst_of(cell.state for cell in found)
    return next((cell for cell in found if cell.state is worst), None)


def _cell_of_turn(
    tried: TechniqueTrial, plain: TechniqueTrial | None, origin_saw: Mapping[str, Sequence[str]]
) -> TechniqueCell:
    state, reason = _state(tried, plain)
    saw = () if tried.is_withheld else tuple(origin_saw.get(tried.nonce, ()))
    return TechniqueCell(
        state=state,
        mechanism=tried.mechanism if state is TechniqueState.STOPPED else Mechanism.NONE,
        plain=plain.state if plain is not None else None,
        plain_mechanism=plain.mechanism if plain is not None else Mechanism.NONE,
        reasons=(tried.obstacle,) if tried.obstacle else _reasons(reason, tried),
        sent=tried.sent,
        answer=tried.answer,
        origin_saw=saw,
        is_withheld=tried.is_withheld,
    )


def _reasons(reason: str, tried: TechniqueTrial) -> tuple[str, ...]:
    return tuple(filter(None, (reason, *tried.reasons)))


def _state(tried: TechniqueTrial, plain: TechniqueTrial | None) -> tuple[TechniqueState, str]:
    """The state of one round, with a reason where the technique's own verdict gives none."""
    if tried.is_void:
        return TechniqueState.NOT_DECIDED, ""
    if tried.state is State.DOWN or tried.obstacle:
        return TechniqueState.NOT_CARRIED, ""
    if plain is None:
        return TechniqueState.NOT_DECIDED, PLAIN_NOT_TRIED
    if plain.is_void or plain.state not in {State.ALLOWED, State.BLOCKED}:
        return TechniqueState.NOT_DECIDED, PLAIN_NOT_DECIDED
    if plain.state is State.ALLOWED:
        return TechniqueState.NOT_NEEDED, ""
    return _state_of_blocked_page(tried)


def _state_of_blocked_page(tried: TechniqueTrial) -> tuple[TechniqueState, str]:
    if tried.state is State.BLOCKED:
        return TechniqueState.STOPPED, ""
    if tried.state is not State.ALLOWED:
        return TechniqueState.NOT_DECIDED, ""
    if not tried.has_token:
        return TechniqueState.NOT_DECIDED, WITHOUT_TOKEN
    return TechniqueState.GOT_THROUGH, ""


def _row(trial: TechniqueTrial, cells: tuple[TechniqueCell | None, ...]) -> TechniqueRow:
    return TechniqueRow(
        item=trial.item,
        group=trial.case.group,
        name=trial.case.name,
        words=words_of(trial.case),
        statement=trial.statement,
        category=trial.category,
        cells=cells,
    )


def _order(trial: TechniqueTrial) -> tuple[int, int, str, str]:
    """Groups and classes in the order of ``GROUPS``, other classes after them; then by id."""
    groups, classes = list(GROUPS), list(GROUPS[trial.case.group].classes)
    name = trial.case.name
    place = classes.index(name) if name in classes else len(classes)
    return groups.index(trial.case.group), place, name, trial.item


def classes_of(group: str, rows: Iterable[TechniqueRow]) -> Iterator[tuple[str, str]]:
    """Yield name and words of each class that a group must hold, then of others in ``rows``."""
    known = dict(GROUPS[group].classes)
    known |= {row.name: row.words for row in rows if row.group == group and row.name not in known}
    yield from known.items()
