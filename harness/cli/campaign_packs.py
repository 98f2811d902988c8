"""The corpora of a new campaign file: shipped packs, and the packs beside the origin's file."""

from __future__ import annotations

import json
import os
import re
import textwrap
from pathlib import Path

from harness.cli.case_supply import RESOLVER_NAMES, TLS_CHECKS
from harness.cli.compose import open_pack
from harness.cli.printing import shown
from harness.cli.scheme_items import DOWNLOAD, PROTOCOLS, UPLOAD, SchemeItems
from harness.cli.technique_obstacles import PACK
from harness.errors import UsageError
from harness.model.corpus import PackKind
from harness.model.tls_check import PROBE as TLS_PROBE
from harness.plugins import LINES, PROBES

CONTENT_PAGES, URL_PAGES, SEARCH_PAGES, ILLEGAL_PAGES = (
    "content-pages",
    "url-pages",
    "search-pages",
    "illegal-pages",
)
"""Packs beside an origin file."""
CONTENT_SAMPLE = 20
"""How many content pages of each category and form are tried if no requirement needs more."""
FILES = {DOWNLOAD: "downloads", UPLOAD: "uploads", PROTOCOLS: "protocols"}
"""The packs of an origin that have a probe of their own, by that probe."""
QUERIES = "dns_queries"
"""The probe of the names for checks of name servers."""
PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_-]*( [A-Za-z0-9_-]+)*")
RESERVED = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})


def quoted(text: str) -> str:
    """Return a text as a YAML scalar that is read back as that text (YAML 1.2, 7.3.1)."""
    if PLAIN.fullmatch(text) and text.lower() not in RESERVED:
        return text
    written = json.dumps(text, ensure_ascii=False)
    return "".join(
        character if character.isprintable() else f"\\U{ord(character):08x}"
        for character in written
    )


def beside(target: Path, path: Path) -> str:
    """The path of a file as a campaign file names it: relative to its own folder."""
    try:
        return Path(os.path.relpath(target, path.parent)).as_posix()
    except ValueError:  # another drive
        return str(target.absolute())


def probe_list(items: SchemeItems, folder: Path, line: str, *first: str) -> str:
    """The probes as YAML: the first ones, those that metrics need, and those of packs at hand.

    ``line`` is the type of the line that has to carry them; empty: any line that fetches pages.
    """
    https = ("web_https",) if items.needs_second_probe or items.needs_addresses else ()
    files = [one for one in items.probes_of_packs if _is_of_kind(folder / FILES[one], "content")]
    needed = [one for one in items.probes if _is_carried(one, line)]
    return f"[{', '.join(dict.fromkeys((*first, *https, *needed, *files)))}]"


def _is_carried(probe: str, line: str) -> bool:
    """Whether a line of a type carries a probe that a metric needs.

    A probe over IPv6 is left to people: measuring stops where the control has no IPv6.
    """
    declares = PROBES.find(probe)().declares
    carries: frozenset[str] = frozenset({"fetch"})
    if line:
        carries = getattr(LINES.find(line), "carries", carries)
    return declares.needs in carries and not declares.over_ipv4


def corpora_text(items: SchemeItems, folder: Path, path: Path, *, asks_names: bool = False) -> str:
    """Return the rows of the corpora; ``folder`` holds the origin file, ``path`` the campaign.

    ``asks_names``: a line is a name server of the service.
    """
    rows: list[str] = []
    for choice in items.choices:
        codes = _folded(f"    categories: [{', '.join(choice.categories)}]", "      ")
        rows += [f"  - pack: {choice.pack}", *codes]
        size = "" if choice.sample is None else f"    sample: {choice.sample}"
        rows.append(size or "    # no sample: every item of these categories is tried")
    rows += _whole_packs(items)
    rows.append("  # Content items, on unannounced hosts: they show content analysis.")
    entry = _pack_entry(folder / CONTENT_PAGES, path, is_needed=items.content > 0)
    rows += [entry, f"{entry.partition(' ')[0]}    sample: {max(CONTENT_SAMPLE, items.content)}"]
    rows.append("  # Search engines, video sites and queries. The supplier must know the engines.")
    rows.append(_pack_entry(folder / SEARCH_PAGES, path, is_needed=items.searches))
    if items.needs_illegal_pages:
        rows += [
            "  # Canaries of a list of single addresses: the supplier loads them beforehand.",
            _pack_entry(folder / ILLEGAL_PAGES, path, is_needed=True, kind="agreed"),
        ]
    entry = _pack_entry(folder / URL_PAGES, path, is_needed=items.needs_addresses)
    rows.append(f"{entry}    # no sample: each of its cases is needed")
    if asks_names and QUERIES in items.probes:
        rows += [
            "  # Names for checks of a name server: the supplier loads the harmful ones.",
            _pack_entry(folder / RESOLVER_NAMES, path, is_needed=True),
        ]
    for probe in items.probes_of_packs:
        rows += _files(probe, items, folder, path)
    lists: dict[str, list[str]] = {}
    for needed in items.lists:
        sizes = lists.setdefault(needed.requirement, [])
        sizes.append(f"{needed.domains} of {needed.category}")
    for requirement, sizes in lists.items():
        rows += _folded(
            f"  # {requirement} needs more domains than the shipped packs have; import a list "
            f"with {shown(', '.join(sizes))}.",
            "  #   ",
        )
    return "\n".join(rows) + "\n"


def _whole_packs(items: SchemeItems) -> list[str]:
    """The rows of shipped packs of which each item is tried."""
    rows: list[str] = []
    if items.needs_techniques:
        rows += [
            "  # Techniques to bypass the filter: the supplier loads their hosts beforehand.",
            f"  - pack: {PACK}",
        ]
    if TLS_PROBE in items.probes:
        rows += [
            "  # Hosts of the origin that show faults of TLS, and good ones; all are harmless.",
            f"  - pack: {TLS_CHECKS}",
        ]
    return rows


def _pack_entry(pack: Path, path: Path, *, is_needed: bool, kind: PackKind = "content") -> str:
    """The row of a pack beside the origin file; a comment if it is not needed, or is not there."""
    there = beside(pack, path)
    name = quoted(there if Path(there).is_absolute() else f"./{there}")
    sign = "" if is_needed and _is_of_kind(pack, kind) else "#"
    return f"{sign}  - pack: {name}"


def _files(probe: str, items: SchemeItems, folder: Path, path: Path) -> list[str]:
    """The pack of the origin for a probe, in use if it is there."""
    entry = _pack_entry(folder / FILES[probe], path, is_needed=True)
    words = f"  # A pack of the origin, for the probe {probe}."
    if entry.startswith("#"):
        return [f"{words} 'accredit origin pages' writes the pack; then add the probe.", entry]
    is_one = probe == DOWNLOAD and items.files == 1
    return [words, entry, *(["    sample: 1"] if is_one else [])]


def _folded(text: str, indent: str) -> list[str]:
    """A text on lines of at most 100 characters; those after the first begin with ``indent``."""
    return textwrap.wrap(
        text, 98, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def _is_of_kind(folder: Path, kind: PackKind) -> bool:
    """Whether a folder is a pack of a kind of items."""
    try:
        return folder.is_dir() and open_pack(str(folder)).reference.kind == kind
    except UsageError:
        return False
