"""What pydantic cannot see: whether the names in a scheme mean something together."""

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
"""Where the schemes that come with Accredit live; policies in a folder beside them."""

TABLES = frozenset({"metrics"})
"""YAML files in the same folder that are no schemes."""

REVISED = ("dfe", "uksic")
"""Documents of which their publishers still bring out new editions."""

CURRENT = "-current"
"""How an alias ends; no scheme may be called so itself."""


def shipped() -> tuple[str, ...]:
    """The ids of the schemes that come with Accredit."""
    return tuple(sorted(p.stem for p in SHIPPED.glob("*.yaml") if p.stem not in TABLES))


def aliases() -> dict[str, str]:
    """Each alias with the id of the shipped scheme that it stands for."""
    return {document + CURRENT: newest(document, shipped()) for document in REVISED}


def newest(document: str, ids: tuple[str, ...]) -> str:
    """The latest edition of a document among ``ids``, which end in its date (YYYY or YYYY-MM).

    Raises ValueError if there is none.
    """
    dates = {one.removeprefix(f"{document}-"): one for one in ids if one.startswith(f"{document}-")}
    return dates[max(date for date in dates if date[:1].isdigit())]


def resolve(name: str) -> str:
    """The id that an alias stands for; any other name or path as it is."""
    return aliases().get(name, name) if name.endswith(CURRENT) else name


@dataclass(frozen=True, slots=True)
class Sizes:
    """What a smallest number depends on: the scheme's own alpha."""

    alpha: float

    def smallest(self, requirement: Requirement) -> int | None:
        """The fewest items that can decide a requirement; ``None`` if no number can."""
        return smallest_sample(requirement, self.alpha_of(requirement))

    def alpha_of(self, requirement: Requirement) -> float:
        """The one-sided level of a requirement."""
        return requirement.alpha or self.alpha


def with_smallest(requirements: Iterable[Requirement], sizes: Sizes) -> tuple[Requirement, ...]:
    """The requirements, none with an ``n_min`` below the smallest number that can decide.

    A file need not say again what only its stricter threshold or alpha makes too few.
    """
    return tuple(
        one.model_copy(update={"n_min": max(one.n_min, sizes.smallest(one) or 0)})
        for one in requirements
    )


def undersized(
    document: Document,
    own: Iterable[tuple[int, Requirement]],
    written: Sequence[Mapping[str, Any]],
    sizes: Sizes,
) -> Iterator[Fault]:
    """Faults of numbers in a file that no result can meet, each at its line.

    ``own`` are the requirements that the file names, by their position in it, with what they
    inherit; ``written`` is what it says of each.
    """
    for position, one in own:
        at: KeyPath = ("requirements", position)
        said, smallest = written[position], sizes.smallest(one)
        if smallest is None:
            found = f"no number of items can show the threshold of {one.id} under rule {one.rule}"
            remedy = "write rule: census, or a threshold below 1 (at_most: above 0)"
            yield _fault(document, (*at, "threshold"), found, remedy)
            continue
        if "n_min" in said and one.n_min < smallest:
            found = (
                f"{one.n_min} is too few for {one.id}: at alpha {sizes.alpha_of(one):g} even a "
                f"faultless service conforms only with {smallest} or more"
            )
            yield _fault(document, (*at, "n_min"), found, f"write n_min: {smallest}")
        domains = one.needs_list.domains if one.needs_list is not None else None
        least = max(smallest, one.n_min)
        if "needs_list" in said and domains is not None and domains < least:
            found = f"a list of {domains} domains is too short for {one.id}, which needs {least}"
            key = (*at, "needs_list", "domains")
            yield _fault(document, key, found, f"write {least} or more")


def _fault(document: Document, key: KeyPath, found: str, remedy: str) -> Fault:
    return document.fault(document.line_of(key), dotted(key), found, remedy)


REMEDIES = {
    "at_least": "a rate is a fraction between 0 and 1: write 0.9 for 90 %",
    "at_most": "a rate is a fraction: 0.05 for 5 %; a duration is in seconds",
    "provenance": "say where the number comes from; known: proposed, reported, seen",
    "source": "say who states the number",
    "id": "like URL-01: capital letters, a dash, two or three digits",
    "severity": "known: Crit, Maj, Min, Obs",
    "binding": "write true or false: in YAML 1.2 yes and no are words",
    "reviewed_on": "a date is written like 2026-11-24",
    "review_by": "a date is written like 2026-11-24",
}
"""What to do about a fault, by the key it sits at."""

SCHEME_ID = "lower-case letters, digits and dashes, like our-school"
MANY = 30
"""So many names are too many to read in an error message."""


@dataclass(frozen=True, slots=True)
class Names:
    """What the names in a scheme may mean: the codes of its policy."""

    policy: Policy | None


def remedied(fault: Fault) -> Fault:
    """The fault with a remedy, where its key has one and it does not say more already."""
    key = fault.key.rpartition(".")[2]
    if fault.key == "id" and not fault.known:
        return replace(fault, known=SCHEME_ID)
    if key in REMEDIES and fault.known in {"", "add it"}:
        return replace(fault, known=REMEDIES[key])
    return fault


def doubles(document: Document, written: Sequence[Mapping[str, Any]]) -> Iterator[Fault]:
    """One fault for each requirement whose id was used before."""
    seen: dict[Any, int | None] = {}
    for position, raw in enumerate(written):
        path: KeyPath = ("requirements", position, "id")
        name = raw.get("id")
        if isinstance(name, str) and name in seen:
            found = f"{name!r} is defined twice (first on line {seen[name]})"
            yield document.fault(document.line_of(path), dotted(path), found, "keep one")
        elif isinstance(name, str):
            seen[name] = document.line_of(path)


def misdated(
    document: Document, name: str, reviewed_on: date | None, review_by: date | None
) -> Iterator[Fault]:
    """Faults of an id that is an alias, and of a review that was due before it was done."""
    if name.endswith(CURRENT):
        dated = resolve(name)
        example = dated if dated != name else name.removesuffix(CURRENT) + "-2026"
        remedy = f"date it after its edition, like {example}"
        found = f"{name!r}: what ends in {CURRENT} is an alias, no scheme"
        yield document.fault(document.line_of(("id",)), "id", found, remedy)
    if reviewed_on is not None and review_by is not None and review_by < reviewed_on:
        found = f"{review_by} is before reviewed_on ({reviewed_on})"
        yield document.fault(
            document.line_of(("review_by",)), "review_by", found, "give a later day"
        )


def check(
    document: Document, requirements: Iterable[tuple[int, Requirement]], names: Names
) -> Iterator[Fault]:
    """The faults of well-formed requirements, each at its own line."""
    for position, requirement in requirements:
        at: KeyPath = ("requirements", position)
        for below, found, remedy in _faults(requirement, names):
            path = (*at, *below)
            yield document.fault(document.line_of(path), dotted(path), found, remedy)


def _faults(requirement: Requirement, names: Names) -> Iterator[tuple[KeyPath, str, str]]:
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
    if names.policy is not None:
        yield from _codes(measure.categories, names.policy)


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
