"""The page: whole, self-contained, readable without colour, and deaf to hostile text."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from harness.model.metric import Part, Source
from harness.model.outcome import Assessment, Conformity, Precondition
from harness.model.scheme import Measure, Threshold
from reports.documents import DOCUMENTS, html
from reports.figures import Limit
from test_suites.example import (
    example_assessment,
    example_metric,
    example_outcome,
    example_requirement,
    example_witness,
)

HOSTILE = '</td><script>alert(1)</script><img src=x onerror="alert(2)">\x1b[31m\u202e'


class Page(HTMLParser):
    """Counts what a browser would make of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "br", "link", "img", "input", "hr"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def text() -> str:
    return html.render(example_assessment())


def hostile_assessment() -> Assessment:
    """Everything that may come from outside says something nasty."""
    witness = example_witness(
        value=HOSTILE, item=HOSTILE, saw=(HOSTILE,), mechanism=HOSTILE, category=HOSTILE
    )
    outcome = example_outcome(
        Conformity.DOES_NOT_CONFORM, witnesses=(witness,), reasons=(HOSTILE,), decided_by=HOSTILE
    )
    held = Precondition(name=HOSTILE, line=HOSTILE, profile=HOSTILE, held=False, detail=HOSTILE)
    return example_assessment(
        title=HOSTILE,
        service=HOSTILE,
        supplier=HOSTILE,
        outcomes=(outcome,),
        preconditions=(held,),
        corpora=(HOSTILE,),
        mechanisms={HOSTILE: 3},
        latencies={HOSTILE: (0.1,)},
        not_applicable=(HOSTILE,),
    )


def test_is_found_by_name_and_writes_the_page(tmp_path: Path, text: str) -> None:
    path = DOCUMENTS.find("html")(example_assessment(), tmp_path / "out" / "report.html")

    assert path.read_text(encoding="utf-8") == text


def test_is_well_formed_british_english(text: str) -> None:
    page = Page(text)

    assert not page.open
    assert page.named("html") == [{"lang": "en-GB"}]
    assert text.lstrip().startswith("<!DOCTYPE html>")


def test_nothing_is_fetched_and_nothing_runs(text: str) -> None:
    page = Page(text)

    assert not page.named("script") + page.named("link") + page.named("img") + page.named("iframe")
    assert all((each["href"] or "").startswith("#") for each in page.named("a"))
    assert "@import" not in text
    assert not re.search(r"url\((?!#)", text)
    policy = [each for each in page.named("meta") if each.get("http-equiv")]
    assert policy[0]["content"] == "default-src 'none'; style-src 'unsafe-inline'"


def test_ids_are_unique_and_links_lead_somewhere(text: str) -> None:
    page = Page(text)
    ids = [each["id"] for _, each in page.tags if each.get("id")]

    assert len(ids) == len(set(ids))
    assert {(each["href"] or "")[1:] for each in page.named("a")} <= set(ids)


def test_tables_have_captions_and_headers(text: str) -> None:
    tables = re.findall(r"<table.*?</table>", text, flags=re.DOTALL)

    assert tables
    for table in tables:
        assert "<caption>" in table
        assert 'scope="col"' in table


def test_hostile_text_is_only_text() -> None:
    shown = html.render(hostile_assessment())
    page = Page(shown)

    assert not page.open
    assert not page.named("script") + page.named("img")
    assert not [name for _, each in page.tags for name in each if name.startswith("on")]
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "&lt;script&gt;alert(1)" in shown


def test_long_text_is_cut_on_the_page() -> None:
    witness = example_witness(saw=("y" * 5000,))
    shown = html.render(example_assessment(outcomes=(example_outcome(witnesses=(witness,)),)))

    assert "y" * html.SHOWN_CHARACTERS + "…" in shown
    assert "y" * (html.SHOWN_CHARACTERS + 1) not in shown


def test_many_items_are_counted_and_the_first_shown() -> None:
    witnesses = tuple(example_witness(number) for number in range(1, 251))
    outcome = example_outcome(Conformity.DOES_NOT_CONFORM, witnesses=witnesses)
    shown = html.render(example_assessment(outcomes=(outcome,)))

    assert "The first 100 of 250 are shown" in shown
    assert shown.count("the origin&#39;s token arrived") == html.SHOWN_ITEMS


def test_the_summary_says_it_in_words(text: str) -> None:
    summary = text[text.index('<section id="summary"') : text.index('<section id="requirements"')]

    assert "Does not conform" in summary
    assert "meets 4 of 7 checks and fails 1; 2 could not be decided" in summary
    assert "Not met: Illegal drug taking and promotion is blocked" in summary
    assert "80 of 100 items were blocked (80.0 %); at least 90 % is required" in summary
    assert "refused every connection" in summary


def test_what_was_left_out_is_said_once() -> None:
    metric = example_metric(98, 98, left_out={"down": 2})
    silent = html.render(example_assessment(outcomes=(example_outcome(metric=metric),)))
    told = example_outcome(metric=metric, reasons=("2 left out: down",))

    assert "; 2 left out (not working on the unfiltered line either)" in silent
    assert html.render(example_assessment(outcomes=(told,))).count("left out") == silent.count(
        "left out"
    )


def test_every_number_has_its_provenance_and_rule(text: str) -> None:
    assert "widely reported (we have not seen the original): Becta" in text
    assert "Compare ENEX 2009: under 3.4 %; ACMA 2008: 1.3 % to 7.8 %" in text
    assert "conforms only if the lower bound reaches the threshold" in text
    assert "one-sided at 95 %" in text
    assert "canary 1.0.0 sha256:9f2c" in text
    assert "Judging rules 2026.1" in text
    assert "Not applicable in this campaign: EML-01, EML-02" in text


def test_conformity_is_a_word_and_never_colour_alone(text: str) -> None:
    chips = re.findall(r'<span class="chip ([a-z-]+)">(.*?)</span>\s*([A-Z][a-z ]+)', text)

    assert {(kind, word.strip()) for kind, _, word in chips} >= {
        ("conforms", "Conforms"),
        ("does-not-conform", "Does not conform"),
        ("insufficient", "Insufficient evidence"),
    }


def test_an_empty_assessment_is_a_page_that_grants_nothing() -> None:
    empty = example_assessment(
        outcomes=(), preconditions=(), rates=(), mechanisms={}, latencies={}, corpora=()
    )
    shown = html.render(empty)

    assert "nothing is shown to conform" in shown
    assert '<div class="verdict insufficient">' in shown
    assert "None was checked." in shown


def test_the_same_assessment_gives_the_same_page(text: str) -> None:
    assert html.render(example_assessment()) == text


def test_limits_come_from_the_requirements() -> None:
    census = example_requirement(
        "ILL-01",
        rule="census",
        measure=Measure(metric="missed", categories=("ILL",)),
        threshold=Threshold(at_most=0, provenance="seen", source="x"),
    )
    over = example_requirement(
        "OVB-01",
        measure=Measure(metric="overblock_rate", categories=("ALW",)),
        threshold=Threshold(at_most=0.05, provenance="seen", source="x"),
    )
    strict = example_requirement(threshold=Threshold(at_least=0.98, provenance="seen", source="x"))
    report = example_requirement(
        measure=Measure(metric="block_rate", categories=("PORN",)), threshold=None
    )
    outcomes = [
        example_outcome(requirement=each)
        for each in (example_requirement(), census, over, strict, report)
    ]

    limits = html.limits_of(outcomes, example_assessment().rates)

    assert limits == {
        "GAMB": Limit(at_least=0.98),
        "ILL.CSAM": Limit(at_least=1.0),
        "ALW.HEAL": Limit(at_most=0.05),
    }


def test_a_limit_stands_at_the_top_and_parts_beside_their_outcome() -> None:
    hidden = Source("real", is_hidden=True)
    parts = tuple(Part(group=g, source=hidden, metric=example_metric(60, 60)) for g in ("A", "B"))
    metric = replace(example_metric(), parts=parts)
    limited = example_outcome(metric=metric, kind="agreed", qualifier="agreed list only")

    page = html.render(example_assessment(outcomes=(limited,)))

    assert "<title>Conforms: agreed list only:" in page
    assert page.index("conforms: agreed list only</p>") < page.index("<h1>")
    assert "based on agreed items" in page
    assert "A, hidden real items: 60/60 (100.0 %)" in page


def test_a_warning_stands_in_the_summary_as_text() -> None:
    page = html.render(replace(example_assessment(), warnings=("review <overdue>",)))

    assert "<strong>Warning:</strong> review &lt;overdue&gt;" in page
    assert "<strong>Warning:</strong>" not in html.render(example_assessment())
