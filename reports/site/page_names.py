"""Names of pages: readable, safe on every file system, and different for different subjects."""

from __future__ import annotations

import hashlib
import re
import unicodedata

READABLE = 40
"""How many characters of a page's name are readable."""

_OTHER = re.compile(r"[^a-z0-9]+")


def page_name(*names: str) -> str:
    """A name of ASCII letters, digits and hyphens for what has these names.

    It ends in eight digits of the names' SHA-256, so that similar names differ.
    """
    plain = unicodedata.normalize("NFKD", " ".join(names[1:] or names)).encode("ascii", "ignore")
    readable = _OTHER.sub("-", plain.decode().lower()).strip("-")[:READABLE].strip("-")
    digest = hashlib.sha256("\x1f".join(names).encode()).hexdigest()[:8]
    return f"{readable}-{digest}" if readable else digest
