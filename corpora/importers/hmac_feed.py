"""Feeds of keyed digests, as an agency hands them out for what nobody may hold in plain.

One ``hmac-sha256:<key id>:<64 hexadecimal digits>`` a line (RFC 2104). A line that is anything
else may be such a thing in plain, so nothing of it is ever shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from corpora.import_entry import Entry, fault
from corpora.read_list import LIST_IMPORTERS
from corpora.source import Source

DIGEST = re.compile(r"hmac-sha256:[A-Za-z0-9._-]{1,64}:[0-9a-f]{64}")


@LIST_IMPORTERS.register("hmac_feed")
def read_digests(source: Source) -> Iterator[Entry]:
    """Entries of a feed; which category they are of is told with ``--label``."""
    for number, text in source.lines():
        word = text.strip()
        if not word or word.startswith("#"):
            continue
        place = source.place(number)
        if DIGEST.fullmatch(word):
            yield Entry(place, word, "hmac", "block")
        else:
            yield fault(place, "not a keyed digest; not shown")
