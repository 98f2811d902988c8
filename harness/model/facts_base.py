"""The base of all kinds of facts."""

from __future__ import annotations

import msgspec


class FactsBase(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag=""
):
    """What one attempt saw. A kind of facts is a subclass with a tag of its own."""
