"""Facts: what an attempt saw, one kind a module, known by its tag.

To add a kind, write a module here with a subclass of ``FactsBase`` that has a tag of its own, a
group of rules in ``harness.judge.rules`` and a calibration case. Observations of the new kind are
then read and written; a campaign whose probe records facts without rules is refused.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING, Union

from harness.model.facts.base import FactsBase


def _kinds() -> dict[str, type[FactsBase]]:
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    found = {str(kind.__struct_config__.tag): kind for kind in FactsBase.__subclasses__()}
    return dict(sorted(found.items()))


KINDS = _kinds()
"""Every kind of facts by its tag."""

if TYPE_CHECKING:
    Facts = FactsBase
else:
    Facts = Union[tuple(KINDS.values())]  # noqa: UP007 - the kinds are found at run time
"""Facts of any kind."""


def tag_of(facts: Facts | None) -> str:
    """Return the tag of the kind of some facts; empty if there are none."""
    return "" if facts is None else str(facts.__struct_config__.tag)
