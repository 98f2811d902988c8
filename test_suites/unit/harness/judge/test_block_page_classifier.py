"""Pages by themselves, and beside each other."""

# ruff: noqa: RUF001 - block pages come in many scripts

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.judge import block_page_classifier
from harness.judge.block_page_classifier import ENOUGH_ALONE, PageKind, classify_page
from harness.model.facts import Hop, WebFacts
from test_suites.kit.campaigns.trials import PROSE, THEIRS, foreign, web

BLOCKS = (
    ("Web Page Blocked", ("Access to the web page you were trying to visit has been blocked in "
     "accordance with company policy. User: pupil URL: x.example Category: games")),
    ("ERROR", ("Access Denied. Access control configuration prevents your request from being "
     "allowed at this time. Please contact your service provider.")),
    ("Akado", "Доступ к информационному ресурсу ограничен на основании Федерального закона"),
    ("", "Situs yang Anda tuju tidak dapat diakses karena Trust+Positif Kominfo"),
    ("", "Bu internet sitesi hakkında idari tedbir uygulanmaktadır."),
    ("عفواً", "عفواً، الموقع المطلوب غير متاح."),
    ("Zugriff verweigert", "Der Zugriff auf diese Webseite wurde gesperrt."),
    ("", "Esta página ha sido bloqueada por disposición del Ministerio"),
    ("Mynediad wedi'i wrthod", "Mae'r wefan hon wedi'i rhwystro gan bolisi'r ysgol."),
    ("Stop", ("You have been redirected to this stop page because the website you are trying to "
     "visit offers content that is considered illegal.")),
)  # fmt: skip


@pytest.mark.parametrize(("title", "text"), BLOCKS, ids=range(len(BLOCKS)))
def test_notices_in_many_languages_are_recognised(title: str, text: str) -> None:
    look = classify_page(foreign(title=title, text=text))

    assert look.kind is PageKind.BLOCK
    assert look.weight >= ENOUGH_ALONE
    assert any(witness.startswith("type of block:") for witness in look.witnesses)


@pytest.mark.parametrize(
    ("title", "text", "kind"),
    [
        ("Attention Required! | Cloudflare", "Sorry, you have been blocked", PageKind.REFUSAL),
        (
            "Access Denied",
            "You don't have permission to access / on this server.",
            PageKind.REFUSAL,
        ),
        ("x.example", "Buy this domain today", PageKind.PARKED),
        ("Account Suspended", "Contact your hosting provider", PageKind.PARKED),
        ("Page not found", "Sorry, no such page", PageKind.MISSING),
        ("502 Bad Gateway", "", PageKind.MISSING),
        ("Town Library", PROSE, PageKind.ORDINARY),
    ],
)
def test_what_is_no_block_is_named(title: str, text: str, kind: PageKind) -> None:
    assert kind is classify_page(foreign(title=title, text=text)).kind


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("blocked by court order", "court order"),
        ("this website is blocked: it is considered illegal by law", "illegal content"),
        ("this website is blocked because of malware", "malware"),
        ("this website is blocked by your school", "policy"),
    ],
)
def test_the_type_of_block_is_told(text: str, kind: str) -> None:
    witnesses = classify_page(foreign(title="Access denied", text=text, status=403)).witnesses

    assert f"type of block: {kind}" in witnesses


def test_a_long_article_speaks_about_blocks_and_blocks_nothing() -> None:
    article = f"{PROSE * 6} Access to this site has been blocked by the ministry. {PROSE * 20}"

    assert classify_page(foreign(title="The week", text=article)).kind is PageKind.ORDINARY


def test_a_notice_over_a_long_portal_is_still_a_notice() -> None:
    over = f"Dear customer, access to this website has been blocked by court order. {PROSE * 30}"

    assert classify_page(foreign(title="Portal", text=over)).kind is PageKind.BLOCK


@pytest.mark.parametrize(
    "address",
    [
        "http://10.10.34.34/?type=x",
        "http://blocked.isp.example/",
        "https://www.isp.example/help/blocked.php",
        "http://filter.example:8080/webadmin/deny/index.php?dpid=1",
        "http://203.0.113.9/?accessurl=aHR0",
    ],
)
def test_a_bare_frame_of_such_an_address_is_a_block(address: str) -> None:
    assert classify_page(foreign(title="", text="", frames=(address,))).kind is PageKind.BLOCK


def test_a_frame_of_ones_own_or_of_a_quiet_host_is_none() -> None:
    for address in (f"http://www.{THEIRS}/blocked.html", "https://maps.example/embed", "/blocked"):
        assert (
            classify_page(foreign(title="", text="", frames=(address,))).kind is PageKind.ORDINARY
        )


@pytest.mark.parametrize("title", ["Internet Sehat", "Страница блокировки"])
def test_a_page_that_shows_nothing_is_told_by_the_name_that_it_bears(title: str) -> None:
    assert classify_page(foreign(title=title, text="")).kind is PageKind.BLOCK
    assert classify_page(foreign(title=title, text=PROSE)).kind is PageKind.ORDINARY


def test_an_image_alone_is_told_by_its_name() -> None:
    assert classify_page(foreign(title="", text="[blockpage.png]")).kind is PageKind.BLOCK
    assert (
        classify_page(foreign(title="Toys", text="[wooden-blocks.jpg]")).kind is PageKind.ORDINARY
    )


def test_the_form_of_a_decision_supports_what_the_page_says() -> None:
    form = "Category: Games URL: x User: pupil"

    assert classify_page(foreign(title="", text=f"Not permitted. {form}")).weight > (
        classify_page(foreign(title="", text="Not permitted.")).weight
    )
    assert (
        classify_page(foreign(title="Blue kettle", text="Category: Kitchen")).kind
        is PageKind.ORDINARY
    )


def test_a_number_is_read_as_a_number() -> None:
    page = foreign(title="", text="You need to be over 18 for this on your mobile network.")

    assert classify_page(page).kind is PageKind.BLOCK


def test_grounds_without_a_statement_are_no_block() -> None:
    law = "In compliance with the Companies Act and an order of the court we publish accounts."

    assert classify_page(foreign(title="Legal", text=law)).kind is PageKind.ORDINARY


def test_a_hosts_own_name_says_nothing_of_the_page() -> None:
    host = "captcha-blocked.example"
    page = foreign(f"http://{host}/", title=host, text=f"Welcome to {host}, a site about locks.")

    assert classify_page(page).kind is PageKind.ORDINARY


def test_no_answer_has_no_look() -> None:
    assert classify_page(web(status=None)) == block_page_classifier.UNCLASSIFIED


def test_likeness_is_of_bytes_then_words_then_length() -> None:
    page = foreign(body_sha256="aa")
    assert (
        block_page_classifier.likeness(page, foreign(title="x", text="y", body_sha256="aa")) == 1.0
    )
    assert block_page_classifier.likeness(foreign(), foreign(text=PROSE + "One more.")) > 0.9
    assert (
        block_page_classifier.likeness(
            foreign(title="a", text="b c d"), foreign(title="e", text="f g")
        )
        < 0.2
    )
    bare = {"title": "", "text": ""}
    assert block_page_classifier.likeness(foreign(**bare), foreign(**bare, body_length=9100)) > 0.7
    assert block_page_classifier.likeness(foreign(**bare), foreign(**bare, body_length=500)) < 0.1


@pytest.mark.parametrize("length", [0, None])
def test_two_pages_of_which_nothing_came_have_nothing_alike(length: int | None) -> None:
    nothing = foreign(title="", text="", body_length=length)

    assert block_page_classifier.likeness(nothing, nothing) == 0.0


@given(st.text(max_size=60), st.text(max_size=60))
def test_likeness_is_symmetric_and_bounded(one: str, other: str) -> None:
    there, back = block_page_classifier.alike(one, other), block_page_classifier.alike(other, one)

    assert there == back
    assert 0.0 <= there <= 1.0


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://User:pw@WWW.Example.org:8080/a?b#c", "www.example.org"),
        ("https://[2001:db8::1]:443/", "2001:db8::1"),
        ("//cdn.example/x", "cdn.example"),
        ("/relative", ""),
        ("http://a.example?x=1", "a.example"),
    ],
)
def test_the_host_of_a_url(url: str, host: str) -> None:
    assert host == block_page_classifier.host_of(url)


@given(st.text(max_size=80))
def test_no_address_breaks_the_reader(url: str) -> None:
    block_page_classifier.host_of(url)
    classify_page(
        foreign(title=url, text=url, frames=(url,), hops=(Hop(url=url, status=302, location=url),))
    )


@pytest.mark.parametrize(
    ("host", "name"),
    [("www.example.co.uk", "example"), ("example.org", "example"), ("localhost", ""), ("", "")],
)
def test_the_name_of_a_host(host: str, name: str) -> None:
    assert name == block_page_classifier.site_name_of(host)


def test_normal_text_leaves_out_what_changes_from_site_to_site() -> None:
    one = block_page_classifier.normal("Blocked: http://a.example/x (12:30)", "http://a.example/")
    other = block_page_classifier.normal(
        "Blocked: http://b.example/y/z (9:05)", "http://b.example/"
    )

    assert one == other


@pytest.mark.parametrize(
    ("said", "is_block"),
    [
        ("This site is not blocked!", False),
        ("This website has not been blocked by the filter.", False),
        ("This site isn't blocked. If the filter worked, this site would be blocked.", False),
        ("Diese Seite ist nicht gesperrt.", False),
        ("This site is not blocked! This website has been blocked by your school's filter.", True),
        ("This website has been blocked by your school. It should not be blocked? Ask us.", True),
        ("This site is not allowed: it has been blocked by your school's filter.", True),
    ],
)
def test_a_denial_of_a_block_is_no_block(said: str, *, is_block: bool) -> None:
    page = WebFacts(url="http://a.test/", status=200, title="Check", text=said, text_length=90)

    assert (classify_page(page).kind is PageKind.BLOCK) is is_block
