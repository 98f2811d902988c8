"""Outcomes by requirement, rates by pack and the instrument are tables with the same words everywhere."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import timedelta
from typing import Any

from rich.console import Console

from harness.model.metric import Foreknowledge, PackRate, Part, Source
from harness.model.outcome import Assessment
from reports import phrases
from reports.documents import Report
from reports.documents.html import render
from reports.tables import (
    NO_INSTRUMENT,
    groups_of,
    instrument_line,
    instrument_tables,
    pack_tables,
    part_lines,
)
from reports.terminal import render_assessment
from test_suites.kit.campaigns.example import (
    example_assessment,
    example_metric,
    example_outcome,
    example_outcomes,
)
from test_suites.kit.campaigns.instrument import UNSYNCHRONISED, WHOLE, record


def page_of(assessment: Assessment) -> str:
    return render(Report(assessment=assessment))


def test_outcomes_of_one_requirement_stand_together() -> None:
    groups = groups_of(example_outcomes())

    assert [(group.requirement.id, len(group.outcomes), group.unit) for group in groups] == [
        ("ILL-01", 1, "items"),
        ("URL-01", 2, "share"),
        ("URL-04", 2, "share"),
        ("OVB-01", 1, "share"),
        ("PRF-03", 1, "s"),
    ]


def test_nothing_gives_nothing() -> None:
    assert groups_of(()) == ()


def test_the_kind_of_items_that_are_counted_is_told_beside_that_of_the_basis() -> None:
    hidden = Source("real", is_hidden=True)
    real = Part(group="DRUG", source=hidden, metric=example_metric(60, 60))
    agreed = Part(group="DRUG", source=Source(), metric=example_metric(29, 60))
    worse = replace(agreed.metric, parts=(real, agreed))

    assert phrases.based_on(example_outcome(kind="real")) == "based on real items"
    assert phrases.based_on(example_outcome()) == ""
    mixed = example_outcome(kind="real", metric=worse)
    assert phrases.based_on(mixed) == "based on real items, shown: agreed items"
    assert phrases.based_on(mixed) in phrases.sentence(mixed)
    assert ("real", "agreed") == (mixed.kind, mixed.counted_kind)
    whole = replace(real.metric, parts=(real, agreed))
    assert phrases.based_on(example_outcome(kind="real", metric=whole)) == "based on real items"


def test_several_parts_are_told_apart() -> None:
    hidden = Source("real", is_hidden=True)
    parts = (
        Part(group="PORN", source=Source(), metric=example_metric(60, 60)),
        Part(group="PORN", source=hidden, metric=example_metric(38, 40, indeterminate=2)),
        Part(group="GAMB", source=hidden, metric=example_metric(0, 0)),
    )
    metric = replace(example_metric(), parts=parts)

    assert part_lines(example_outcome(metric=metric)) == (
        "GAMB, hidden real items: 0/0",
        "PORN, hidden real items: 38/40 +2? (95.0 %)",
        "PORN, agreed items: 60/60 (100.0 %)",
    )
    assert part_lines(example_outcome(metric=replace(metric, parts=parts[:1]))) == ()


def test_a_limit_is_part_of_the_word() -> None:
    limited = example_outcome(kind="agreed", qualifier="agreed list only")
    whole = replace(example_assessment(), outcomes=(limited,))

    assert phrases.word(limited) == phrases.word(whole) == "Conforms: agreed list only"
    assert phrases.verdict(limited) == "\u2713 Conforms: agreed list only"
    assert "conforms: agreed list only;" in phrases.sentence(limited)
    assert "based on agreed items" in phrases.sentence(limited)
    assert phrases.headline(whole).endswith("of this specification, on agreed list only.")


PLACE: dict[str, Any] = {"line": "proxy", "profile": "ks2", "group": "GAMB"}
RATE = PackRate(
    **PLACE, pack="secret", audience="sealed", design="popularity_weighted", expectation="block",
    kind="real",
    right=6, n=9, undecided=2, value=2 / 3, lower=0.3, upper=0.9, method="m",
)  # fmt: skip
FOUND = Foreknowledge(
    **PLACE, frame="as visited", known_right=9, known_n=9, hidden_right=6, hidden_n=9,
    undecided=2, p_value=0.01, adjusted=0.02, alpha=0.05,
)  # fmt: skip


def assessment() -> Assessment:
    return replace(example_assessment(), packs=(RATE,), foreknowledge=(FOUND,))


def test_each_table_has_its_rows() -> None:
    rates, foreknowledge = pack_tables(assessment())

    assert rates.rows == (
        ("secret (real, sealed)", "as visited", "GAMB", "ks2 on proxy", "66.7 %", "6/9 +2?",
         "30.0 % to 90.0 %"),
    )  # fmt: skip
    assert foreknowledge.rows[0][3:6] == ("100.0 % (9/9)", "66.7 % (6/9)", "0.02")
    assert foreknowledge.rows[0][6].endswith("(2 undecided)")
    assert all(len(table.columns) == len(table.rows[0]) for table in (rates, foreknowledge))


def test_one_pack_makes_no_table() -> None:
    assert pack_tables(example_assessment()) == ()
    assert "As policy" not in page_of(example_assessment())


def test_page_and_terminal_say_it() -> None:
    console = Console(file=io.StringIO(), width=200)
    render_assessment(assessment(), console)
    shown = console.file.getvalue()  # type: ignore[attr-defined]

    for text in (shown, page_of(assessment())):
        assert "tuned to the known list" in text
        assert "secret (real, sealed)" in text


def test_a_narrow_terminal_loses_no_letter_of_a_name() -> None:
    console = Console(file=io.StringIO(), width=60)
    long = replace(RATE, pack="a-very-long-name-of-a-pack-whose-end-tells-it")
    render_assessment(replace(assessment(), packs=(long,)), console)

    assert "\u2026" not in console.file.getvalue()  # type: ignore[attr-defined]


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
    page = page_of(replace(example_assessment(), instrument=(WHOLE, LATER)))

    assert "517 bytes; groups x25519, secp256r1" in page
    assert "OpenSSL &lt;1.1&gt;" in page
    assert NO_INSTRUMENT not in page
    assert NO_INSTRUMENT in page_of(replace(example_assessment(), instrument=()))


def test_the_terminal_has_one_line() -> None:
    line = instrument_line(replace(example_assessment(), instrument=(WHOLE, LATER)))

    assert line.startswith("Measured with CPython 3.13.5; OpenSSL <1.1>; Linux 6.18 x86_64; ")
    assert "ClientHello 517 bytes; clock not known" in line
    assert line.endswith("(changed 1 times in this campaign)")
    assert instrument_line(replace(example_assessment(), instrument=())) == ""
