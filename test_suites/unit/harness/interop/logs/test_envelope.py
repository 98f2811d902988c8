"""The envelopes of syslog: what surrounds a message."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from harness.interop.logs.envelope import Envelope, open_envelope
from harness.interop.logs.times import LogTimes

AT = datetime(2026, 11, 28, 18, 49, 29, tzinfo=UTC)
CASES = {
    "<34>1 2026-11-28T18:49:29Z fw1 proxy 12 ID47 - a=b": Envelope(AT, "fw1", "proxy", "a=b"),
    '<34>1 2026-11-28T18:49:29Z - - - - [x@1 a="]\\"" b="2"][y] \ufeffc=d': Envelope(
        AT, "", "", "c=d", '[x@1 a="]\\"" b="2"][y] '
    ),
    "<34>1 - fw1 proxy - - -": Envelope(None, "fw1", "proxy", ""),
    "<13>Nov 28 18:49:29 fw1 proxy[12]: a=b": Envelope(AT, "fw1", "proxy", "a=b"),
    "Nov 28 18:49:29 fw1 proxy: a: b": Envelope(AT, "fw1", "proxy", "a: b"),
    "Nov 28 18:49:29 dnsmasq[1]: a: b": Envelope(AT, "", "dnsmasq", "a: b"),
    "Nov 28 18:49:29.123 fw1 a=b": Envelope(AT, "", "", "fw1 a=b"),
    "2026-11-28T18:49:29.000000+00:00 fw1 proxy[12]: a=b": Envelope(AT, "fw1", "proxy", "a=b"),
    "2026-11-28T18:49:29Z fe80::1 proxy: a": Envelope(AT, "fe80::1", "proxy", "a"),
    "<189>date=2026-11-28": Envelope(None, "", "", "date=2026-11-28"),
    "a=b": None,
    "": None,
}


@pytest.mark.parametrize("text", CASES)
def test_an_envelope_is_opened(text: str) -> None:
    assert CASES[text] == open_envelope(text, LogTimes(UTC, datetime(2026, 12, 1, tzinfo=UTC)))


@pytest.mark.parametrize("text", [text for text, found in CASES.items() if found is not None])
def test_without_times_no_zone_is_needed(text: str) -> None:
    expected = CASES[text]
    assert expected is not None

    assert expected._replace(at=None) == open_envelope(text, None)
