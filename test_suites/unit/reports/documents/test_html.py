"""The page: whole, self-contained, readable without colour, and deaf to hostile text."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from harness.model.metric import Part, Source
from harness.model.outcome import Assessment, Conformity, Precondition
from harness.store.assessments import digest_of
from reports.documents import DOCUMENTS, Report, html
from reports.next_steps import NextStep
from test_suites.kit.campaigns.example import (
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


def page_of(assessment: Assessment, **followed: Any) -> str:
    return html.render(Report(assessment=assessment, **followed))


@pytest.fixture(scope="module")
def text() -> str:
    return page_of(example_assessment())


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
    path = DOCUMENTS.find("html")(
        Report(assessment=example_assessment()), tmp_path / "out" / "report.html"
    )

    assert path.read_text(encoding="utf-8") == text


def test_is_well_formed_british_english(text: str) -> None:
    page = Page(text)

    assert not page.open
    assert page.named("html") == [{"lang": "en-GB"}]
    assert text.lstrip().startswith("<!DOCTYPE html>")


def test_nothing_is_fetched_and_nothing_runs_but_the_filter_of_items(text: str) -> None:
    page = Page(text)
    (script,) = re.findall(r"<script>(.*?)</script>", text, flags=re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()

    assert not page.named("link") + page.named("img") + page.named("iframe")
    assert [{}] == page.named("script")
    assert all((each["href"] or "").startswith("#") for each in page.named("a"))
    assert "@import" not in text
    assert not re.search(r"url\((?!#)", text)
    policy = [each for each in page.named("meta") if each.get("http-equiv")]
    assert policy[0]["content"] == (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    )


def test_ids_are_unique_and_links_lead_somewhere(text: str) -> None:
    page = Page(text)
    ids = [each["id"] for _, each in page.tags if each.get("id")]

    assert len(ids) == len(set(ids))
    assert {(each["href"] or "")[1:] for each in page.named("a")} <= set(ids)


def test_a_next_step_leads_to_the_row_that_failed() -> None:
    failed = example_outcome(Conformity.DOES_NOT_CONFORM, line="resolver")
    shown = page_of(example_assessment(outcomes=(example_outcome(), failed)))
    (link,) = [each["href"] or "" for each in Page(shown).named("a")]
    _, row = shown.split(f'id="{link[1:]}"')  # once in the page

    assert "<bdi>ks2</bdi> on <bdi>resolver</bdi>" in row[: row.index("</tr>")]


def test_outcomes_whose_ids_read_alike_have_rows_of_their_own() -> None:
    one = example_outcome(Conformity.DOES_NOT_CONFORM, profile="a-b", line="c")
    two = replace(one, profile="a", line="b-c")
    page = Page(page_of(example_assessment(outcomes=(one, two))))
    ids = [each["id"] for _, each in page.tags if each.get("id")]

    assert one.id == two.id
    assert len(ids) == len(set(ids))


def test_tables_have_captions_and_headers(text: str) -> None:
    tables = re.findall(r"<table.*?</table>", text, flags=re.DOTALL)

    assert tables
    for table in tables:
        assert '<caption class="hidden">' in table
        assert 'scope="col"' in table


def test_hostile_text_is_only_text() -> None:
    shown = page_of(hostile_assessment())
    page = Page(shown)

    assert not page.open
    assert [{}] == page.named("script"), "the report's own"
    assert not page.named("img")
    assert not [name for _, each in page.tags for name in each if name.startswith("on")]
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "&lt;script&gt;alert(1)" in shown


def test_a_hostile_name_stays_a_text_in_the_style_sheet() -> None:
    name = '"; } body { display: none } </style><script>alert(1)</script>\\'
    shown = page_of(example_assessment(service=name, scheme="x"))
    style = shown[shown.index("<style>") : shown.index("</style>")]

    assert "display: none } " not in style
    assert "alert(1)" not in style
    assert [{}] == Page(shown).named("script")


def test_long_text_is_cut_on_the_page() -> None:
    witness = example_witness(saw=("y" * 5000,))
    shown = page_of(example_assessment(outcomes=(example_outcome(witnesses=(witness,)),)))

    assert "y" * html.SHOWN_CHARACTERS + "…" in shown
    assert "y" * (html.SHOWN_CHARACTERS + 1) not in shown


def test_ten_items_are_shown_and_the_others_folded() -> None:
    witnesses = tuple(example_witness(number) for number in range(1, 251))
    outcome = example_outcome(Conformity.DOES_NOT_CONFORM, witnesses=witnesses)
    shown = page_of(example_assessment(outcomes=(outcome,)))
    first, folded = shown.split('<details id="more-items">')

    assert "The 250 items that count against the service" in shown
    assert (html.FIRST_ITEMS, 240) == (
        first.count("data-item"),
        folded.count('<tr role="row" data-item'),
    )
    assert "Show the other 240 items" in folded


def test_a_page_of_very_many_items_says_where_all_of_them_are() -> None:
    witnesses = tuple(example_witness(number) for number in range(1, html.SHOWN_ITEMS + 2))
    outcome = example_outcome(Conformity.DOES_NOT_CONFORM, witnesses=witnesses)
    shown = page_of(example_assessment(outcomes=(outcome,)))

    assert f"The first {html.SHOWN_ITEMS} are shown; the JSON file of the assessment" in shown
    assert html.SHOWN_ITEMS == shown.count('<tr role="row" data-item')


def test_what_every_item_has_in_common_is_said_once() -> None:
    witnesses = tuple(example_witness(number) for number in range(1, 21))
    outcome = example_outcome(Conformity.DOES_NOT_CONFORM, witnesses=witnesses)
    shown = page_of(example_assessment(outcomes=(outcome,)))

    assert "Each was let through." in shown
    assert shown.count("the origin&#39;s token arrived") == 1


def test_items_that_differ_only_point_to_their_checks() -> None:
    """Names that share an address, or two lines that differ, are neither."""
    witnesses = (example_witness(1), example_witness(2, state="blocked"))
    outcome = example_outcome(Conformity.DOES_NOT_CONFORM, witnesses=witnesses)
    shown = page_of(example_assessment(outcomes=(outcome,)))

    assert "Each counts against the check named beside it." in shown
    assert "although they must" not in shown


def test_the_first_lines_say_the_result_in_words(text: str) -> None:
    first = text[text.index("<main>") : text.index('id="requirements-title"')]

    assert "SafeLine Schools does not meet the scheme Becta 2008: 1 of 7 checks failed." in first
    assert "80 of 100 items were blocked (80%). At least 90% must be." in first
    assert "refused every connection" in first
    assert first.index("<h1") < first.index("What failed, and what happens next")


def test_canaries_are_never_called_the_real_list() -> None:
    entries = replace(example_assessment().outcomes[0], kind="agreed")
    shown = page_of(example_assessment(outcomes=(entries,)))

    assert "Tested on canaries, not on real sites." in shown
    assert "no entry of a real one was used" in shown
    assert "Child sexual abuse list (test entries)" in shown
    assert "IWF" not in shown


@pytest.mark.parametrize(
    ("kind", "says"),
    [("real", "Tested on real sites."), ("content", "Tested on harmless test pages, not on real")],
)
def test_the_page_says_what_was_tried(kind: Any, says: str) -> None:
    shown = page_of(example_assessment(outcomes=(example_outcome(kind=kind),), corpora=()))

    assert says in shown
    assert "canar" not in shown.lower().replace("canary.accredit", "")


def test_items_whose_kind_is_not_recorded_are_not_called_real() -> None:
    shown = page_of(example_assessment(outcomes=(example_outcome(),)))

    assert "The kind of items is not recorded." in shown
    assert "No items were tried" not in shown


def test_every_number_has_its_provenance_and_rule(text: str) -> None:
    assert "widely reported (we have not seen the original): Becta" in text
    assert "Compare ENEX 2009: under 3.4%; ACMA 2008: 1.3% to 7.8%" in text
    assert "conforms only if the lower bound reaches the threshold" in text
    assert "95% sure that a true value is not below" in text
    assert "canary 1.0.0 9f2c" in text
    assert "judging rules <code>2026.1</code>" in text
    assert "Not applicable in this campaign: EML-01; EML-02" in text


def test_the_page_names_the_assessment_that_it_shows(text: str) -> None:
    assert digest_of(example_assessment()) in text
    assert "assessment-becta-2008.json" in text


def test_conformity_is_a_word_and_a_form_and_never_colour_alone(text: str) -> None:
    chips = re.findall(r'<span class="chip ([a-z-]+)"><svg .*?</svg>([^<]+)</span>', text)

    assert set(chips) == {
        ("conforms", "Conforms"),
        ("does-not-conform", "Does not conform"),
        ("insufficient", "Not decided"),
    }


def test_what_is_only_reported_is_not_left_undecided() -> None:
    told = example_outcome(
        Conformity.INSUFFICIENT,
        requirement=example_requirement(rule="report", binding=False, short="Shown alone"),
        reasons=("for information only: nothing is decided",),
    )
    shown = page_of(example_assessment(outcomes=(example_outcome(), told)))

    assert "Shown alone (for information)" in shown
    assert "Not decided" not in shown
    assert '<span class="chip information">' in shown


def test_what_was_not_measured_and_does_not_bind_takes_a_line_an_area() -> None:
    absent = tuple(
        example_outcome(
            Conformity.INSUFFICIENT,
            requirement=example_requirement(
                f"EML-0{number}", area="email", binding=False, short=name
            ),
            metric=example_metric(0, 0),
        )
        for number, name in enumerate(("Spam", "Attachments"), start=1)
    )
    shown = page_of(example_assessment(outcomes=(example_outcome(), *absent)))

    assert "<b>Mail: 2.</b> Spam; Attachments." in shown
    assert 'id="EML-01"' not in shown


def test_a_failed_precondition_that_voids_nothing_is_not_called_a_cause() -> None:
    failed = Precondition(name="alive", line="proxy", profile="ks2", held=False, detail="silent")
    undecided = example_outcome(Conformity.INSUFFICIENT)
    both = (failed, replace(failed, held=True))

    why = "Why some checks could not be decided"
    assert why in page_of(example_assessment(outcomes=(undecided,), preconditions=(failed,)))
    assert why not in page_of(example_assessment(outcomes=(undecided,), preconditions=both))


def test_a_closed_plan_names_the_day_of_its_retest_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = example_outcome(Conformity.DOES_NOT_CONFORM)
    step = NextStep(
        outcomes=(failed,),
        subject="Gambling",
        found="",
        text="",
        owner="Kim",
        plan="P-0001, closed",
        retested="3 December 2026",
    )
    monkeypatch.setattr(html, "next_steps", lambda _: (step,))
    shown = page_of(example_assessment(outcomes=(failed,)))

    assert "closed</span>; re-test passed on 3 December 2026" in shown


def test_an_empty_assessment_is_a_page_that_grants_nothing() -> None:
    empty = example_assessment(
        outcomes=(), preconditions=(), rates=(), mechanisms={}, latencies={}, corpora=()
    )
    shown = page_of(empty)

    assert "Nothing was decided about SafeLine Schools." in shown
    assert '<section class="verdict insufficient"' in shown
    assert "Nothing failed" not in shown
    assert "Nothing was tried." in shown
    assert "Nothing was blocked." not in shown


def test_a_service_that_blocked_nothing_of_what_was_tried_says_so() -> None:
    shown = page_of(example_assessment(outcomes=(example_outcome(),), mechanisms={}))

    assert "Nothing was blocked." in shown


def test_a_delay_that_is_only_reported_is_not_called_allowed(text: str) -> None:
    (delay,) = (
        each for each in example_assessment().outcomes if each.metric.name == "first_byte_overhead"
    )
    told = delay.requirement.model_copy(update={"rule": "report"})
    without = told.model_copy(update={"threshold": None})

    assert "At most 150 ms is allowed." in text
    for requirement in (told, without):
        outcome = replace(delay, requirement=requirement)
        shown = page_of(example_assessment(outcomes=(outcome,)))
        assert "more, at most, for 19 of 20 pages" in shown
        assert "is allowed." not in shown


def test_the_same_assessment_gives_the_same_page(text: str) -> None:
    assert page_of(example_assessment()) == text


def test_a_limit_stands_at_the_top_and_parts_beside_their_outcome() -> None:
    hidden = Source("real", is_hidden=True)
    parts = tuple(Part(group=g, source=hidden, metric=example_metric(60, 60)) for g in ("A", "B"))
    metric = replace(example_metric(), parts=parts)
    limited = example_outcome(metric=metric, kind="agreed", qualifier="agreed list only")
    page = page_of(example_assessment(outcomes=(limited,)))

    assert "<title>Conforms: agreed list only:" in page
    assert "meets the scheme Becta 2008, on the agreed list only: the one check conforms." in page
    assert "on test items" in page
    assert "A, hidden real items: 60/60 (100%)" in page


def test_a_warning_stands_at_the_top_as_text() -> None:
    page = page_of(replace(example_assessment(), warnings=("review <overdue>",)))
    assert "<b>Warning:</b> review &lt;overdue&gt;" in page
    assert "<b>Warning:</b>" not in page_of(example_assessment())
