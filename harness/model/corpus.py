"""Items, references to corpora, and appeals against labels.

An item states what something *is* (its labels), never what should happen to it; that is up to the
scheme, so one journal can be assessed against any scheme.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

ItemKind = Literal["url", "host", "suffix", "ip", "cidr", "recipe", "vector", "sealed"]
Layer = Literal["any", "dns", "sni", "url", "content"]
Sensitivity = Literal["S0", "S1", "S2", "S3", "S4"]
Audience = Literal["public", "supplier", "assessor", "sealed"]
PackKind = Literal["agreed", "content", "real"]
"""What the items of a pack can show.

``agreed`` items are canaries whose names the supplier loads beforehand: they show that a list is
enforced on every path. ``content`` items are never announced; their pages bear the agreed marker of
a category, and they show content analysis. ``real`` items are names drawn from imported lists: they
show the supplier's own categorisation.
"""

Design = Literal["census", "srs", "stratified", "popularity_weighted", "cluster", "purposive"]

SEALED = "sealed"
"""Kind of the entries of a sealed list: id and value are the same opaque digits.

Only the program of the list's holder knows what they stand for.
"""

VECTOR = "vector"
"""Kind of the items that a probe carries out, such as a technique (``harness.model.technique``)."""

WITHOUT_ADDRESS: frozenset[str] = frozenset({"recipe", VECTOR, SEALED})
"""Kinds of items whose value is no address: a probe generates it, or a program looks it up."""

AGREED = "by:"
"""Prefix of a sentinel's label that states the agreed mechanism of the block."""

TWIN = "twin:"
"""Prefix of the stratum of a category's benign neighbours."""

KNOWN_TO_SUPPLIERS: frozenset[Audience] = frozenset({"public", "supplier"})
"""Audiences whose packs a supplier may have seen; items of all others are hidden from it."""

AS_VISITED = "as visited"
"""The frame of popularity-weighted samples: items weigh as much as their sites are visited."""

NAMED: frozenset[str] = frozenset({"url", "host", "suffix", "ip"})
"""Kinds of items with one address to visit; a network (``cidr``) has many."""


class Item(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One entry of a corpus, as an observation carries it.

    ``labels`` are taxonomy codes, the first is the primary one. ``value`` is empty for
    S4 entries that exist only as ``value_hmac``; of an entry of a sealed list it is the same
    digits as ``id``. ``registrable`` is the cluster key:
    filters decide per domain, so items that share it are not independent. ``pack`` is the mark
    of the pack it was chosen from, empty where a campaign has one pack only.
    """

    id: str
    value: str
    labels: tuple[str, ...]
    kind: ItemKind = "host"
    value_hmac: str = ""
    registrable: str = ""
    applies_to: Layer = "any"
    phases: tuple[str, ...] = ("*",)
    pair_id: str = ""
    stratum: str = ""
    weight: float = 1.0
    lang: str = ""
    country: str = ""
    sensitivity: Sensitivity = "S0"
    pack: str = ""

    @property
    def category(self) -> str:
        """The primary taxonomy code."""
        return self.labels[0]

    @property
    def is_sensitive(self) -> bool:
        """Whether bodies, titles and texts of the item are never stored (METHOD, S3 and S4)."""
        return self.sensitivity in ("S3", "S4")

    @property
    def host(self) -> str:
        """The host name in ``value``, lower case, without port and user; empty if there is none.

        An IPv6 address is without its brackets. Of a vector it is ``registrable``: the host whose
        page is wanted.
        """
        if self.kind == VECTOR:
            return self.registrable.lower()
        if self.kind in WITHOUT_ADDRESS:
            return ""
        if self.kind == "url" and "://" in self.value:
            authority = self.value.split("://", 1)[1]
            for end in "/?#":  # RFC 3986 section 3.2
                authority = authority.split(end, 1)[0]
            named = authority.rsplit("@", 1)[-1].lower()
            if named.startswith("["):
                return named[1:].split("]", 1)[0]
            return named.split(":", 1)[0]
        return self.value.lower().rstrip(".")

    @property
    def scheme(self) -> str:
        """The scheme that ``value`` names, in lower case; empty if it names none."""
        if self.kind != "url" or "://" not in self.value:
            return ""
        return self.value.partition("://")[0].lower()

    def url(self, scheme: str = "http") -> str:
        """Return the URL to fetch: ``value`` with ``scheme``, or the root page of the host."""
        if self.kind == "url" and "://" in self.value:
            return scheme + "://" + self.value.split("://", 1)[1]
        return f"{scheme}://{self.host}/"


class CorpusReference(msgspec.Struct, frozen=True, kw_only=True):
    """The corpus that was used: name, version and the SHA-256 of its item file.

    ``sensitivity`` is the highest of its items; ``use_limit`` the number of campaigns that may
    use it, None for any number. ``audience`` says who may know its items, ``design`` how they
    were drawn, ``kind`` what they can show. ``audited_wrong`` of ``audited`` randomly drawn items
    had wrong labels; ``agreement`` is Krippendorff's alpha between their raters, if it is known.
    """

    name: str
    version: str
    sha256: str
    title: str = ""
    purpose: str = "self-test"
    signed: bool = False
    sensitivity: Sensitivity = "S0"
    use_limit: int | None = None
    audience: Audience = "public"
    design: Design = "census"
    kind: PackKind = "agreed"
    audited: int = 0
    audited_wrong: int = 0
    agreement: float | None = None

    @property
    def identity(self) -> str:
        """The name, version and digest, as the header of a journal names the corpus."""
        return f"{self.name} {self.version} {self.sha256}"

    @property
    def mark(self) -> str:
        """The pack's identifier on its items; unlike the name, it differs between samples.

        It ends with the frame of a popularity-weighted sample (see ``frame_of``).
        """
        mark = f"{self.name} {self.sha256[:8]}"
        return f"{mark} {AS_VISITED}" if self.design == "popularity_weighted" else mark

    @property
    def is_hidden(self) -> bool:
        """Whether no supplier may know its items."""
        return self.audience not in KNOWN_TO_SUPPLIERS


def covers(code: str, wanted: str) -> bool:
    """Whether taxonomy ``code`` is ``wanted`` or lies below it (``PORN.NUDE`` below ``PORN``)."""
    return code == wanted or code.startswith(wanted + ".")


def is_among(code: str, wanted: Iterable[str]) -> bool:
    """Whether taxonomy ``code`` is one of the ``wanted``, or lies below one of them."""
    return any(covers(code, parent) for parent in wanted)


def bare_code(stratum: str) -> str:
    """Return the category of a stratum: ``PORN`` for ``twin:PORN`` and ``PORN/top1k/en``."""
    return stratum.removeprefix(TWIN).partition("/")[0]


def frame_of(mark: str) -> str:
    """Return the frame in a pack's mark: ``as visited``, or empty if items count alike."""
    return AS_VISITED if mark.endswith(f" {AS_VISITED}") else ""


class Appeal(msgspec.Struct, frozen=True, kw_only=True):
    """One decided appeal: ``before`` are the disputed labels, ``labels`` the requested ones.

    ``pack`` is the name of a corpus; item ids are never reused, so the version does not matter.
    """

    pack: str
    item: str
    before: tuple[str, ...]
    labels: tuple[str, ...]
    reason: str
    appellant: str
    upheld: bool
