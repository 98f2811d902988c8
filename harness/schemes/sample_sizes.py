"""Whether a scheme asks for enough items: no ``n_min`` below the smallest that can decide."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.errors import Fault
from harness.model.scheme import Requirement
from harness.model.smallest_sample import SHARE, smallest_sample
from harness.yaml_reader import Document, Path_, dotted


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
        at: Path_ = ("requirements", position)
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


def _fault(document: Document, key: Path_, found: str, remedy: str) -> Fault:
    return document.fault(document.line_of(key), dotted(key), found, remedy)
