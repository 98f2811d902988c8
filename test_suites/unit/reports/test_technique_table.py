"""Ways round the filter in words: counts, cells, the terminal, the page and the JSON file."""

from __future__ import annotations

import json
import re
import typing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from selectolax.lexbor import LexborHTMLParser, LexborNode

from harness.model.facts import SentStep
from harness.model.observation import FAILURES, Stage
from harness.model.outcome import Assessment
from harness.model.technique import GROUPS
from harness.model.technique_matrix import (
    TechniqueAnswer,
    TechniqueState,
    TechniqueTrial,
    technique_matrix,
)
from harness.model.verdict import Mechanism, State
from harness.store.assessments import assessment_document, read_assessment, write_assessment
from reports import words
from reports.documents import Report, html
from reports.technique_table import (
    KEY,
    SHORT_WORDS,
    STATUSES,
    Cell,
    Counted,
    TechniqueTable,
    got_through,
    technique_table,
)
from reports.terminal import SHOWN_TECHNIQUES, render_assessment
from test_suites.kit.campaigns.example import example_assessment
from test_suites.kit.campaigns.technique_example import many_techniques, plain, trial

HOSTILE = '</details><script>alert(1)</script><img src=x onerror="alert(2)">\x1b[31m\u202e'
THROUGH, UNDECIDED, STOPPED, NOT_NEEDED, NOT_CARRIED = TechniqueState


def with_trials(*trials: TechniqueTrial, **saw: tuple[str, ...]) -> Assessment:
    return example_assessment(techniques=technique_matrix(trials, saw))


def every_state() -> Assessment:
    """A technique of one class in each state, and one that was tried on one of two lines."""
    return with_trials(
        trial("T", nonce="n"), plain("T"),
        trial("S", State.BLOCKED), plain("S"),
        trial("U", State.INSUFFICIENT, reasons=("it may be overloaded",)), plain("U"),
        trial("N"), plain("N", State.ALLOWED),
        trial("C", State.INSUFFICIENT, obstacle="the line carries no UDP"), plain("C"),
        trial("L", State.BLOCKED, line="gateway"), plain("L", line="gateway"),
        n=("GET / (its token)",),
    )  # fmt: skip


def table_of(assessment: Assessment) -> TechniqueTable:
    found = technique_table(assessment)
    assert found is not None
    return found


def cells_of(assessment: Assessment) -> dict[str, tuple[Cell, ...]]:
    groups = table_of(assessment).groups
    return {row.item: row.cells for group in groups for one in group.classes for row in one.rows}


def printed(assessment: Assessment, width: int = 100) -> str:
    console = Console(width=width, color_system=None, force_terminal=False)
    with console.capture() as capture:
        render_assessment(assessment, console)
    return capture.get()


def page_of(assessment: Assessment) -> LexborHTMLParser:
    return LexborHTMLParser(html.render(Report(assessment=assessment)))


def text_of(node: LexborNode | None) -> str:
    assert node is not None
    return " ".join(node.text(separator=" ").split())


def test_every_state_has_a_sign_a_word_and_a_meaning() -> None:
    assert set(TechniqueState) | {None} == STATUSES.keys() == SHORT_WORDS.keys()
    assert [word for _, word, _ in KEY] == [
        SHORT_WORDS[each] for each in (THROUGH, STOPPED, UNDECIDED, NOT_NEEDED, NOT_CARRIED)
    ]


@pytest.mark.parametrize("failure", sorted(FAILURES))
def test_every_failure_has_words(failure: str) -> None:
    assert words.FAILURES[failure]


def test_there_are_words_for_failures_and_stages_of_the_lists_alone() -> None:
    assert words.FAILURES.keys() == FAILURES
    assert words.STAGES.keys() == set(typing.get_args(Stage))


@pytest.mark.parametrize(
    ("states", "text"),
    [
        ((THROUGH, THROUGH, STOPPED), "2 of 3 got through"),
        ((STOPPED, UNDECIDED, NOT_NEEDED, NOT_CARRIED, None), "0 of 2 got through, 1 not decided"),
        ((NOT_NEEDED, NOT_NEEDED, NOT_CARRIED, None), "2 not needed, 1 not carried, 1 not tried"),
        ((), "not tried"),
    ],
)
def test_counts_are_of_those_that_could_be_tried(
    states: tuple[TechniqueState | None, ...], text: str
) -> None:
    assert Counted.of(states).text == text


def test_the_sign_of_counts_is_that_of_the_worst() -> None:
    assert Counted.of((STOPPED, UNDECIDED)).status == "insufficient"
    assert Counted.of((STOPPED, None, NOT_NEEDED)).status == "conforms"
    assert Counted.of((None,)).status == "information"


def test_each_state_is_said_in_its_cell() -> None:
    cells = {item: one for item, (one, _) in cells_of(every_state()).items()}

    assert (cells["T"].text, cells["T"].status) == ("got through", "does-not-conform")
    assert (cells["S"].text, cells["S"].note) == ("stopped", "a block page was shown")
    assert (cells["U"].text, cells["U"].note) == ("not decided", "it may be overloaded")
    assert (cells["N"].text, cells["N"].plain) == ("not needed", "let through")
    assert (cells["C"].text, cells["C"].note) == ("not carried", "the line carries no UDP")
    assert (cells["L"].text, cells["L"].is_tried) == ("not tried", False)
    assert cells["T"].saw == ("GET / (its token)",)
    assert cells["N"].reasons == ("Not needed: the page is not blocked in the plain form either",)


def test_what_came_is_said_in_words() -> None:
    answer = TechniqueAnswer(
        status=502, tunnel_status=200, title="Gateway", issuer="CN=Filter",
        failure="connection_reset", stage="tls",
    )  # fmt: skip
    (cell,) = cells_of(with_trials(trial(answer=answer), plain()))["CV-001"]

    assert cell.came == (
        ("Reply to CONNECT", "status 200"),
        ("Answer", "status 502"),
        ("Title", "Gateway"),
        ("Certificate issued by", "CN=Filter"),
        ("Failure", "the connection was cut off (opening TLS)"),
    )
    assert cell.plain == "blocked: a block page was shown"


def test_escaped_line_ends_of_what_was_sent_begin_lines() -> None:
    sent = (SentStep(step="http1", to="a.test:80", data=r"GET /\r\nHost: a\r\n\r\n", size=1234),)
    (cell,) = cells_of(with_trials(trial(sent=sent), plain()))["CV-001"]

    assert [(one.name, one.to, one.size) for one in cell.sent] == [
        ("http1", "a.test:80", "1,234 bytes")
    ]
    assert cell.sent[0].data == "GET /\\r\\n\nHost: a\\r\\n\n\\r\\n"


def test_groups_and_classes_that_were_not_tried_are_named() -> None:
    table = table_of(every_state())
    titles = [group.title for group in table.groups]
    spelled = next(group for group in table.groups if group.title == "Spellings of an address")

    assert titles == [words.capitalised(one.words) for one in GROUPS.values() if one.classes]
    assert len(spelled.classes) == len(GROUPS["spelling"].classes)
    assert not spelled.is_tried
    assert {one.counted.text for one in spelled.classes} == {"not tried"}


def test_techniques_and_classes_that_got_through_come_first() -> None:
    trials = [trial("A", State.BLOCKED), plain("A"), trial("B"), plain("B"),
              trial("C", State.BLOCKED, name="absent"), plain("C", name="absent")]  # fmt: skip
    (group,) = [one for one in table_of(with_trials(*trials)).groups if one.is_tried]

    assert [one.words for one in group.worst_first][:2] == [
        "the name of an allowed site in the TLS handshake",
        "no name in the TLS handshake",
    ]
    fronting = group.worst_first[0]
    assert [row.item for row in fronting.rows] == ["B", "A"]


def test_those_that_got_through_are_listed_with_their_places() -> None:
    found = with_trials(
        trial(), plain(), trial(line="gateway"), plain(line="gateway"),
        trial(profile="staff", state=State.BLOCKED), plain(profile="staff"),
    )  # fmt: skip

    assert got_through(found) == (
        (
            "the name of an allowed site in the TLS handshake",
            "CV-001",
            "pupils on proxy, pupils on gateway",
        ),
    )


def test_an_assessment_without_techniques_says_nothing_of_them() -> None:
    assessment = example_assessment()
    page = page_of(assessment)

    assert technique_table(assessment) is None
    assert got_through(assessment) == ()
    assert "Ways round the filter" not in printed(assessment)
    assert page.css_first(".ways") is None
    assert "Not tested." in text_of(page.css_first(".columns-of-text"))


def test_the_terminal_counts_by_group_and_place_and_lists_what_got_through() -> None:
    text = printed(every_state())

    assert "Ways round the filter: 1 of 4 got through, 1 not decided" in text
    assert re.search(r"Disguised names of sites +1 of 3, 1 not decided +0 of 1 ", text)
    assert "✗ T (the name of an allowed site in the TLS handshake): pupils on proxy" in text


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_terminal_keeps_to_its_width(width: int) -> None:
    text = printed(example_assessment(techniques=many_techniques(2, 4)), width)

    assert max(map(len, text.splitlines())) <= width
    assert text.count("  ✗ CV-") == SHOWN_TECHNIQUES
    assert re.search(r"and \d+ more that got through", text)


def test_the_page_counts_first_and_then_shows_each_technique() -> None:
    ways = page_of(every_state()).css_first(".ways")
    assert ways is not None
    tables = ways.css("table")
    row = next(one for one in tables[0].css("tr") if "Disguised names" in one.text())

    assert (
        text_of(ways.css_first(".figure")) == "1 of 4 techniques got through 1 could not be decided"
    )
    assert [text_of(one) for one in row.css("td.count")] == ["1", "2", "1", "1", "1"]
    assert "the name of an allowed site in the TLS handshake: 1 of 4, 1 not decided" in text_of(row)
    assert len(tables) == 2, "groups that were not tried have no matrix"
    assert "pupils on gateway : 0 of 1 got through" in text_of(ways.css_first(".by-place"))


def test_each_cell_of_the_page_opens_without_a_script() -> None:
    assessment = every_state()
    page = page_of(assessment)
    cells = page.css(".techniques details.cell")

    assert len(cells) == 6
    for cell in cells:
        assert text_of(cell.css_first("summary")).startswith(
            tuple(filter(None, SHORT_WORDS.values()))
        )
        assert [text_of(one) for one in cell.css("dt")][-4:] == [
            "Asked for plainly", "Sent", "Came", "The origin saw",
        ]  # fmt: skip
    assert [text_of(one.css("dd")[-1]) for one in cells].count("not recorded") == 5
    assert "GET / (its token)" in text_of(cells[0])
    assert "script" not in {one.tag for one in page.css(".ways *")}


def test_tables_of_the_page_have_captions_heads_and_roles() -> None:
    page = page_of(example_assessment(techniques=many_techniques(1)))

    for table in page.css(".ways table"):
        assert table.css_first("caption.hidden") is not None
        assert table.css("thead th[scope=col][role=columnheader]")
        assert all(row.css_first("th[scope]") is not None for row in table.css("tr"))
        assert not [
            one for one in table.css("tr, td, th, tbody, thead") if not one.attributes["role"]
        ]


def test_hostile_text_is_only_text() -> None:
    answer = TechniqueAnswer(
        status=200, title=HOSTILE, issuer=HOSTILE, failure=HOSTILE, stage=HOSTILE
    )
    sent = (SentStep(step=HOSTILE, to=HOSTILE, data=HOSTILE, size=3),)
    place: dict[str, Any] = {"line": HOSTILE, "profile": HOSTILE}
    trials = (
        trial(HOSTILE, statement=HOSTILE, answer=answer, sent=sent, reasons=(HOSTILE,), nonce="n", **place),
        plain(HOSTILE, **place),
        trial(HOSTILE, obstacle=HOSTILE, name=HOSTILE),
    )  # fmt: skip
    assessment = with_trials(*trials, n=(HOSTILE,))
    raw = html.render(Report(assessment=assessment))
    page, told = LexborHTMLParser(raw), printed(assessment)

    assert len(page.css("script")) == 1, "the report's own"
    assert not page.css("img, [onerror]")
    assert len(page.css("details.cell")) == 2
    for text in (raw, told):
        assert "\x1b" not in text
        assert "\u202e" not in text
    assert raw.count("&lt;script&gt;alert(1)") >= 10


def test_of_a_sensitive_item_the_page_says_that_texts_are_withheld() -> None:
    hidden = trial(
        statement="", is_withheld=True, sent=(SentStep(step="tls", size=517),), nonce="n"
    )
    shown = page_of(with_trials(hidden, plain(), n=("GET /secret",)))
    cell = text_of(shown.css_first("details.cell"))

    assert "Withheld Texts, because the item is sensitive." in cell
    assert "tls , 517 bytes" in cell
    assert "secret" not in text_of(shown.body)
    assert shown.css_first(".techniques th code") is None


def test_long_texts_are_cut_on_the_page() -> None:
    sent = (SentStep(step="raw", data="y" * 600, size=600),)
    raw = html.render(
        Report(assessment=with_trials(trial(sent=sent, statement="z" * 900), plain()))
    )

    for letter in "yz":
        assert letter * html.SHOWN_CHARACTERS + "…" in raw
        assert letter * (html.SHOWN_CHARACTERS + 1) not in raw


def test_if_nothing_could_be_tried_the_page_says_why() -> None:
    shown = page_of(with_trials(trial(state=State.DOWN), plain()))

    assert text_of(shown.css_first(".ways .figure")) == "No technique could be tried 1 not carried"


def test_what_was_tested_is_not_called_untested() -> None:
    shown = page_of(every_state())

    assert "Ways round the filter" not in text_of(shown.css_first(".columns-of-text"))


def test_the_json_file_holds_the_matrix_and_gives_it_back(tmp_path: Path) -> None:
    assessment = every_state()
    document = json.loads(json.dumps(assessment_document(assessment)))["techniques"]
    states = {
        row["item"]: [cell and cell["state"] for cell in row["cells"]] for row in document["rows"]
    }

    assert document["places"] == [["proxy", "pupils"], ["gateway", "pupils"]]
    assert states["T"] == ["got-through", None]
    assert states["L"] == [None, "stopped"]
    path = write_assessment(assessment, tmp_path / "assessment.json")
    assert read_assessment(path) == assessment
    assert assessment_document(replace(assessment, techniques=None))["techniques"] is None


def test_a_mechanism_is_said_only_where_it_stopped_the_technique() -> None:
    kept = trial(mechanism=Mechanism.BLOCK_PAGE, state=State.ALLOWED)
    (cell,) = cells_of(with_trials(kept, plain()))["CV-001"]

    assert (cell.text, cell.note) == ("got through", "")
