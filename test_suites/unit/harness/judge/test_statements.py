"""What a page says of itself, by meaning."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.judge.block_page_classifier import ENOUGH_ALONE
from harness.judge.statements import OPENING, SILENT, read_statement

NOTICE = "This site is blocked under an order of the court."


def _net(title: str, text: str) -> float:
    statement = read_statement(title, text)
    return statement.weight - statement.against


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (NOTICE, "English"),
        ("Diese Webseite wurde vom Filter der Schule gesperrt.", "German"),
        ("Доступ к запрошенной странице запрещён по решению суда.", "Russian or Belarusian"),
        ("Доступ до цього сайту заблоковано за рішенням суду.", "Ukrainian"),
        ("このサイトへのアクセスは管理者により制限されています。", "Japanese"),
        ("الموقع المطلوب محجوب بموجب القانون", "Arabic"),
        ("دسترسی به این سایت به دستور دادگاه مسدود شده است", "Farsi or Dari"),
    ],
)
def test_a_notice_is_read_in_its_language(text: str, language: str) -> None:
    statement = read_statement("", text)

    assert statement.weight - statement.against >= ENOUGH_ALONE
    assert f"it says in {language} that the page is stopped" in statement.says
    assert statement.speaks


def test_each_idea_adds_its_weight() -> None:
    bare = read_statement("", "Site restricted").weight
    reason = read_statement("", "Site restricted by law").weight
    direct = read_statement("", "This site is restricted").weight
    whole = read_statement("", "This site is restricted by law").weight

    assert 0 < bare < reason < whole
    assert bare < direct < whole


def test_a_bare_denial_says_too_little_to_stand_alone() -> None:
    for denial in ("Access denied", "Zugriff verweigert", "Доступ запрещён", "Accès refusé"):
        assert read_statement(denial, denial).weight < ENOUGH_ALONE, denial


def test_unavailable_counts_only_with_whose_order_or_why() -> None:
    assert read_statement("", "This page is unavailable.") == SILENT
    assert read_statement("", "This page is unavailable because of your company's policy.").weight


def test_a_sentence_about_a_case_states_nothing() -> None:
    assert read_statement("", "If this site is blocked by the filter, wait.").weight == 0
    assert read_statement("", "What we do: this site is blocked by the filter.").weight > 0


def test_adjectives_state_less_than_predicates() -> None:
    assert (
        read_statement("", "Blocked content").weight < read_statement("", "Content blocked").weight
    )


def test_page_and_stopped_in_different_sentences_state_nothing() -> None:
    assert read_statement("", "This is our site. The road is blocked.").weight == 0


def test_a_weaker_match_does_not_hide_a_stronger_one_that_begins_inside_it() -> None:
    text = "Not available here you tried to open the site that our filter does not permit."

    assert read_statement("", text).weight >= ENOUGH_ALONE


@pytest.mark.parametrize(
    "marks",
    ["Please log in.", "Too many requests.", "It was published and lawyers told us so.",
     "Socket timeout."],
)  # fmt: skip
def test_an_origins_own_ways_and_talk_count_against_it(marks: str) -> None:
    assert _net("", f"{NOTICE} {marks}") < _net("", NOTICE)


def test_marks_of_a_neighbour_language_count_as_well() -> None:
    talk = (
        "Si el acceso a esta página ha sido bloqueado, siga la guía paso a paso: los comentarios."
    )

    statement = read_statement("Cómo desbloquear una página", talk)

    assert "in Portuguese" in statement.says, "the Spanish words speak of a case, and state nothing"
    assert statement.against >= statement.weight


def test_a_title_that_speaks_to_the_reader_leads() -> None:
    assert read_statement("This site is blocked by your filter", "Menu").leads
    assert not read_statement("Is this site blocked by your filter?", "Menu").leads
    assert not read_statement("News", NOTICE).leads


def test_what_stands_far_into_the_text_is_not_read() -> None:
    assert read_statement("", f"{'word ' * OPENING} {NOTICE}") == SILENT


def test_of_equal_statements_the_first_is_named() -> None:
    statement = read_statement("", f"{NOTICE} {NOTICE}")

    assert statement.start < len(NOTICE)


@given(st.text(max_size=400), st.text(max_size=2000))
def test_any_text_can_be_read(title: str, text: str) -> None:
    statement = read_statement(title, text)

    assert statement.weight >= 0
    assert statement.against >= 0


@given(st.text(alphabet="this site is blocked by law доступ закрыт.,*\n", max_size=900))
def test_text_full_of_the_words_is_read_as_well(text: str) -> None:
    read_statement(text[:100], text)


@pytest.mark.parametrize(
    ("title", "text", "weight", "against", "start", "speaks", "leads"),
    [
        # 1.5 for the statement, 1.5 as it speaks to the reader, 0.5 near the top, 0.5 in a short text
        ("", "This site is blocked.", 4.0, 0.0, 8, True, False),
        ("", "This site is blocked by your school.", 5.0, 0.0, 8, True, False),
        ("", "This site is blocked under an order of the court.", 6.0, 0.0, 8, True, False),
        ("Blocked", "The page is blocked.", 2.0, 0.0, 14, True, False),
        ("", "Blocked sites", 0.0, 0.0, 0, False, False),
        ("", "The site is blocked. " + "x " * 400, 1.5, 0.0, 7, False, False),
        ("", "x " * 60 + "The site is blocked.", 1.5, 0.0, 127, False, False),
        ("This site is blocked", "Open every day", 4.5, 0.0, 5, True, True),
        ("Is this site blocked?", "Open", 4.5, 0.0, 8, True, False),
        ("", "The site is unavailable by order of the court.", 4.5, 0.0, 7, True, False),
        ("", "The site is blocked. Your request was under a court order.", 4.0, 0.0, 7, True, False),
        ("", "The site is blocked. Please contact your administrator.", 2.5, 0.0, 7, False, False),
        ("", "This site is blocked. Said the minister yesterday in an article.", 4.5, 1.0, 8, True, False),
        ("", "The website has been blocked; the court ruled on the law.", 2.5, 0.0, 7, False, False),
        ("", "Please log in. This site is blocked.", 4.0, 2.5, 23, True, False),
        (
            "",
            ("This page is blocked, researchers reported; according to a study users said. "
            "Published on Monday."),
            4.0, 7.0, 8, True, False,
        ),
    ],
)  # fmt: skip
def test_the_weight_is_the_sum_of_what_is_said(
    title: str, text: str, weight: float, against: float, start: int, *, speaks: bool, leads: bool
) -> None:
    found = read_statement(title, text)

    assert (weight, against, start) == (found.weight, found.against, found.start)
    assert (speaks, leads) == (found.speaks, found.leads)
