"""The worst group stands for all: a pass asks each, a fail needs one, with Holm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace as renewed

import pytest
from msgspec.structs import replace

from harness.estimate import rates
from harness.estimate.intervals import clopper_pearson
from harness.estimate.item_selection import Selection, Sources
from harness.estimate.worst_group import (
    block_rate,
    block_rate_by_category,
    block_rate_by_language,
    block_rate_by_stratum,
    content_block_rate,
    missed,
    overblock_rate,
    overblock_rate_by_category,
    overblocked,
)
from harness.model.content_form import FORMS
from harness.model.corpus import PackKind
from harness.model.journal_header import PackNote
from harness.model.metric import Span
from harness.model.probe import ProbeDeclaration
from harness.model.scheme import Threshold
from harness.model.verdict import State, Verdict
from test_suites.kit.campaigns.memory_fold import named
from test_suites.unit.harness.estimate.selected_outcome import spread

Make = Callable[..., Verdict]
Select = Callable[..., Selection]


def group(verdict: Make, code: str, good: int, bad: int, **more: str) -> list[Verdict]:
    """Items of a category, some blocked and some not."""
    is_good = spread(good, good + bad)
    states = [State.BLOCKED if each else State.ALLOWED for each in is_good]
    return [verdict(f"{code}-{more}-{n}", code, state, **more) for n, state in enumerate(states)]


def drawn(verdicts: list[Verdict], pack: str) -> list[Verdict]:
    """The same of items that were drawn into a pack."""
    return [replace(one, item=replace(one.item, pack=pack)) for one in verdicts]


def test_the_worst_category_is_named_and_bounds_the_metric(verdict: Make, select: Select) -> None:
    verdicts = group(verdict, "HARM", 95, 5) + group(verdict, "GAMB.X", 60, 40)

    selection = select(verdicts, categories=("HARM", "GAMB"))
    measured = block_rate_by_category(selection)
    metric = measured.metric

    assert (metric.k, metric.n, metric.value) == (60, 100, 0.6)
    assert metric.lower == clopper_pearson(60, 100, 0.05).lower
    assert metric.upper == clopper_pearson(60, 100, 0.025).upper
    assert "worst of 2 groups: GAMB" in metric.method
    assert len(named(measured, selection)) == 45


def test_strata_and_languages_are_groups_too(verdict: Make, select: Select) -> None:
    verdicts = group(verdict, "DRUG", 99, 1, stratum="head", lang="en")
    verdicts += group(verdict, "DRUG", 50, 50, stratum="tail", lang="cy")

    assert "tail" in block_rate_by_stratum(select(verdicts)).metric.method
    assert "cy" in block_rate_by_language(select(verdicts)).metric.method


def test_rates_of_two_frames_are_not_made_one(verdict: Make, select: Select) -> None:
    verdicts = drawn(group(verdict, "DRUG", 90, 10, stratum="u"), "list 1")
    verdicts += drawn(group(verdict, "DRUG", 80, 20, stratum="p"), "list 2 as visited")

    metric = block_rate(select(verdicts)).metric

    assert (metric.k, metric.n) == (80, 100)
    assert metric.lower == clopper_pearson(80, 100, 0.05).lower
    assert "worst of 2 groups: agreed items as visited" in metric.method
    one_frame = [one for one in verdicts if one.item.stratum == "u"]
    assert block_rate(select(one_frame)).metric.n == 100


def test_over_blocking_must_be_low_in_each_frame(verdict: Make, select: Select) -> None:
    verdicts = drawn(group(verdict, "ALW", 1, 99, stratum="u"), "list 1")
    verdicts += drawn(group(verdict, "ALW", 5, 95, stratum="p"), "list 2 as visited")

    alone = overblock_rate(select(verdicts)).metric
    each = overblock_rate_by_category(select(verdicts, categories=("ALW",))).metric

    assert alone.value == each.value == 0.05
    assert "ALW, agreed items as visited" in each.method


def test_over_blocking_is_worst_where_it_is_highest(verdict: Make, select: Select) -> None:
    verdicts = group(verdict, "ALW.HEALTH", 1, 99) + group(verdict, "ALW.LGBT", 30, 70)

    metric = overblock_rate_by_category(select(verdicts, categories=("ALW",))).metric
    both = ("ALW.HEALTH", "ALW.LGBT")
    apart = overblock_rate_by_category(select(verdicts, categories=both)).metric

    assert metric.value == pytest.approx(0.155)
    assert apart.value == pytest.approx(0.3)
    assert apart.upper == clopper_pearson(30, 100, 0.05).upper
    assert apart.lower == clopper_pearson(30, 100, 0.025).lower


def test_a_group_that_nothing_is_known_of_forbids_a_pass(verdict: Make, select: Select) -> None:
    unknown = [verdict(f"u{n}", "GAMB", State.INSUFFICIENT) for n in range(9)]
    verdicts = group(verdict, "HARM", 100, 0) + unknown

    metric = block_rate_by_category(select(verdicts, categories=("HARM", "GAMB"))).metric

    assert metric.lower is None
    assert metric.n == 100


def test_no_group_is_no_rate(select: Select) -> None:
    assert block_rate_by_category(select([], categories=("HARM",))).metric.value is None


PACKS = {
    "open 1": PackNote(kind="agreed", audience="public"),
    "known 2": PackNote(kind="real", audience="public"),
    "secret 3": PackNote(kind="real", audience="sealed"),
    "pages 4": PackNote(kind="content", audience="assessor"),
}


def rested(selection: Selection, rests_on: PackKind) -> Selection:
    """The same with the packs above, for a requirement that rests on a kind."""
    wanted = selection.requirement.model_copy(update={"items": rests_on})
    return renewed(selection, requirement=wanted, sources=Sources(packs=PACKS))


def test_known_and_hidden_items_are_never_made_one(verdict: Make, select: Select) -> None:
    """900 agreed items hide no hole in the 60 unknown to the supplier."""
    verdicts = drawn(group(verdict, "DRUG", 900, 0, stratum="o"), "open 1")
    verdicts += drawn(group(verdict, "DRUG", 40, 20, stratum="s"), "secret 3")

    metric = block_rate(rested(select(verdicts, categories=("DRUG",)), "real")).metric

    assert (metric.k, metric.n) == (40, 60)
    assert metric.upper == clopper_pearson(40, 60, 0.025).upper
    assert "worst of 2 groups: DRUG, hidden real items" in metric.method
    assert [(part.name, part.metric.n) for part in metric.parts] == [
        ("DRUG, agreed items", 900),
        ("DRUG, hidden real items", 60),
    ]


def test_each_named_category_is_held_by_itself(verdict: Make, select: Select) -> None:
    verdicts = group(verdict, "PORN", 300, 0) + group(verdict, "ADLT.X", 45, 15)

    measured = block_rate(select(verdicts, categories=("PORN", "ADLT")))

    assert (measured.metric.k, measured.metric.n) == (45, 60)
    assert measured.metric.n_of_all == 360


def test_a_named_category_must_be_tried_in_what_the_outcome_rests_on(
    verdict: Make, select: Select
) -> None:
    """Agreed items of a category are no hidden ones of it."""
    verdicts = drawn(group(verdict, "PORN", 60, 0, stratum="s"), "secret 3")
    verdicts += drawn(group(verdict, "ADLT", 60, 0, stratum="o"), "open 1")

    chosen = select(verdicts, categories=("PORN", "ADLT"), expectation="block")
    metric = block_rate(rested(chosen, "real")).metric

    missing = [part.name for part in metric.parts if not part.metric.n]
    assert missing == ["ADLT, hidden real items"]
    assert metric.lower is None


def test_a_category_that_the_policy_does_not_ask_about_need_not_be_tried(
    verdict: Make, select: Select
) -> None:
    verdicts = group(verdict, "PORN", 60, 0)

    asked = select(verdicts, categories=("PORN", "ALW.X"), expectation="block")

    assert [part.group for part in block_rate(asked).metric.parts] == ["PORN"]


def test_nothing_tried_names_what_is_missing(select: Select) -> None:
    metric = block_rate(rested(select([], categories=("PORN", "ADLT")), "real")).metric

    assert metric.n == 0
    assert [part.name for part in metric.parts] == [
        "ADLT, hidden real items",
        "PORN, hidden real items",
    ]


def test_named_strata_are_held_by_themselves(verdict: Make, select: Select) -> None:
    verdicts = group(verdict, "DRUG", 99, 1, stratum="head")
    verdicts += group(verdict, "DRUG", 10, 10, stratum="tail")

    metric = block_rate(select(verdicts, strata=("head", "tail", "middle"))).metric

    assert (metric.k, metric.n) == (10, 20)
    assert [part.group for part in metric.parts] == ["head", "middle", "tail"]


def in_forms(verdict: Make, *left_out: str) -> list[Verdict]:
    """Thirty blocked pages of each ordinary form but those left out."""
    forms = [form for form in FORMS.values() if form.family == "ordinary"]
    return [
        one
        for form in forms
        if form.name not in left_out
        for one in group(verdict, "PORN", 30, 0, stratum=f"PORN/{form.name}")
    ]


def test_content_is_held_by_category(verdict: Make, select: Select) -> None:
    verdicts = group(verdict, "PORN", 60, 0) + group(verdict, "DRUG", 10, 20)

    metric = content_block_rate(select(verdicts + in_forms(verdict))).metric

    assert (metric.name, metric.k, metric.n) == ("content_block_rate", 10, 30)
    assert metric.upper is not None
    assert metric.upper < 0.6


def test_content_is_held_by_ordinary_form(verdict: Make, select: Select) -> None:
    verdicts = group(verdict, "PORN", 60, 0) + in_forms(verdict, "br")
    unread = group(verdict, "PORN", 2, 28, stratum="PORN/br")

    metric = content_block_rate(select(verdicts + unread)).metric

    assert (metric.k, metric.n) == (2, 30)
    assert "compressed with Brotli" in metric.method


SECURE = {"s": ProbeDeclaration(needs="fetch", facts="web", only_scheme="https")}


@pytest.mark.parametrize(
    ("left_out", "probes", "untried"),
    [
        ((), SECURE, []),
        (("gzip",), {}, ["compressed with gzip"]),
        (("zstd",), SECURE, ["compressed with Zstandard"]),
        (("br", "zstd"), {}, []),
    ],
)
def test_a_form_that_was_not_tried_leaves_content_undecided(
    verdict: Make,
    select: Select,
    left_out: tuple[str, ...],
    probes: dict[str, ProbeDeclaration],
    untried: list[str],
) -> None:
    """Two forms exist over HTTPS alone: where no probe uses that, they are not wanted."""
    selection = select(group(verdict, "PORN", 60, 0) + in_forms(verdict, *left_out))

    metric = content_block_rate(
        renewed(selection, probes=probes, probes_run=frozenset(probes))
    ).metric

    assert untried == [part.group for part in metric.parts if not part.metric.n]
    assert (metric.lower is None) == bool(untried)


@pytest.mark.parametrize("variant", ["zero-width", "recipe:RTA label in meta"])
def test_disguises_and_recipes_are_not_counted(verdict: Make, select: Select, variant: str) -> None:
    verdicts = group(verdict, "PORN", 60, 0) + in_forms(verdict)
    passed = group(verdict, "PORN", 0, 30, stratum=f"PORN/{variant}")

    metric = content_block_rate(select(verdicts + passed)).metric

    assert (metric.value, len(metric.parts)) == (1.0, 13)
    assert variant not in str(metric)


def test_a_count_sums_up_and_tells_its_parts(verdict: Make, select: Select) -> None:
    verdicts = group(verdict, "ILL.CSAM", 10, 1) + group(verdict, "ILL.TERR", 5, 0)

    measured = missed(select(verdicts, categories=("ILL.CSAM", "ILL.TERR", "ILL.X")))
    metric = measured.metric

    assert (metric.k, metric.n, metric.value) == (1, 16, 1.0)
    assert [(part.group, part.metric.k, part.metric.n) for part in metric.parts] == [
        ("ILL.CSAM", 1, 11),
        ("ILL.TERR", 0, 5),
        ("ILL.X", 0, 0),
    ]
    assert overblocked(select(verdicts, categories=("ILL",))).metric.k == 15


def asked(selection: Selection, at_least: float) -> Selection:
    """The same with a threshold."""
    limit = Threshold(at_least=at_least, provenance="proposed", source="test")
    return renewed(
        selection, requirement=selection.requirement.model_copy(update={"threshold": limit})
    )


def test_some_group_is_accused_by_bonferroni(verdict: Make, select: Select) -> None:
    verdicts = group(verdict, "HARM", 80, 20) + group(verdict, "GAMB", 95, 5)
    both = asked(select(verdicts, categories=("HARM", "GAMB")), at_least=0.9)
    one = asked(select(verdicts[:100], categories=("HARM",)), at_least=0.9)
    alone = rates.block_rate(one).metric.p_value

    assert alone is not None
    assert block_rate_by_category(both).metric.p_value == pytest.approx(2 * alone)
    assert block_rate_by_category(both).metric.method.endswith("fails by Bonferroni")
    assert block_rate_by_category(select(verdicts)).metric.p_value is None


def test_large_domains_of_any_group_weigh_on_all(verdict: Make, select: Select) -> None:
    """The category with the lowest rate has no domain of several items; another has."""
    large = group(verdict, "HARM", 30, 20, registrable="big.test") + group(verdict, "HARM", 100, 0)
    verdicts = large + group(verdict, "GAMB", 60, 40)
    metric = block_rate_by_category(select(verdicts, categories=("HARM", "GAMB"))).metric

    assert metric.spread is None
    assert metric.pooled == Span(130 / 150, 130 / 150)


def test_what_stands_in_the_way_is_that_of_the_worst_group(verdict: Make, select: Select) -> None:
    doubt = [verdict(f"u{n}", "HARM", State.INSUFFICIENT) for n in range(5)]
    verdicts = group(verdict, "HARM", 100, 0) + doubt + group(verdict, "GAMB", 97, 3)
    metric = block_rate_by_category(select(verdicts, categories=("HARM", "GAMB"))).metric

    assert metric.decided == Span(
        clopper_pearson(97, 100, 0.05).lower, clopper_pearson(100, 100, 0.05).upper
    )


def test_where_every_rate_meets_the_threshold_the_group_with_the_furthest_bound_is_shown(
    verdict: Make, select: Select
) -> None:
    """28 of 28 forbid the pass, not 970 of 1,000: the reason must speak of the former."""
    verdicts = group(verdict, "HARM", 970, 30) + group(verdict, "GAMB", 28, 0)
    both = select(verdicts, categories=("HARM", "GAMB"))

    assert block_rate_by_category(asked(both, at_least=0.9)).metric.n == 28
    assert block_rate_by_category(asked(both, at_least=0.98)).metric.n == 1000
    assert block_rate_by_category(both).metric.n == 1000


def test_a_few_known_items_do_not_make_an_outcome_undecidable(
    verdict: Make, select: Select
) -> None:
    hidden = drawn(group(verdict, "DRUG", 60, 0, stratum="s"), "secret 3")

    def lower(known: int) -> float | None:
        few = drawn(group(verdict, "DRUG", known, 0, stratum="o"), "open 1")
        both = asked(select(hidden + few, categories=("DRUG",)), at_least=0.9)
        return block_rate(rested(both, "real")).metric.lower

    assert lower(12) == clopper_pearson(60, 60, 0.05).lower
    assert lower(30) == clopper_pearson(30, 30, 0.05).lower, "enough to tell: they must conform"
