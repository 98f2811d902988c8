"""Content analysis as the reference filter does it: it looks for the agreed content marker.

A real product judges words and pictures; what a test may show of that is a marker that nobody
takes for harmful, agreed for each category. Only what passes in the clear can be read.
"""

from __future__ import annotations

import re

from probes.range.origin_pages import MARKER_PREFIX

_MARKER = re.compile(
    MARKER_PREFIX.encode() + rb"([A-Z][A-Z0-9]*(?:-[A-Z][A-Z0-9]*)*)-[0-9A-Z]{4}\b"
)


def code_in(answer: bytes) -> str:
    """The taxonomy code that an answer's marker tells (``PORN.NUDE``), or nothing."""
    found = _MARKER.search(answer)
    return found[1].decode("ascii").replace("-", ".") if found else ""
