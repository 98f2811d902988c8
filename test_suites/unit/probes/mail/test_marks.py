"""The agreed contents of mails are what products and the range's filter recognise."""

from __future__ import annotations

import hashlib
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from probes.mail import marks
from probes.mail.marks import LANGUAGE_MARKER, gtube, language_marker
from probes.range.page_reading import code_in


def test_the_test_message_for_spam_is_that_of_spamassassin() -> None:
    digest = hashlib.sha256(gtube().encode("ascii")).hexdigest()

    assert (68, "4418994365912e23b756ec7f14960f1a") == (len(gtube()), digest[:32])
    assert gtube() not in Path(marks.__file__).read_text("utf-8")


@given(st.text("0123456789abcdef", min_size=4, max_size=64))
def test_the_language_marker_is_one_that_content_filters_know(digest: str) -> None:
    marker = language_marker(digest)

    assert LANGUAGE_MARKER.fullmatch(marker)
    assert code_in(f"so {marker}.".encode()) == "LANG"
