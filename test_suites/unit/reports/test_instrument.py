"""The report shows what was measured with, and what changed meanwhile."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from reports.documents.html import render
from reports.tables import NO_INSTRUMENT, instrument_line, instrument_tables
from test_suites.example import example_assessment
from test_suites.instrument import UNSYNCHRONISED, WHOLE, record

LATER = record(
    at=WHOLE.at + timedelta(days=1),
    tls_library="OpenSSL <1.1>",
    clock=UNSYNCHRONISED,
    hellos=WHOLE.hellos[:1],
)


def test_the_first_record_is_shown_whole_and_later_ones_as_changes() -> None:
    first, second = instrument_tables(replace(example_assessment(), instrument=(WHOLE, LATER)))

    assert first == ("As of 2026-03-02 09:00 UTC", WHOLE.rows)
    assert second == (
        "Changed 2026-03-03 09:00 UTC",
        (
            ("TLS library", "OpenSSL <1.1>"),
            ("clock", "not known: the clock is not synchronised"),
            ("ClientHello of browser", "no longer recorded"),
        ),
    )


def test_the_page_has_the_table_or_says_that_there_is_none() -> None:
    page = render(replace(example_assessment(), instrument=(WHOLE, LATER)))

    assert "517 bytes; groups x25519, secp256r1" in page
    assert "OpenSSL &lt;1.1&gt;" in page
    assert NO_INSTRUMENT not in page
    assert NO_INSTRUMENT in render(replace(example_assessment(), instrument=()))


def test_the_terminal_has_one_line() -> None:
    line = instrument_line(replace(example_assessment(), instrument=(WHOLE, LATER)))

    assert line.startswith("Measured with CPython 3.13.5; OpenSSL <1.1>; Linux 6.18 x86_64; ")
    assert "ClientHello 517 bytes; clock not known" in line
    assert line.endswith("(changed 1 times in this campaign)")
    assert instrument_line(replace(example_assessment(), instrument=())) == ""
