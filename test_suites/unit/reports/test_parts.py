"""What an outcome rests on, and its parts, in words."""

from __future__ import annotations

from dataclasses import replace

from harness.model.metric import Part, Source
from reports import phrases
from reports.tables import item_kind, part_lines
from test_suites.example import example_assessment, example_metric, example_outcome


def test_the_kind_of_items() -> None:
    assert item_kind(example_outcome(kind="real")) == "real items"
    assert item_kind(example_outcome()) == ""


def test_several_parts_are_told_part_lines() -> None:
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
