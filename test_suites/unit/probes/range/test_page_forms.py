"""Each form of a content page holds its marks, for a client and for a filter that reads it."""

from __future__ import annotations

import gzip
import json
from string import ascii_letters, digits
from xml.etree.ElementTree import fromstring

import pytest

from corpora.content_pages import PATHS
from harness.model.content_form import FORMS, VIEWERS, PageContent
from harness.model.marker import MARKER_PREFIX, token_for, words_for
from probes.net.content_coding import decode
from probes.net.delivery import find_words
from probes.net.html_text import MOST_TAGS, read_page
from probes.range.image_card import SIGNATURE, is_agreed
from probes.range.origin_pages import Page, Pages, response_head, sent_body
from probes.range.page_forms import FULL_WIDTH, HTML_TYPE, INNER_PATH, LONG_PAGE, OUTER_PAGES
from probes.range.page_reading import code_in, unchunked

KEY, HOST, NONCE = b"k" * 32, "amber-nest.sites.accredit.test", "ab12" * 8
CODINGS = "gzip, deflate, br, zstd"
NARROW = {ord(letter) + FULL_WIDTH: letter for letter in ascii_letters + digits}
TEXT = "A page about gardens & more."


def page_of(
    form: str = "", path: str = "/", code: str = "DRUG", accepts: str = CODINGS, label: str = ""
) -> Page:
    contents = {HOST: PageContent(code=code, form=form, label=label)}
    pages = Pages(key=KEY, texts={HOST: TEXT}, contents=contents)
    return pages.page(HOST, path, "https", NONCE, accepts)


def sent(page: Page) -> bytes:
    """The response as it is on the wire."""
    return response_head(page, "nginx") + sent_body(page)


def received(page: Page) -> tuple[bytes, str]:
    """The body and content type as a client has them."""
    headers = dict(page.headers)
    body = unchunked(sent_body(page)) if page.chunk else page.body
    decoded = decode(body, headers.get("Content-Encoding", ""), 1 << 22)
    assert not decoded.undecoded
    assert not decoded.incomplete
    return decoded.body, page.content_type


def path_of(form: str) -> str:
    return INNER_PATH if form in OUTER_PAGES else "/"


@pytest.mark.parametrize("form", FORMS)
def test_a_client_finds_the_words_of_the_piece(form: str) -> None:
    body, kind = received(page_of(form, path_of(form)))

    words = words_for(KEY, HOST, NONCE, "piece")
    shown = find_words(body, kind, words)
    assert set(shown) <= set(words)
    assert words[2] in shown  # the one that is visible to a reader


@pytest.mark.parametrize("form", FORMS)
def test_a_filter_that_reads_it_finds_the_marker(form: str) -> None:
    assert code_in(sent(page_of(form, path_of(form)))) == "DRUG"
    assert code_in(sent(page_of(form, path_of(form), code=""))) == ""


IN_PLAIN_SIGHT = {
    "srcdoc", "no-type", "octet-stream", "unknown-type", "unknown-charset", "long-page",
    "status-203", "status-206", "status-404", "status-500", "early-hints",
}  # fmt: skip
"""Disguises in which the words are as they are; only what is around them may lead a filter astray."""
DISGUISES = {form.name for form in FORMS.values() if form.family == "disguise"}
HIDING = DISGUISES - IN_PLAIN_SIGHT


@pytest.mark.parametrize(
    "form", sorted(HIDING | {"gzip", "br", "zstd", "deflate", "chunked", "utf-16"})
)
def test_the_bytes_on_the_wire_do_not_show_the_marker(form: str) -> None:
    assert MARKER_PREFIX.encode() not in sent(page_of(form))
    assert MARKER_PREFIX.encode() in sent(page_of())


@pytest.mark.parametrize("form", [form.name for form in FORMS.values() if form.coding])
def test_a_coding_is_sent_only_to_a_client_that_offers_it(form: str) -> None:
    coding = FORMS[form].coding
    plain = page_of(form, accepts=CODINGS.replace(coding, "identity"))

    assert coding in dict(page_of(form).headers)["Content-Encoding"]
    assert "Content-Encoding" not in dict(plain.headers)
    assert MARKER_PREFIX.encode() in plain.body


@pytest.mark.parametrize(
    ("form", "leads"),
    [
        ("frame", f'<iframe src="{INNER_PATH}">'),
        ("refresh", f'<meta http-equiv="refresh" content="0; url={INNER_PATH}">'),
    ],
)
def test_an_outer_page_holds_nothing_of_the_piece(form: str, leads: str) -> None:
    outer = page_of(form)

    assert leads.encode() in outer.body
    assert read_page(outer.body, outer.content_type).frames == (INNER_PATH,)
    assert not find_words(outer.body, outer.content_type, words_for(KEY, HOST, NONCE, "piece"))
    assert token_for(KEY, HOST, NONCE).encode() not in outer.body


@pytest.mark.parametrize(
    ("form", "status", "kind"),
    [
        ("octet-stream", 200, "application/octet-stream"),
        ("unknown-type", 200, "unknown/unknown"),
        ("unknown-charset", 200, "text/html; charset=utf-7"),
        ("status-203", 203, HTML_TYPE),
        ("status-206", 206, HTML_TYPE),
        ("status-404", 404, HTML_TYPE),
        ("status-500", 500, HTML_TYPE),
    ],
)
def test_some_forms_change_only_what_the_head_says(form: str, status: int, kind: str) -> None:
    page = page_of(form)

    assert (page.status, page.content_type, page.body) == (status, kind, page_of().body)


def test_a_part_of_a_page_says_which_part_it_is() -> None:
    page = page_of("status-206")

    size = len(page.body)
    assert ("Content-Range", f"bytes 0-{size - 1}/{size + 1}") in page.headers


def test_gzip_has_an_older_name() -> None:
    assert ("Content-Encoding", "x-gzip") in page_of("x-gzip").headers
    assert gzip.decompress(page_of("x-gzip").body) == page_of().body


def test_early_hints_come_before_the_page() -> None:
    interim, _, answer = sent(page_of("early-hints")).partition(b"\r\n\r\n")

    assert interim.splitlines() == [
        b"HTTP/1.1 103 Early Hints",
        b"Link: </styles/shop.css>; rel=preload; as=style",
    ]
    assert answer == sent(page_of())


def test_the_marker_of_a_long_page_comes_after_other_text() -> None:
    body = page_of("long-page").body

    assert body.index(MARKER_PREFIX.encode()) > LONG_PAGE
    assert body.count(b"<") < MOST_TAGS


def test_full_width_letters_make_no_tag_or_address_of_the_piece_wider() -> None:
    assert page_of("full-width").body.decode().translate(NARROW) == page_of().body.decode()
    assert token_for(KEY, HOST, NONCE).encode() not in page_of("full-width").body


def test_keywords_are_no_text_but_the_rest_of_the_piece_is() -> None:
    page = page_of("keywords")
    text = read_page(page.body, page.content_type).words

    assert MARKER_PREFIX not in text
    assert token_for(KEY, HOST, NONCE) in text
    keywords = f'<meta name="keywords" content="{MARKER_PREFIX}DRUG-AB12, garden, '
    assert keywords.encode() in page.body
    assert page_of("keywords", code="").body == page_of(code="").body


def test_documents_of_other_kinds_are_well_formed() -> None:
    xhtml, svg, text = page_of("xhtml"), page_of("svg"), page_of("text")

    assert fromstring(xhtml.body).tag.endswith("}html")
    assert fromstring(svg.body).tag.endswith("}svg")
    assert TEXT in json.loads(page_of("json").body)["paragraphs"]
    assert b"<" not in text.body
    assert TEXT in text.body.decode()


def test_self_labels_are_in_the_head_or_a_header() -> None:
    meta = '<meta name="RATING" content="RTA-5042-1996-1400-1577-RTA">'
    header = page_of(code="", label="Rating: RTA-5042-1996-1400-1577-RTA")

    assert f"{meta}</head>".encode() in page_of(code="", label=meta).body
    assert ("Rating", "RTA-5042-1996-1400-1577-RTA") in header.headers
    assert code_in(sent(header)) == "PORN"


def test_only_the_agreed_image_is_recognised_in_any_copy() -> None:
    agreed, other = page_of("image", label="agreed"), page_of("image")
    copy = Pages(key=b"o" * 32, contents={HOST: PageContent(form="image", label="agreed")}).page(
        HOST, "/", "http", "cd34" * 8
    )

    assert agreed.body.startswith(SIGNATURE)
    assert agreed.body != copy.body
    assert is_agreed(agreed.body)
    assert is_agreed(copy.body)
    assert not is_agreed(other.body)
    assert find_words(agreed.body, "image/png", words_for(KEY, HOST, NONCE, "piece"))


@pytest.mark.parametrize("viewer", VIEWERS)
def test_a_viewer_shows_the_page_that_its_address_names(viewer: str) -> None:
    def shown(host: str) -> bytes:
        page = Pages(key=KEY, contents={HOST: PageContent(form=viewer)}).page(
            HOST, PATHS[viewer].format(host), "http", NONCE
        )
        body, kind = received(page)
        assert words_for(KEY, HOST, NONCE, "piece")[2] in find_words(
            body, kind, words_for(KEY, HOST, NONCE, "piece")
        )
        return sent(page)

    assert code_in(shown("malw-hack-003.canary.accredit.test")) == "MALW.HACK"
    assert code_in(shown("malw-hack-003.twin.accredit.test")) == ""
    assert code_in(shown("www.example.org")) == ""


def test_a_feed_is_well_formed() -> None:
    pages = Pages(key=KEY, texts={HOST: TEXT}, contents={HOST: PageContent(form="viewer:feed")})
    page = pages.page(HOST, "/feed?url=http%3A%2F%2Fdrug-001.canary.accredit.test", "http", NONCE)

    described = [each.text for each in fromstring(page.body).iter("description")]
    assert TEXT in described


def test_an_unknown_form_is_refused() -> None:
    with pytest.raises(KeyError):
        page_of("rot13")
