"""Search engines and video sites, as the rows of the pack ``search`` describe them.

A row names a parameter, a header, a name in DNS, or no lock; a new row needs no code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from corpora.pack_reader import open_pack
from corpora.search_terms import SUGGESTION_PATHS
from harness.model.corpus import TWIN
from harness.model.search_case import BY_NAME, SearchLock

UNLOCKED = "LOC.SRCH"
"""The category of search results without a lock."""

TARGETS = {"strict": "strict. | moderate.", "moderate": "strict. | moderate."}
"""What locks a video site in DNS for a mode, before its host; the strict mode is no weaker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchEngine:
    """An engine that a row of the pack ``search`` describes.

    Of one that is locked in DNS, ``names`` are those of the real engine, as the row writes them,
    and ``target`` is the name or address that locks it; ``mode`` is that of a video site.
    """

    row: str
    lock: SearchLock
    mode: str = ""
    names: str = ""
    target: str = ""

    @property
    def is_video(self) -> bool:
        """Whether its lock has several modes, as that of a video site."""
        return bool(self.mode) or (self.lock.kind == "header" and len(self.lock.header[1]) > 1)


OWN_ENGINE = SearchEngine(row="own", lock=SearchLock("cookie", "safesearch=strict"))
"""An engine that is locked by a cookie, for which there is no row."""

_PARAMETERS = re.compile(r"[\w-]+=[^\s&;]+(?:&[\w-]+=[^\s&;]+)*")
_HEADER = re.compile(r"(?:request header )?([A-Za-z][\w-]*: [^;]+)")
_TARGET = re.compile(r"(?P<names>[^;]+?) -> (?P<target>[\w.-]+)")
_OFF = re.compile(r"sends [\w-]+=(\w+)")
_NO_LOCK = re.compile(r"none\b.*|block|site safe modes")


@cache
def search_engines() -> tuple[SearchEngine, ...]:
    """Return the engines that the rows of the pack ``search`` describe, and one more."""
    found = []
    for identity, mechanism, note in _rows():
        if _NO_LOCK.fullmatch(mechanism):
            found.append(SearchEngine(row=identity, lock=SearchLock("none")))
        elif targets := _TARGET.match(note):
            found.append(_by_name(identity, mechanism, targets))
        elif parameters := _PARAMETERS.match(note):
            found.append(SearchEngine(row=identity, lock=SearchLock("parameter", parameters[0])))
        elif header := _HEADER.match(note):
            found.append(SearchEngine(row=identity, lock=SearchLock("header", header[1].strip())))
    return (*found, OWN_ENGINE)


def _by_name(identity: str, mechanism: str, row: re.Match[str]) -> SearchEngine:
    """Return an engine that is locked in DNS; the last word of the mechanism may be a mode."""
    mode = mechanism.rpartition(" ")[2]
    return SearchEngine(
        row=identity,
        lock=SearchLock(BY_NAME, TARGETS.get(mode, "safe.")),
        mode=mode if mode in TARGETS else "",
        names=row["names"],
        target=row["target"],
    )


def _rows() -> Iterator[tuple[str, str, str]]:
    """Yield id, mechanism and note of each row about search engines."""
    for entry in open_pack("search").entries():
        item = entry.item
        if item.category == UNLOCKED and not item.stratum.startswith(TWIN):
            yield item.id, item.value.rpartition("/")[2], entry.note


def off_value() -> str:
    """Return what a user sends to turn a parameter off, as a row says."""
    found = (match[1] for _, _, note in _rows() if (match := _OFF.search(note)))
    return next(found, "off")


def suggestion_paths() -> tuple[str, ...]:
    """Return the paths of suggestion services that a row names."""
    notes = (note.split(";")[0] for _, _, note in _rows() if note.startswith("/"))
    return next((tuple(note.split(", ")) for note in notes), SUGGESTION_PATHS)
