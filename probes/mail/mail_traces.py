"""What in a mail stands in no other one: numbers, boundaries, files, and its wording.

They are taken alike from a mail as it was sent and from one that arrived, so that a mail is known
by any of them after a service wrote others anew: wrapping, other encodings, footers and new header
fields leave most of them. Of the wording digests of three words in a row are kept, never the words.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from heapq import nsmallest

from harness.model.received_mail import MOST_WORDS
from probes.receivers.alert_text import Part, clean

MOST_TRACES = 500
"""The most other traces that are kept of a mail."""
SEARCHED_BYTES = 4 * 1024 * 1024
"""How far the bytes of a mail are searched for boundaries and identifiers of parts."""
IN_A_ROW = 3
"""How many words make one digest."""

_DIGITS_OF_REFERENCE = 12
_NUMBERS = re.compile(r"[0-9](?:[\W_]{0,3}[0-9]){11,60}")
_GROUP = re.compile(r"[0-9]+")
_WORD = re.compile(r"\w+")
_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]")
_BOUNDARY = re.compile(rb'boundary\s{0,5}=\s{0,5}"?([^"\r\n;]{12,100})', re.IGNORECASE)
_PART_ID = re.compile(rb"^content-id:\s{0,5}<([^<>\s]{8,200})>", re.IGNORECASE | re.MULTILINE)
_ADDRESS = re.compile(r"[^\s<>\"',;:]{1,64}@[^\s<>\"',;:]{1,190}")


def plain(text: str) -> str:
    """Return a text as it is compared: without characters that nobody sees, in plain digits."""
    return _UNSEEN.sub("", unicodedata.normalize("NFKC", text))


def numbers_in(text: str) -> Iterator[str]:
    """Yield the numbers of twelve digits in a plain text, however they are spaced.

    Each is given as ``harness.model.mail_case.reference_of`` writes it.
    """
    for run in _NUMBERS.finditer(text):
        groups = _GROUP.findall(run[0])
        for start in range(len(groups)):
            digits = ""
            for group in groups[start:]:
                digits += group
                if len(digits) >= _DIGITS_OF_REFERENCE:
                    break
            if len(digits) == _DIGITS_OF_REFERENCE:
                yield f"{digits[:2]}-{digits[2:8]}-{digits[8:]}"


def wording_of(texts: Iterable[str]) -> tuple[int, ...]:
    """Return digests of all three words in a row in some plain texts, the smallest ones first."""
    found: set[int] = set()
    for text in texts:
        words = _WORD.findall(text.casefold())
        for at in range(len(words) - IN_A_ROW + 1):
            row = " ".join(words[at : at + IN_A_ROW]).encode("utf-8", "replace")
            found.add(int.from_bytes(hashlib.blake2b(row, digest_size=4).digest()))
    return tuple(nsmallest(MOST_WORDS, found))


def traces_of(
    raw: bytes, headers: Iterable[Mapping[str, str]], files: Iterable[Part]
) -> tuple[str, ...]:
    """Return digests of boundaries, identifiers of parts, files, and of who wrote when.

    ``headers`` are those of the mail and of the mails in it, by lower-case names.
    """
    searched = raw[:SEARCHED_BYTES]
    found = [_trace("boundary", one.strip()) for one in _BOUNDARY.findall(searched)]
    found += [_trace("part", one) for one in _PART_ID.findall(searched)]
    found += [_trace("file", one.content) for one in files]
    found += [_trace("written", one) for one in map(_who_and_when, headers) if one]
    return tuple(dict.fromkeys(found))[:MOST_TRACES]


def _who_and_when(headers: Mapping[str, str]) -> bytes:
    """The author and the time of a mail; empty if it does not state both."""
    author = _ADDRESS.search(clean(headers.get("from", "")).lower())
    try:
        at = parsedate_to_datetime(" ".join(headers.get("date", "")[:200].split()))
        return f"{author[0]} {at.timestamp():.0f}".encode() if author else b""
    except (ValueError, TypeError, OverflowError, IndexError):
        return b""


def _trace(kind: str, what: bytes) -> str:
    return f"{kind}:{hashlib.blake2b(what, digest_size=8).hexdigest()}"
