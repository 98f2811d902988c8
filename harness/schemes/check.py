"""What pydantic cannot see: whether the names in a scheme mean something together."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from pydantic import ConfigDict

from harness.errors import Fault, known
from harness.model.campaign import PHASES
from harness.model.declared import Declared
from harness.model.scheme import Policy, Requirement
from harness.schemes.editions import CURRENT, resolve
from harness.yaml_reader import Document, Path_, dotted

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


class MetricName(Declared):
    """What a metric of the table counts, and its unit."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    unit: str
    counts: str


@dataclass(frozen=True, slots=True)
class Names:
    """The names that a scheme may use: metrics with their units, and taxonomy codes."""

    metrics: Mapping[str, MetricName]
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
        path: Path_ = ("requirements", position, "id")
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
        at: Path_ = ("requirements", position)
        for below, found, remedy in _faults(requirement, names):
            path = (*at, *below)
            yield document.fault(document.line_of(path), dotted(path), found, remedy)


def _faults(requirement: Requirement, names: Names) -> Iterator[tuple[Path_, str, str]]:
    measure, threshold = requirement.measure, requirement.threshold
    metric = names.metrics.get(measure.metric)
    if metric is None:
        path: Path_ = ("measure", "metric")
        yield path, f"no metric {measure.metric!r}", _suggest(measure.metric, names.metrics)
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


def _codes(categories: Iterable[str], policy: Policy) -> Iterator[tuple[Path_, str, str]]:
    for position, code in enumerate(categories):
        if code not in policy.rows:
            path: Path_ = ("measure", "categories", position)
            yield path, f"no category {code!r} in policy {policy.id}", _suggest(code, policy.rows)


def _suggest(name: str, among: Collection[str]) -> str:
    close = difflib.get_close_matches(name, among, 1)
    meant = f"did you mean {close[0]!r}? " if close else ""
    several = f"{len(among)} are known; 'accredit scheme schema' lists them"
    return meant + (several if len(among) > MANY else known(among))
