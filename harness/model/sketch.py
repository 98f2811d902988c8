"""Sketches of texts: a few keyed numbers by which texts are compared without being stored.

A sketch is the smallest keyed hashes of the text's shingles (three words in a row), as in bottom-k
sampling (Broder, "On the resemblance and containment of documents", 1997; Thorup, "Bottom-k and
priority sampling", 2013). Without the key, nobody can test whether a text has a given phrase.
"""

from __future__ import annotations

import hashlib
import re

BARE = 60
"""Characters of visible text up to which a page says nothing by itself."""


SHINGLE, SIZE = 3, 40
"""Words of a shingle, and numbers of a sketch."""

MOST_WORDS = 2000
"""How many words of a text count."""

Sketch = tuple[int, ...]
"""Numbers below 2**32, ascending."""

_WORDS = re.compile(r"[^\W\d_]+")


def sketch_of(text: str, key: bytes) -> Sketch:
    """The sketch of a text; digits, case and punctuation do not count. Empty without a word."""
    words = _WORDS.findall(text[: MOST_WORDS * 12].casefold())[:MOST_WORDS]
    if not words:
        return ()
    last = max(1, len(words) - SHINGLE + 1)
    shingles = {" ".join(words[start : start + SHINGLE]) for start in range(last)}
    keyed = hashlib.blake2b(key=key[:64], digest_size=4)
    hashes = set()
    for shingle in shingles:
        one = keyed.copy()
        one.update(shingle.encode())
        hashes.add(int.from_bytes(one.digest(), "big"))
    return tuple(sorted(hashes)[:SIZE])


def title_mark(title: str, host: str, key: bytes) -> str:
    """A keyed mark of a title, without the page's host, digits and case; empty without words."""
    words = _WORDS.findall(title.casefold().replace(host.casefold() or "\0", " "))
    if not words:
        return ""
    return hashlib.blake2b(" ".join(words).encode(), key=key[:64], digest_size=8).hexdigest()


def share_within(part: Sketch, whole: Sketch) -> float:
    """The estimated share, 0 to 1, of one text's shingles that stand in another; 0 if unknown."""
    if not part or not whole:
        return 0.0
    # A full sketch says nothing of hashes above its largest.
    limit = whole[-1] if len(whole) >= SIZE else 2**32
    comparable = [number for number in part if number <= limit]
    if not comparable:
        return 0.0
    there = set(whole)
    return sum(number in there for number in comparable) / len(comparable)
