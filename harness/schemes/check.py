"""Check schemes for faults that their types do not show, and list the shipped schemes.

Checked are names of metrics, categories and phases, duplicate ids, dates of reviews, and numbers of
items that are too small to decide anything. Aliases such as ``dfe-current`` are resolved here.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from harness.errors import Fault, known
from harness.model.campaign import PHASES
from harness.model.metric_spec import SPECS
from harness.model.scheme import Policy, Requirement
from harness.model.smallest_sample import smallest_sample
from harness.yaml_reader import Document, KeyPath, dotted

SHIPPED = Path(__file__).parent
"""The folder of the shipped schemes; policies are in a folder within it."""

REVISED = ("dfe", "uksic")
"""Documents whose publishers still issue new editions."""

CURRENT = "-current"
"""The ending of an alias; no scheme's id may end so."""


def shipped() -> tuple[str, ...]:
    """The ids of the shipped schemes."""
    return tuple(sorted(p.stem for p in SHIPPED.glob("*.yaml")))


def aliases() -> dict[str, str]:
    """The aliases, each with the id of its shipped scheme."""
    return {document + CURRENT: newest(document, shipped()) for document in REVISED}


def newest(document: str, ids: tuple[str, ...]) -> str:
    """The latest edition of a document among ``ids``, which end in its date (YYYY or YYYY-MM).

    Raises ValueError if there is none.
    """
    dates = {id_.removeprefix(f"{document}-"): id_ for id_ in ids if id_.startswith(f"{document}-")}
    return dates[max(date for date in dates if date[:1].isdigit())]


def resolve(name: str) -> str:
    """The id of an alias's scheme; any other name or path unchanged."""
    return aliases().get(name, name) if name.endswith(CURRENT) else name


@dataclass(frozen=True, slots=True)
class Sizes:
    """Calculates smallest samples, from the scheme's alpha."""

    alpha: float

    def smallest(self, requirement: Requirement) -> int | None:
        """The fewest items that can decide a requirement; ``None`` if no number can."""
        return smallest_sample(requirement, self.alpha_of(requirement))

    def alpha_of(self, requirement: Requirement) -> float:
        """The one-sided level of a requirement."""
        return requirement.alpha or self.alpha


def with_smallest(requirements: Iterable[Requirement], sizes: Sizes) -> tuple[Requirement, ...]:
    """The requirements, with each ``n_min`` raised to the smallest number that can decide.

    So a file with a stricter threshold or alpha need not repeat an inherited ``n_min``.
    """
    return tuple(
        requirement.model_copy(
            update={"n_min": max(requirement.n_min, sizes.smallest(requirement) or 0)}
        )
        for requirement in requirements
    )


def undersized(
    document: Document,
    own: Iterable[tuple[int, Requirement]],
    written: Sequence[Mapping[str, Any]],
    sizes: Sizes,
) -> Iterator[Fault]:
    """Faults of numbers in a file that are too small for any decision, each at its line.

    ``own`` are the file's requirements by position, with their inherited values; ``written`` are
    the values in the file itself.
    """
    for position, row in own:
        at: KeyPath = ("requirements", position)
        values, smallest = written[position], sizes.smallest(row)
        if smallest is None:
            problem = f"no number of items can show the threshold of {row.id} under rule {row.rule}"
            remedy = "write rule: census, or a threshold below 1 (at_most: above 0)"
            yield _fault(document, (*at, "threshold"), problem, remedy)
            continue
        if "n_min" in values and row.n_min < smallest:
            problem = (
                f"{row.n_min} is too few for {row.id}: at alpha {sizes.alpha_of(row):g} even a "
                f"faultless service conforms only with {smallest} or more"
            )
            yield _fault(document, (*at, "n_min"), problem, f"write n_min: {smallest}")
        domains = row.needs_list.domains if row.needs_list is not None else None
        least = max(smallest, row.n_min)
        if "needs_list" in values and domains is not None and domains < least:
            problem = f"a list of {domains} domains is too short for {row.id}, which needs {least}"
            key = (*at, "needs_list", "domains")
            yield _fault(document, key, problem, f"write {least} or more")


def _fault(document: Document, key: KeyPath, problem: str, remedy: str) -> Fault:
    return document.fault(document.line_of(key), dotted(key), problem, remedy)


REMEDIES = {
    "at_least": "a rate is a fraction between 0 and 1: write 0.9 for 90 %",
    "at_most": "a rate is a fraction: 0.05 for 5 %; a duration is in seconds",
    "provenance": "say where the number comes from; known: proposed, reported, seen",
    "source": "say who states the number",
    "id": "like URL-01: capital letters, a dash, two or three digits",
    "severity": "known: Crit, Maj, Min, Obs",
    "binding": "write true or false: in YAML 1.2 yes and no are text",
    "reviewed_on": "a date is written like 2026-11-24",
    "review_by": "a date is written like 2026-11-24",
}
"""What to do about a fault, by the key where it is."""

SCHEME_ID = "lower-case letters, digits and dashes, like our-school"
MANY = 30
"""Error messages list at most this many names."""


def with_remedy(fault: Fault) -> Fault:
    """The fault with the remedy of its key, unless it has a more precise one."""
    key = fault.key.rpartition(".")[2]
    if fault.key == "id" and not fault.known:
        return replace(fault, known=SCHEME_ID)
    if key in REMEDIES and fault.known in {"", "add it"}:
        return replace(fault, known=REMEDIES[key])
    return fault


def duplicate_ids(document: Document, written: Sequence[Mapping[str, Any]]) -> Iterator[Fault]:
    """A fault for each requirement whose id was used before."""
    first_lines: dict[Any, int | None] = {}
    for position, raw in enumerate(written):
        path: KeyPath = ("requirements", position, "id")
        name = raw.get("id")
        if isinstance(name, str) and name in first_lines:
            problem = f"{name!r} is defined twice (first on line {first_lines[name]})"
            yield document.fault(document.line_of(path), dotted(path), problem, "keep one")
        elif isinstance(name, str):
            first_lines[name] = document.line_of(path)


def misdated(
    document: Document, name: str, reviewed_on: date | None, review_by: date | None
) -> Iterator[Fault]:
    """Faults of an id that is an alias, and of a review date before the last review."""
    if name.endswith(CURRENT):
        dated = resolve(name)
        example = dated if dated != name else name.removesuffix(CURRENT) + "-2026"
        remedy = f"date it after its edition, like {example}"
        problem = f"{name!r} ends in {CURRENT}, which only aliases may"
        yield document.fault(document.line_of(("id",)), "id", problem, remedy)
    if reviewed_on is not None and review_by is not None and review_by < reviewed_on:
        problem = f"{review_by} is before reviewed_on ({reviewed_on})"
        yield document.fault(
            document.line_of(("review_by",)), "review_by", problem, "give a later day"
        )


def check(
    document: Document, requirements: Iterable[tuple[int, Requirement]], policy: Policy | None
) -> Iterator[Fault]:
    """The faults of well-formed requirements, each at its own line."""
    for position, requirement in requirements:
        at: KeyPath = ("requirements", position)
        for below, problem, remedy in _faults(requirement, policy):
            path = (*at, *below)
            yield document.fault(document.line_of(path), dotted(path), problem, remedy)


def _faults(requirement: Requirement, policy: Policy | None) -> Iterator[tuple[KeyPath, str, str]]:
    measure, threshold = requirement.measure, requirement.threshold
    metric = SPECS.get(measure.metric)
    if metric is None:
        path: KeyPath = ("measure", "metric")
        yield path, f"no metric {measure.metric!r}", _suggest(measure.metric, SPECS)
    if threshold is None and requirement.rule != "report":
        remedy = "add one, or write rule: report"
        yield ("threshold",), f"is missing; rule {requirement.rule} needs one", remedy
    if threshold is not None and threshold.at_least is None and threshold.at_most is None:
        yield ("threshold",), "holds no number", "add at_least or at_most"
    at_most = threshold.at_most if threshold is not None else None
    if at_most is not None and at_most > 1 and metric is not None and metric.unit == "share":
        yield ("threshold", "at_most"), f"{at_most:g} is more than the whole", REMEDIES["at_most"]
    for position, phase in enumerate(requirement.profiles):
        if phase not in PHASES:
            yield ("profiles", position), f"no school phase {phase!r}", known(PHASES)
    if policy is not None:
        yield from _codes(measure.categories, policy)


def _codes(categories: Iterable[str], policy: Policy) -> Iterator[tuple[KeyPath, str, str]]:
    for position, code in enumerate(categories):
        if code not in policy.rows:
            path: KeyPath = ("measure", "categories", position)
            yield path, f"no category {code!r} in policy {policy.id}", _suggest(code, policy.rows)


def _suggest(name: str, among: Collection[str]) -> str:
    close = difflib.get_close_matches(name, among, 1)
    meant = f"did you mean {close[0]!r}? " if close else ""
    several = f"{len(among)} are known; 'accredit scheme schema' lists them"
    return meant + (several if len(among) > MANY else known(among))
