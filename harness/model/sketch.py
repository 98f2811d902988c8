"""Sketches of texts: a few keyed hashes that allow comparing texts without storing them.

A sketch holds the smallest keyed hashes of the text's shingles (three consecutive words): bottom-k
sampling (Broder, "On the resemblance and containment of documents", 1997; Thorup, "Bottom-k and
priority sampling", 2013). Each word has a keyed hash, and the hash of a shingle is computed from
those of its words. Without the key it cannot be tested whether a text contains a phrase.
``BARE`` is the text length up to which a page is a bare page.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

BARE = 60
"""Characters of visible text up to which a page is *bare*: it proves nothing by itself."""


SHINGLE, SIZE = 3, 40
"""Words of a shingle, and numbers of a sketch."""

MOST_WORDS = 2000
"""The most words of a text that are used."""

Sketch = tuple[int, ...]
"""Numbers below 2**32, ascending."""

_WORDS = re.compile(r"[^\W\d_]+")
_ASCII_LETTERS = bytes(
    ord(chr(byte).lower()) if chr(byte).isalpha() else 32 for byte in range(128)
).ljust(256)
"""Letters in lower case, and a space for every other byte."""

_FACTORS = (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
"""Odd factors of the words of a shingle, by place (the constants of SplitMix64)."""

_MOST_HASHES = 65536
"""The most words whose hashes are kept for one key."""


def sketch_of(text: str, key: bytes) -> Sketch:
    """Return the sketch of a text, ignoring digits, case and punctuation; empty without words."""
    words = _words_of(text[: MOST_WORDS * 12])[:MOST_WORDS]
    if not words:
        return ()
    import numpy as np  # noqa: PLC0415 - most commands read no page

    words += [b""] * (SHINGLE - len(words))
    hashes = b"".join(map(_word_hashes(key).__getitem__, words))
    ordered = _shingle_hashes(np.frombuffer(hashes, "<u8"))
    ordered.sort()
    is_new = np.empty(len(ordered), np.bool_)
    is_new[0] = True
    np.not_equal(ordered[1:], ordered[:-1], out=is_new[1:])
    return tuple(ordered[is_new][:SIZE].tolist())


def _words_of(text: str) -> list[bytes]:
    if text.isascii():  # ten times faster than the expression, with the same result
        return text.encode().translate(_ASCII_LETTERS).split()
    return [word.encode() for word in _WORDS.findall(text.casefold())]


def _shingle_hashes(words: NDArray[Any]) -> NDArray[Any]:
    """Return 32-bit hashes of shingles from the 64-bit hashes of consecutive words.

    The finalizer of SplitMix64, as far as the upper half needs it, spreads the bits of the sum
    (Steele, Lea & Flood, "Fast splittable pseudorandom number generators", 2014).
    """
    count = len(words) - SHINGLE + 1
    mixed = words[:count] * _FACTORS[0]
    for place in range(1, SHINGLE):
        mixed += words[place : place + count] * _FACTORS[place]
    mixed ^= mixed >> 30
    mixed *= _FACTORS[1]
    mixed ^= mixed >> 27
    mixed *= _FACTORS[2]
    mixed >>= 32
    return mixed


class _WordHashes(dict[bytes, bytes]):
    """Keyed hashes of words, 8 bytes each, computed once."""

    def __init__(self, key: bytes) -> None:
        self._keyed = hashlib.blake2b(key=key[:64], digest_size=8)

    def __missing__(self, word: bytes) -> bytes:
        digest = self._keyed.copy()
        digest.update(word)
        if len(self) >= _MOST_HASHES:
            self.clear()
        self[word] = found = digest.digest()
        return found


@lru_cache(maxsize=4)
def _word_hashes(key: bytes) -> _WordHashes:
    return _WordHashes(key)


def title_mark(title: str, host: str, key: bytes) -> str:
    """Return a keyed hash of a title without host, digits and case; empty without words."""
    words = _WORDS.findall(title.casefold().replace(host.casefold() or "\0", " "))
    if not words:
        return ""
    return hashlib.blake2b(" ".join(words).encode(), key=key[:64], digest_size=8).hexdigest()


def mark_of(text: str, key: bytes) -> int:
    """Return a keyed hash of a text as it is, below 2**32."""
    digest = hashlib.blake2b(text.encode("utf-8", "replace"), key=key[:64], digest_size=4)
    return int.from_bytes(digest.digest(), "big")


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
