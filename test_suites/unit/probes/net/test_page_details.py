"""What is recorded of a page that may be a block page."""

from __future__ import annotations

from html import escape

import pytest

from harness.model.facts import Hop, PageDetails
from harness.model.observation import Timings
from harness.ports.network import Exchange
from probes.net.page_details import BODY, MARKED_PATH, MARKUP, page_details
from probes.net.redirects import RedirectChain

URL = "http://blocked.example.test/"


def details(
    body: str, *headers: tuple[str, str], path: str = "", kind: str = "text/html"
) -> PageDetails:
    exchange = Exchange(
        timings=Timings(),
        status=403,
        headers=(("content-type", kind), *headers),
        body=body.encode(),
    )
    chain = RedirectChain(url=URL + path, exchanges=[exchange], hosts=["blocked.example.test"])
    return page_details(chain, URL + path, managed=True)


def test_text_stands_by_element_and_hidden_text_is_left_out() -> None:
    page = details(
        "<style>.far, #off { display: none }</style><body><dl><dt>Category<dd>Games</dl>"
        "<p hidden>a</p><p style='display:none'>b</p><p class=far>c</p><p id=off>d</p>"
        "<div hidden><p hidden>x</p></div><!-- e --><script>'f'</script><noscript>g</noscript></body>"
    )

    assert page.text == "Category\nGames"
    assert page.managed


def test_a_style_sheet_hides_by_simple_selectors_alone() -> None:
    """How long others take to look up is for the page to choose."""
    page = details(
        "<style>@media all { b, p > i { visibility: hidden } } .a .b { display: none }</style>"
        "<p>one<b>two</b><i>three</i></p><div><i>four</i></div><p class=a><u class=b>five</u></p>"
    )

    assert page.text == "one\nfour\nfive"


@pytest.mark.parametrize(
    "style",
    [
        "visibility: collapse",
        "font-size:0",
        "font-size: 0px",
        "font: 0/0 a",
        "opacity: 0.0",
        "color: transparent",
        "position:absolute; left:-9999px",
        "text-indent: -5000px",
        "margin-left: -9999px",
        "clip: rect(0 0 0 0)",
        "clip-path: inset(50%)",
        "transform: scale(0)",
        "color:#fff; background:#FFFFFF",
        "background-color: rgb(0, 0, 0); color: black",
        "color: white",
    ],
)
@pytest.mark.parametrize(
    "body", ["<p style='{}'>a</p><p>b", "<style>.x {{{}}}</style><p class=x>a</p><p>b"]
)
def test_text_that_nobody_can_see_is_left_out(style: str, body: str) -> None:
    assert details(body.format(style)).text == "b"


@pytest.mark.parametrize(
    "style",
    [
        "font-size: 0.9em",
        "opacity: 0.8",
        "left: -10px",
        "background-color: transparent",
        "color: white; background: #036",
        "color: #036",
        "text-indent: -20px",
        "color:var(--text); background-color:var(--surface)",
        "color: rgba(0, 0, 0, .9); background: rgba(255, 255, 255, .9)",
        "color: hsl(210 50% 20%); background: hsl(210 50% 98%)",
        "color: inherit; background: inherit",
        "color: currentcolor; background: currentcolor",
        "color: initial; background: initial",
        "position:absolute; top:50%; left:50%; margin:-150px 0 0 -250px",
        "margin-top:-150px",
        "margin-left: -200px",
        "clip: rect(auto, auto, auto, auto)",
        "--old-display:none",
        "--old-visibility:hidden",
    ],
)
def test_text_of_an_ordinary_style_is_visible(style: str) -> None:
    assert details(f"<p style='{style}'>a</p>").text == "a"


def test_a_page_whose_script_shows_its_body_is_visible() -> None:
    assert details("<html style='opacity:0'><body style='visibility:hidden'><p>a").text == "a"


@pytest.mark.parametrize(
    "background",
    [
        "<style>body{background:#036}</style>",
        "<style>@IMPORT '/page.css'</style>",
        "<link rel='Stylesheet' href='/page.css'>",
        "<body bgcolor=navy>",
        "<body background=/navy.png>",
    ],
)
def test_white_letters_are_visible_where_the_page_may_have_a_background(background: str) -> None:
    assert details(f"{background}<p style='color:#fff'>a</p>").text == "a"


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        (" ".join(["div"] * 60) + "{display:none}", "seen"),
        ("*" + " > *" * 60 + "{display:none}", "seen"),
        (",".join(f"{'*' * (n % 2)}{'>*' * 3},*" for n in range(4000)) + "{display:none}", ""),
        ("a{" * 19_500, "seen"),
        ("a{display:none}" + "b" * 39_000 + "{", "seen"),
    ],
    ids=lambda value: value[:12],
)
def test_no_style_sheet_takes_long(style: str, expected: str) -> None:
    """Without bounds some of these take minutes; the test's own limit stops it."""
    page = f"<style>{style}</style>{'<div>' * 5000}seen"
    assert len(page) < BODY
    assert details(page).text == expected


def test_long_headers_and_addresses_take_no_longer_than_they_are() -> None:
    """Without bounds some of these take minutes; the test's own limit stops it."""
    links = [("link", part * (60_000 // len(part))) for part in ("<", "<>;", "<a>; rel")]
    page = details("<img src='a/../b'>" * 3500, *links, ("refresh", ";" * 60_000 + " x"),
                   path="a/" * 30_000, kind="text/html; charset=" + " " * 60_000 + "!")  # fmt: skip

    assert page.loads == ()


def test_links_and_forms_that_lead_somewhere_are_recorded() -> None:
    page = details(
        "<a href='/appeal'>x</a><a href='#top'>x</a><a href='javascript:close()'>x</a>"
        "<a href='mailto:a@b.test'>x</a><form></form><form action='/ask'></form>"
    )

    assert page.links == ("/appeal", "mailto:a@b.test", ".", "/ask")


@pytest.mark.parametrize(
    "markup",
    [
        "<img src='https://t.test/p.gif'>",
        "<img src=x srcset='//t.test/2.gif 2x'>",
        "<script>new Image().src = 'https://t.test/' + location</script>",
        "<body onload=\"fetch('//t.test/x')\">",
        "<link rel='Stylesheet' href='https://t.test/a.css'>",
        "<link rel=preconnect href='https://t.test'>",
        "<style>@import 'https://t.test/a.css'</style>",
        "<p style='background:url(https://t.test/p.gif)'>x</p>",
        "<iframe src='https://t.test/'></iframe>",
        "<noscript><img src='https://t.test/p.gif'></noscript>",
        "<meta http-equiv=refresh content='0; url=https://t.test/'>",
        "<a ping='https://t.test/' href='/'>x</a>",
    ],
)
def test_hosts_that_a_page_contacts_are_recorded(markup: str) -> None:
    assert details(markup).loads == ("t.test",)


def test_a_header_can_make_a_browser_contact_a_host() -> None:
    page = details("<p>x", ("link", "<https://t.test/a.css>; rel=stylesheet"))

    assert page.loads == ("t.test",)


@pytest.mark.parametrize(
    "markup",
    [
        "<p>text</p><img src='/logo.png'><a href='https://t.test/'>x</a>",
        "<link rel=canonical href='https://t.test/'><img src='data:image/png,x'>",
    ],
)
def test_links_and_own_files_contact_nobody_else(markup: str) -> None:
    assert details(markup).loads == ()


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (f"<p>{MARKUP}</p>", "raw"),
        (f'<input value="{MARKUP}">', "raw"),
        (f"<input value='{MARKUP}'>", "raw"),
        (f'<input value="{MARKUP.replace("<", "&lt;")}">', "raw"),
        (f'<script>var a = "{MARKUP.replace("<", "")}"</script>', "raw"),
        (f"<p>{escape(MARKUP)}</p><input value='{escape(MARKUP)}'>", "escaped"),
        (f"<p>{URL}{MARKED_PATH}</p>", "escaped"),
        ("<p>blocked</p>", "absent"),
    ],
)
def test_what_became_of_the_markup_in_the_request(shown: str, expected: str) -> None:
    assert details(shown, path=MARKED_PATH).markup == expected


def test_without_markup_in_the_request_nothing_is_said_of_it() -> None:
    assert details(f"<p>{MARKUP}</p>").markup == ""


def test_plain_text_escapes_nothing_and_runs_nothing() -> None:
    page = details(f"Category: {MARKUP}", path=MARKED_PATH, kind="text/plain")

    assert (page.markup, page.text) == ("escaped", f"Category: {MARKUP}")


def test_blank_lines_of_plain_text_are_left_out() -> None:
    assert details("Category:\n\n\n  Games \n", kind="text/plain").text == "Category:\nGames"


def test_what_each_response_says_of_caching_is_recorded() -> None:
    last = Exchange(timings=Timings(), status=403, headers=(("expires", "0"),), body=b"<p>x")
    first = Exchange(timings=Timings(), status=302, headers=(("cache-control", "max-age=9"),))
    chain = RedirectChain(
        url="http://filter.test/",
        hops=[Hop(url=URL, status=302, location="http://filter.test/")],
        exchanges=[first, last],
        hosts=["blocked.example.test", "filter.test"],
    )
    seen = page_details(chain, URL, managed=False).caching

    assert [(each.url, each.status, each.control, each.expires) for each in seen] == [
        (URL, 302, "max-age=9", ""),
        ("http://filter.test/", 403, "", "0"),
    ]
