"""Contents of mails that a service must recognise by agreement: GTUBE, and the language marker.

The anti-malware test string is in ``probes.net.file_contents``, the agreed image in
``probes.range.image_card``.
"""

from __future__ import annotations

import re

from harness.model.marker import MARKER_PREFIX

_GTUBE_PARTS = ("XJS*C4JDBQADN1.NSBN3*2IDNEN*", "GTUBE-STANDARD", "-ANTI-UBE-TEST", "-EMAIL*C.34X")

LANGUAGE_CODE = "LANG"
"""The code of inappropriate language in an agreed marker."""

LANGUAGE_MARKER = re.compile(re.escape(f"{MARKER_PREFIX}{LANGUAGE_CODE}") + r"-[0-9A-Z]{4}\b")
"""The form of each marker that ``language_marker`` returns."""


def gtube() -> str:
    """Return the Generic Test for Unsolicited Bulk Email: 68 characters, joined at each call.

    Spam filters recognise it by agreement (spamassassin.apache.org/gtube). It must stand on one
    line, without blanks or other characters in it. It is never written to a file as a whole:
    otherwise a filter would refuse mails that hold the file.
    """
    return "".join(_GTUBE_PARTS)


def language_marker(digest: str) -> str:
    """Return the agreed marker of inappropriate language: ``ACCREDIT-MARKER-LANG-0A1B``.

    ``digest`` are hexadecimal digits, at least four; its last four end the marker.
    """
    return f"{MARKER_PREFIX}{LANGUAGE_CODE}-{digest[-4:].upper()}"
