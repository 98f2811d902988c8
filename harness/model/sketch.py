"""Sketches of texts: a few keyed hashes that allow comparing texts without storing them.

A sketch holds the smallest keyed hashes of the text's shingles (three consecutive words): bottom-k
sampling (Broder, "On the resemblance and containment of documents", 1997; Thorup, "Bottom-k and
priority sampling", 2013). Without the key, nobody can test whether a text contains a phrase.
``BARE`` is the text length up to which a page is a bare page.
"""

from __future__ import annotations

import hashlib
import re

BARE = 60
"""Characters of visible text up to which a page is *bare*: it proves nothing by itself."""


SHINGLE, SIZE = 3, 40
"""Words of a shingle, and numbers of a sketch."""

MOST_WORDS = 2000
"""The most words of a text that are used."""

Sketch = tuple[int, ...]
"""Numbers below 2**32, ascending."""

_WORDS = re.compile(r"[^\W\d_]+")


def sketch_of(text: str, key: bytes) -> Sketch:
    """Return the sketch of a text, ignoring digits, case and punctuation; empty without words."""
    words = _WORDS.findall(text[: MOST_WORDS * 12].casefold())[:MOST_WORDS]
    if not words:
        return ()
    last = max(1, len(words) - SHINGLE + 1)
    shingles = {" ".join(words[start : start + SHINGLE]) for start in range(last)}
    keyed = hashlib.blake2b(key=key[:64], digest_size=4)
    hashes = set()
    for shingle in shingles:
        digest = keyed.copy()
        digest.update(shingle.encode())
        hashes.add(int.from_bytes(digest.digest(), "big"))
    return tuple(sorted(hashes)[:SIZE])


def title_mark(title: str, host: str, key: bytes) -> str:
    """Return a keyed hash of a title without host, digits and case; empty without words."""
    words = _WORDS.findall(title.casefold().replace(host.casefold() or "\0", " "))
    if not words:
        return ""
    return hashlib.blake2b(" ".join(words).encode(), key=key[:64], digest_size=8).hexdigest()


def share_within(part: Sketch, whole: Sketch) -> float:
    """Estimate the share (0..1) of the shingles of ``part`` that are in ``whole``; 0 if unknown."""
    if not part or not whole:
        return 0.0
    # A full sketch says nothing of hashes above its largest.
    limit = whole[-1] if len(whole) >= SIZE else 2**32
    comparable = [number for number in part if number <= limit]
    if not comparable:
        return 0.0
    there = set(whole)
    return sum(number in there for number in comparable) / len(comparable)
