"""The event of a recall: what proved wrong that decisions rest on, and in which versions."""

from __future__ import annotations

import msgspec

from harness.model.event import Event


class Wrong(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What proved wrong: items, probes and packs by name, a scheme and rules by version.

    All that is named restricts it: a probe and a scheme are that probe in campaigns by that scheme.
    ``software`` are the versions that measured with wrong probes, ``corpora`` the packs with the
    wrong items as ``name version sha256``, ``scheme_versions`` those of the scheme, ``rules`` the
    versions of the rules that judged. Only later versions are right.
    """

    items: tuple[str, ...] = ()
    probes: tuple[str, ...] = ()
    packs: tuple[str, ...] = ()
    scheme: str = ""
    rules: tuple[str, ...] = ()
    software: tuple[str, ...] = ()
    corpora: tuple[str, ...] = ()
    scheme_versions: tuple[str, ...] = ()

    @property
    def is_named(self) -> bool:
        """Whether it names items, probes or packs."""
        return bool(self.items or self.probes or self.packs)


class RecallMade(Event, frozen=True, kw_only=True, tag="recall-made"):
    """The actor recalled decisions because something proved wrong; it belongs to the owner."""

    because: str
    wrong: Wrong
