"""What a report shows beside the requirements: what was tried, where, and what happened to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from harness.model.corpus import is_among
from harness.model.order_statistic import order_statistic
from harness.model.outcome import (
    Assessment,
    CategoryRate,
    Conformity,
    LineUnderTest,
    Precondition,
    Witness,
    voiding,
)
from reports import phrases
from reports.requirement_table import WORST_FIRST, Axis
from reports.words import (
    LINE_TYPES,
    STATES,
    TEST_LISTS,
    capitalised,
    category_name,
    framed,
    mechanism_name,
)

OPEN = ("ALW",)
"""The taxonomy's root of what must stay open."""
CONTROL = "control"
LIMIT_SHOWN = 0.1
"""The charts of wrongly blocked sites end at 10 % or at the highest bound."""
LATE = 0.95
"""The share of pages of which the delay is told: 19 of 20."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """Counts of one category, summed over profiles and lines.

    ``upper`` is the largest upper bound of the share blocked; ``bar`` its place in the chart.
    """

    name: str
    blocked: int
    let_through: int
    undecided: int
    upper: str
    bar: float
    highest: float

    @property
    def decided(self) -> int:
        """How many items were decided."""
        return self.blocked + self.let_through


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """How long pages took to start on one line, in words, and as shares of the longest."""

    name: str
    pages: str
    half: str
    late: str
    half_bar: float
    late_bar: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One item that counts against the service."""

    name: str
    id: str
    category: str
    happened: str
    saw: tuple[str, ...]
    code: str
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One line: where and for whom it was tested, and what came of its binding checks.

    ``described`` holds site, place, device and group; each is empty where it is not named.
    """

    line: str
    type: str
    described: tuple[str, str, str, str]
    profiles: str
    items: int
    result: str
    conformity: Conformity | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Sites and places down, devices and groups across; a cell holds the lines declared for it."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[tuple[Place, ...], ...]], ...]

    @property
    def untried(self) -> int:
        """How many cells were not tried."""
        cells = [cell for _, row in self.rows for cell in row]
        return sum(not any(place.items for place in cell) for cell in cells)


def must_block(assessment: Assessment) -> tuple[Category, ...]:
    """The categories that the policy blocks; those with items let through first."""
    rates = (rate for rate in assessment.rates if _expected(rate) == "block")
    found = _categories(rates, test_lists(assessment))
    return tuple(sorted(found, key=lambda each: (-each.let_through, -each.undecided)))


def must_stay_open(assessment: Assessment) -> tuple[Category, ...]:
    """The categories of sites that must stay open; the least certain last."""
    rates = (rate for rate in assessment.rates if _expected(rate) == "allow")
    found = _categories(rates, {})
    return tuple(sorted(found, key=lambda each: (-each.blocked, each.highest)))


def left_open(assessment: Assessment) -> tuple[Category, ...]:
    """The categories of which the policy asks nothing, or leaves it to the school."""
    rates = (rate for rate in assessment.rates if _expected(rate) not in {"block", "allow"})
    return tuple(_categories(rates, test_lists(assessment)))


def waits(assessment: Assessment) -> tuple[Wait, ...]:
    """Median and 19-of-20 time to first byte of each line, the unfiltered one last."""
    timed = {name: sorted(times) for name, times in assessment.latencies.items() if times}
    ordered = sorted(timed, key=lambda name: (name == CONTROL, name))
    longest = max((order_statistic(times, LATE) for times in timed.values()), default=0.0) or 1.0
    return tuple(
        Wait(
            name="without the filter" if name == CONTROL else f"{name}, with the filter",
            pages=phrases.answers(timed[name]),
            half=phrases.quantity(order_statistic(timed[name], 0.5), "s"),
            late=phrases.quantity(order_statistic(timed[name], LATE), "s"),
            half_bar=round(order_statistic(timed[name], 0.5) / longest * 100, 2),
            late_bar=round(order_statistic(timed[name], LATE) / longest * 100, 2),
        )
        for name in ordered
    )


def means(assessment: Assessment) -> str:
    """By which means the service blocked, in a sentence if there is one."""
    if len(assessment.mechanisms) != 1:
        return ""
    ((name, count),) = assessment.mechanisms.items()
    times = f"{count:,} of {count:,} times"
    return f"{capitalised(mechanism_name(name))}: {times}."


def items(assessment: Assessment) -> tuple[Item, ...]:
    """Every item that counts against a binding check, once for each place, failures first."""
    names = test_lists(assessment)
    ordered = sorted(
        (each for each in assessment.outcomes if each.requirement.binding),
        key=lambda each: each.conformity is not Conformity.DOES_NOT_CONFORM,
    )
    found: dict[tuple[str, str, str], Item] = {}
    for outcome in ordered:
        place = f"{outcome.profile} on {outcome.line}"
        for each in outcome.witnesses:
            key = each.item, each.state, place
            found.setdefault(key, _item(each, outcome.requirement.id, place, names))
    return tuple(found.values())


def places(assessment: Assessment) -> tuple[Place, ...]:
    """Every declared line, also those on which nothing was tried."""
    known = {line.name for line in assessment.lines}
    others = dict.fromkeys(each.line for each in assessment.outcomes if each.line not in known)
    lines = (*assessment.lines, *(LineUnderTest(name=name, type="") for name in others))
    return tuple(_place(assessment, line) for line in lines)


def matrix(lines: Iterable[Place]) -> Matrix | None:
    """What was tried of each place with each device and group; ``None`` if none is declared."""
    cells: dict[tuple[str, str], list[Place]] = {}
    for line in lines:
        cells.setdefault((_spot(line), _who(line)), []).append(line)
    if not cells.keys() - {("", "")}:
        return None
    spots = tuple(dict.fromkeys(spot for spot, _ in cells))
    columns = tuple(dict.fromkeys(who for _, who in cells))
    return Matrix(
        columns=tuple(who or "not named" for who in columns),
        rows=tuple(
            (spot or "not named", tuple(tuple(cells.get((spot, who), ())) for who in columns))
            for spot in spots
        ),
    )


def voiding_of(assessment: Assessment) -> tuple[Precondition, ...]:
    """The failed preconditions because of which outcomes could not be decided, each once."""
    undecided = {
        (each.line, each.profile)
        for each in assessment.outcomes
        if each.conformity is Conformity.INSUFFICIENT and each.requirement.rule != "report"
    }
    found = {
        id(each)
        for line, profile in undecided
        for each in voiding(assessment.preconditions, line, profile)
    }
    return tuple(each for each in assessment.preconditions if id(each) in found)


def kinds(assessment: Assessment) -> tuple[str, ...]:
    """The kinds of items that were tried, sorted: agreed, content, real."""
    by_pack = {rate.kind for rate in assessment.packs if rate.n or rate.undecided}
    by_outcome = {each.kind for each in assessment.outcomes if each.kind and each.metric.tried}
    return tuple(sorted(by_pack or by_outcome))


def test_lists(assessment: Assessment) -> dict[str, str]:
    """Names of illegal categories, of which only harmless test entries were tried."""
    real = {rate.group for rate in assessment.packs if rate.kind != "agreed"}
    real |= {
        code
        for each in assessment.outcomes
        if each.kind not in {"agreed", ""}
        for code in each.requirement.measure.categories
    }
    return {code: name for code, name in TEST_LISTS.items() if code not in real}


def _expected(rate: CategoryRate) -> str:
    """What the policy expects; in files of older versions, by the root of the category."""
    return rate.expects or ("allow" if is_among(rate.category, OPEN) else "block")


def _categories(rates: Iterable[CategoryRate], names: dict[str, str]) -> list[Category]:
    def key(rate: CategoryRate) -> tuple[str, str]:
        return rate.category, rate.frame

    grouped = groupby(sorted(rates, key=key), key=key)
    return [_category(code, frame, list(each), names) for (code, frame), each in grouped]


def _category(
    code: str, frame: str, rates: Sequence[CategoryRate], names: dict[str, str]
) -> Category:
    highest = max((rate.upper for rate in rates if rate.upper is not None), default=1.0)
    axis = Axis(low=0.0, high=LIMIT_SHOWN, ends=("0%", "10%"))
    return Category(
        name=framed(category_name(code, names), frame),
        blocked=sum(rate.blocked for rate in rates),
        let_through=sum(rate.allowed for rate in rates),
        undecided=sum(rate.insufficient + rate.down + rate.altered for rate in rates),
        upper=phrases.tight(phrases.percent(highest)),
        bar=axis.place(highest),
        highest=highest,
    )


def _item(witness: Witness, code: str, place: str, names: dict[str, str]) -> Item:
    happened = STATES.get(witness.state, witness.state)
    if witness.mechanism != "none":
        happened += f": {mechanism_name(witness.mechanism)}"
    return Item(
        name=witness.value or witness.item,
        id=witness.item if witness.value else "",
        category=category_name(witness.category, names),
        happened=happened,
        saw=witness.saw,
        code=code,
        place=place,
    )


def _place(assessment: Assessment, line: LineUnderTest) -> Place:
    here = [each for each in assessment.outcomes if each.line == line.name]
    binding = [each for each in here if each.requirement.binding]
    items_tried = max((each.metric.tried for each in here), default=0)
    return Place(
        line=line.name,
        type=LINE_TYPES.get(line.type, line.type.replace("_", " ")),
        described=(line.site, line.place, line.device, line.group),
        profiles=", ".join(dict.fromkeys(each.profile for each in here if each.metric.tried)),
        items=items_tried,
        result=_result([each.conformity for each in binding]) if items_tried else "not tried",
        conformity=_worst([each.conformity for each in binding]) if items_tried else None,
    )


def _result(conformities: Sequence[Conformity]) -> str:
    failed = conformities.count(Conformity.DOES_NOT_CONFORM)
    undecided = conformities.count(Conformity.INSUFFICIENT)
    total = len(conformities)
    if failed:
        return f"{failed} of {total} failed"
    if undecided:
        return f"{undecided} of {total} not decided"
    return f"all {total} conform" if total else "nothing binds"


def _worst(conformities: Sequence[Conformity]) -> Conformity | None:
    return next((each for each in WORST_FIRST if each in conformities), None)


def _spot(line: Place) -> str:
    return ", ".join(filter(None, line.described[:2]))


def _who(line: Place) -> str:
    return ", ".join(filter(None, line.described[2:]))
