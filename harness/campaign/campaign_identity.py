"""The identity of a prepared campaign: each part that it is measured with, by its content."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from harness.campaign.assemble import Prepared
from harness.model.campaign import Campaign, LineDeclaration
from harness.model.content_identity import (
    CONTROL,
    LINE,
    LIST,
    ORIGIN,
    PACK,
    PROFILE,
    Parts,
    digest_of,
    ordered,
    scheme_document,
    scheme_parts,
)
from harness.model.corpus import CorpusReference
from harness.model.scheme import Scheme
from harness.model.stream import same_name
from harness.plugins import LINES
from harness.ports.network import Origin
from harness.untrusted.regular_file import read_bounded

MOST_BYTES = 16 * 1024**2
"""The largest file that an option of a line may name, to be part of the line's identity."""


def identity_of(prepared: Prepared, declared: Campaign, scheme: Scheme) -> Parts:
    """The parts of a campaign. ``declared`` is the same without secrets, as the journal holds it.

    Files that options of lines name, such as certificates, count by their content.
    """
    folder, campaign = prepared.path.parent, declared
    parts = scheme_parts(scheme_document(scheme))
    parts |= _packs(corpus.reference for corpus in prepared.corpora)
    control = campaign.control
    where = _by_content(_where(control.type, control.options), folder)
    parts[CONTROL] = digest_of([control.type, where])
    if prepared.origin is not None:
        parts[ORIGIN] = _origin(prepared.origin)
    for line in (*campaign.lines, *campaign.availability_lines):
        parts[f"{LINE}{line.name}"] = _line(line, folder)
    for name, profile in campaign.profiles.items():
        shown = [campaign.phase_of(name), profile.model_dump(mode="json")]
        parts[f"{PROFILE}{name}"] = digest_of(shown)
    if campaign.sealed_list is not None:
        listed = campaign.sealed_list.model_dump(mode="json")
        parts[LIST] = digest_of([listed, _content(campaign.sealed_list.program, folder)])
    return ordered(parts)


def _packs(references: Iterable[CorpusReference]) -> dict[str, str]:
    """The packs by name; several of one name, such as samples, are one part."""
    packs: dict[str, set[str]] = {}
    for each in references:
        packs.setdefault(f"{PACK}{each.name}", set()).add(f"{each.version} {each.sha256}")
    return {part: " + ".join(sorted(found)) for part, found in packs.items()}


def _line(line: LineDeclaration, folder: Path) -> str:
    """The digest of a line: where it is and how the service is reached, but not its name."""
    document = line.model_dump(mode="json", exclude={"name"}, exclude_defaults=True)
    options = _by_content(_where(line.type, line.options), folder)
    by_profile = {
        name: _by_content(_where(line.type, each), folder) for name, each in line.by_profile.items()
    }
    site = same_name(line.site)
    return digest_of({**document, "site": site, "options": options, "by_profile": by_profile})


def _where(kind: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a kind of line without those that say what a simulated service does."""
    others: frozenset[str] = getattr(LINES.find(kind), "service_options", frozenset())
    return {name: value for name, value in options.items() if name not in others}


def _origin(origin: Origin) -> str:
    """The digest of an origin: its zones, its addresses, and what only it can show."""
    zones = [msgspec.to_builtins(zone) for zone in origin.all_zones]
    key = hashlib.sha256(b"accredit origin\0" + origin.key).hexdigest()
    plain = [origin.zone_names, origin.twin_zone, sorted(origin.addresses), zones]
    authority = _content(origin.authority, Path())
    return digest_of([*plain, key, "" if authority == origin.authority else authority])


def _by_content(options: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Options, with the digest of each file that one names for its path."""
    return {
        name: _content(value, folder) if isinstance(value, str) else value
        for name, value in options.items()
    }


def _content(text: str, folder: Path) -> str:
    """The SHA-256 of a file that a text names; the text itself if it names none."""
    path = folder / text
    try:
        if not text or not path.is_file():
            return text
        return f"sha256:{hashlib.sha256(read_bounded(path, MOST_BYTES)).hexdigest()}"
    except (OSError, ValueError):  # no path, such as a long text; or not to be read
        return text
