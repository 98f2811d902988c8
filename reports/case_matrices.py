"""Two matrices of single cases: content pages by form, and categories by what the policy asks.

Across are the places (a profile on a line). Each cell says what happened in words, so that nothing
depends on its sign or colour. A case that was not tried is named, never left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from harness.model.content_form import FORMS, FormCount, form_named
from harness.model.outcome import Assessment, CategoryRate
from reports.evidence import test_lists
from reports.words import capitalised, category_name, framed

Status = Literal["conforms", "does-not-conform", "partly", "insufficient", "information"]
"""The sign of a cell: all as wanted, none, some, not decided, or nothing is wanted."""

FAMILIES = {
    "ordinary": "Ordinary forms",
    "viewer": "Sites that show blocked pages",
    "search": "Searches",
    "case": "Addresses and parts of pages",
    "file": "Files with the anti-malware test string",
    "upload": "Uploads of the anti-malware test file",
    "disguise": "Disguises, for information",
    "recipe": "Other marks, for information",
    "other case": "New sites, for information",
    "other file": "Other files with the test string, for information",
    "other upload": "Uploads, for information",
    "protocol": "Protocols beside the web, for information",
}
JUDGED = frozenset({"ordinary", "viewer", "search", "case", "file", "upload"})
"""Families that a requirement decides about; the others are for information."""

ASKED = {
    "block": "must be blocked",
    "allow": "must stay open",
    "local": "the school decides",
    "none": "nothing is asked",
}
"""What a policy asks of a category, in words; the order of the groups."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What came of one case at one place, in words, and its sign."""

    text: str
    status: Status


CELL_ITEMS = 5
"""The fewest items that show a category to be handled as the policy asks (METHOD POL-03)."""

NOT_TRIED = Cell(text="not tried", status="information")


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseMatrix:
    """Cases down, in groups with a title; places across."""

    places: tuple[str, ...]
    groups: tuple[tuple[str, tuple[tuple[str, tuple[Cell, ...]], ...]], ...]


def content_matrix(assessment: Assessment) -> CaseMatrix | None:
    """What came of harmful pages in each form; ``None`` if no content pages were tried.

    Ordinary forms that were not tried have rows as well.
    """
    counts = {(each.form, each.line, each.profile): each for each in assessment.forms}
    places = tuple(dict.fromkeys((each.line, each.profile) for each in assessment.forms))
    ordinary = [form.name for form in FORMS.values() if form.family == "ordinary"]
    names = dict.fromkeys([*ordinary, *(each.form for each in assessment.forms)])
    groups = []
    for family, title in FAMILIES.items():
        of_family = [name for name in names if _family(name) == family]
        rows = tuple(
            (_words(name), tuple(_content_cell(counts.get((name, *place))) for place in places))
            for name in of_family
        )
        groups.append((title, rows))
    return _matrix(places, groups)


def policy_matrix(assessment: Assessment) -> CaseMatrix | None:
    """What came of each category at each place, by what the policy asks; ``None`` without any.

    Places for which the scheme asks something have columns, also if nothing was tried there.
    """
    names = test_lists(assessment)
    rates = {(_key(each), each.line, each.profile): each for each in assessment.rates}
    tried = [(each.line, each.profile) for each in assessment.rates]
    wanted = [(each.line, each.profile) for each in assessment.outcomes]
    places = tuple(dict.fromkeys([*tried, *wanted])) if tried else ()
    asked: dict[tuple[str, str], set[str]] = {}
    for each in assessment.rates:
        asked.setdefault(_key(each), set()).add(each.expects)
    groups: dict[str, list[tuple[str, tuple[Cell, ...]]]] = {name: [] for name in ASKED}
    for key in sorted(asked):
        group = next((name for name in ASKED if name in asked[key]), "none")
        cells = tuple(_policy_cell(rates.get((key, *place)), group) for place in places)
        code, frame = key
        groups[group].append((capitalised(framed(category_name(code, names), frame)), cells))
    return _matrix(places, [(capitalised(ASKED[one]), tuple(each)) for one, each in groups.items()])


def _key(rate: CategoryRate) -> tuple[str, str]:
    return rate.category, rate.frame


def _matrix(
    places: Iterable[tuple[str, str]],
    groups: list[tuple[str, tuple[tuple[str, tuple[Cell, ...]], ...]]],
) -> CaseMatrix | None:
    named = tuple(f"{profile} on {line}" for line, profile in places)
    filled = tuple((title, rows) for title, rows in groups if rows)
    return CaseMatrix(places=named, groups=filled) if named else None


def _family(name: str) -> str:
    form = form_named(name)
    return form.family if form else "recipe"


def _words(name: str) -> str:
    form = form_named(name)
    return capitalised(form.words if form else name)


def _content_cell(count: FormCount | None) -> Cell:
    if count is None:
        return NOT_TRIED
    decided = count.blocked + count.arrived
    if not decided:
        return _undecided(count.undecided, count.down)
    verb = "held back" if _family(count.form) == "search" else "blocked"
    text = f"{count.blocked} of {decided} {verb}" if count.arrived else f"all {decided} {verb}"
    if not count.blocked:
        text = f"all {decided} arrived"
    if _family(count.form) not in JUDGED:
        return Cell(text=text, status="information")
    return Cell(text=text, status=_status(right=count.blocked, wrong=count.arrived))


def _status(*, right: int, wrong: int) -> Status:
    if right and wrong:
        return "partly"
    return "does-not-conform" if wrong else "conforms"


def _policy_cell(rate: CategoryRate | None, group: str) -> Cell:
    """The cell of a category; what is asked is said where it differs from its group's title."""
    if rate is None:
        return NOT_TRIED
    decided = rate.blocked + rate.allowed
    if not decided:
        return _undecided(rate.insufficient + rate.altered, rate.down)
    text = f"{rate.blocked} of {decided} blocked"
    if rate.expects != group:
        text += f"; {ASKED.get(rate.expects, ASKED['none'])}"
    if rate.expects not in ("block", "allow"):
        return Cell(text=text, status="information")
    right = rate.blocked if rate.expects == "block" else rate.allowed
    undecided = rate.insufficient + rate.altered
    if right == decided and (undecided or right < CELL_ITEMS):
        lacking = f"{undecided} not decided" if undecided else f"at least {CELL_ITEMS} are needed"
        return Cell(text=f"{text}; {lacking}", status="insufficient")
    return Cell(text=text, status=_status(right=right, wrong=decided - right))


def _undecided(undecided: int, down: int) -> Cell:
    if not undecided and not down:
        return NOT_TRIED
    if not undecided:
        return Cell(text="did not arrive without the filter either", status="insufficient")
    return Cell(text=f"insufficient: {undecided} not decided", status="insufficient")
