"""Whether a scheme asks for enough items: no ``n_min`` below the smallest that can decide."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from harness.declared import Document, Path_, dotted
from harness.errors import Fault
from harness.model.scheme import Requirement
from harness.model.smallest_sample import SHARE, smallest_sample


@dataclass(frozen=True, slots=True)
class Sizes:
    """What a smallest number depends on: the units of metrics, and the scheme's own alpha."""

    units: Mapping[str, str]
    alpha: float

    def smallest(self, requirement: Requirement) -> int | None:
        """The fewest items that can decide a requirement; ``None`` if no number can."""
        unit = self.units.get(requirement.measure.metric, SHARE)
        return smallest_sample(requirement, self.alpha_of(requirement), unit)

    def alpha_of(self, requirement: Requirement) -> float:
        """The one-sided level of a requirement."""
        return requirement.alpha or self.alpha


def with_smallest(requirements: Iterable[Requirement], sizes: Sizes) -> tuple[Requirement, ...]:
    """The requirements; those that state no ``n_min`` with the smallest that can decide."""
    return tuple(
        one
        if "n_min" in one.model_fields_set
        else one.model_copy(update={"n_min": sizes.smallest(one) or 0})
        for one in requirements
    )


def undersized(
    document: Document,
    requirements: Iterable[Requirement],
    positions: Mapping[str, int],
    sizes: Sizes,
) -> Iterator[Fault]:
    """One fault for each requirement that no result can meet at its ``n_min``.

    ``requirements`` are all of the scheme, inherited ones too; ``positions`` says where those
    that the file names itself stand in it.
    """
    for one in requirements:
        smallest = sizes.smallest(one)
        at: Path_ = ("requirements", positions[one.id]) if one.id in positions else ()
        if smallest is None:
            yield _cannot_be_sampled(document, one, at)
        elif "n_min" in one.model_fields_set and one.n_min < smallest:
            yield _too_few(document, one, at, smallest, sizes.alpha_of(one))
        elif one.needs_list is not None and one.needs_list.domains is not None:
            yield from _short_list(document, one, at, max(smallest, one.n_min))


def _too_few(document: Document, one: Requirement, at: Path_, smallest: int, alpha: float) -> Fault:
    """The fault at the line of ``n_min``, or at what makes an inherited number too small."""
    found = f"{one.n_min} is too few for {one.id}: at alpha {alpha:g} even a faultless service "
    found += f"conforms only with {smallest} or more"
    if at:
        key: Path_ = (*at, "n_min")
        line, remedy = document.line_of(key), f"write n_min: {smallest}"
    else:
        key = ("decision", "alpha") if ("decision", "alpha") in document.lines else ("parent",)
        line = document.line_of(key)
        remedy = f"name {one.id} under requirements, with n_min: {smallest}"
    return document.fault(line, dotted(key), found, remedy)


def _cannot_be_sampled(document: Document, one: Requirement, at: Path_) -> Fault:
    key: Path_ = (*at, "threshold") if at else ("parent",)
    found = f"no number of items can show the threshold of {one.id} under rule {one.rule}"
    remedy = "write rule: census, or a threshold below 1 (at_most: above 0)"
    return document.fault(document.line_of(key), dotted(key), found, remedy)


def _short_list(document: Document, one: Requirement, at: Path_, least: int) -> Iterator[Fault]:
    domains = one.needs_list.domains if one.needs_list is not None else None
    if domains is not None and domains < least:
        key: Path_ = (*at, "needs_list", "domains") if at else ("parent",)
        found = f"a list of {domains} domains is too short for {one.id}, whose n_min is {least}"
        yield document.fault(document.line_of(key), dotted(key), found, f"write {least} or more")
