"""Where a requirement's missing parts come from: the parent's, or the catalogue's, of its id."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from harness.model.scheme import Requirement


def merged(base: Requirement | None, own: Mapping[str, Any]) -> dict[str, Any]:
    """What a file says of a requirement, on top of what its base says.

    The measure is merged key by key. A threshold is replaced whole: a new number must bring
    its own provenance.
    """
    if base is None:
        return dict(own)
    below = base.model_dump(exclude_unset=True)
    together = {**below, **own}
    if isinstance(own.get("measure"), Mapping):
        together["measure"] = {**below["measure"], **own["measure"]}
    return together


def inherited(
    own: Iterable[Requirement], parent: Iterable[Requirement], without: Iterable[str]
) -> tuple[Requirement, ...]:
    """The parent's requirements in their order, replaced by own ones of the same id, then new ones.

    ``without`` names those of the parent that the child gives up.
    """
    mine = {requirement.id: requirement for requirement in own}
    dropped = frozenset(without)
    kept = [mine.pop(one.id, one) for one in parent if one.id not in dropped]
    return (*kept, *mine.values())
