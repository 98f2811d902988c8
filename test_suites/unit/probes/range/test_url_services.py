"""What the origin answers for the cases of web addresses; no redirect leaves it."""

from __future__ import annotations

import pytest

from harness.model.content_form import PageContent
from harness.model.marker import MARKER_PREFIX
from harness.model.url_case import TEMPLATES, deep_path
from probes.range.connection import Request
from probes.range.image_card import SIGNATURE
from probes.range.origin_pages import Page, Pages
from probes.range.origin_services import SERVICES, ServiceRequest, service_at

HOST = "quiet-loom.sites.accredit.test"
CANARY = "drug-001.canary.accredit.test"
WORDS = "A history of Scunthorpe & its <works>"
PAGES = Pages(key=b"k" * 32, texts={HOST: WORDS})


def asked(path: str, known: PageContent, host: str) -> ServiceRequest:
    request = Request(method="GET", target=path, headers={"host": host}, lines=())
    return ServiceRequest(
        request=request, scheme="http", nonce="abcd1234", content=known, pages=PAGES
    )


def answer(path: str, content: PageContent | None = None, host: str = HOST) -> Page:
    known = content or PageContent()
    return SERVICES[service_at(known, path)](asked(path, known, host))


def token(host: str = HOST) -> bytes:
    return asked("/", PageContent(), host).marks().token.encode()


@pytest.mark.parametrize(
    ("name", "kind", "start"),
    [
        ("card.png", "image/png", SIGNATURE),
        ("app.js", "text/javascript", b"document.write"),
        ("clip.mp4", "video/mp4", b"\0\0\0\x18ftypisom"),
    ],
)
def test_objects_on_any_host_carry_the_marks_of_delivery(
    name: str, kind: str, start: bytes
) -> None:
    page = answer(f"/objects/7/{name}", host=CANARY)

    assert page.content_type.startswith(kind)
    assert page.body.startswith(start)
    assert token(CANARY) in page.body
    assert dict(page.headers)["ETag"]


def test_a_script_of_a_harmful_host_shows_its_marker() -> None:
    marker = MARKER_PREFIX.encode()

    assert marker in answer("/objects/1/app.js", PageContent(code="DRUG")).body
    assert marker in answer("/objects/1/app.js", host=CANARY).body
    assert marker not in answer("/objects/1/app.js").body
    assert answer("/objects/1/page.exe").status == 404


@pytest.mark.parametrize(
    ("path", "location"),
    [
        (f"/go/{CANARY}", f"http://{CANARY}/"),
        ("/go/example.org", ""),
        (f"/go/{CANARY}.example.org", ""),
        ("/go/", ""),
    ],
)
def test_redirects_lead_to_hosts_of_the_origin_alone(path: str, location: str) -> None:
    page = answer(path, PageContent(service="redirector"))

    assert dict(page.headers).get("Location", "") == location
    assert page.status == (302 if location else 200)
    assert token() in page.body


def test_a_deep_page_shows_the_marker_at_one_path_alone() -> None:
    known = PageContent(code="DRUG", service="deep-pages", case="deep:forum")
    harmful, harmless = (
        answer(deep_path("deep:forum", HOST, is_harmful=one), known).body for one in (True, False)
    )

    assert MARKER_PREFIX.encode() in harmful
    assert MARKER_PREFIX.encode() not in harmless + answer("/", known).body


@pytest.mark.parametrize("case", TEMPLATES)
def test_a_template_shows_its_words_in_one_place(case: str) -> None:
    body = answer("/", PageContent(service="template", case=case)).body.decode()
    shown = "A history of Scunthorpe &amp; its &lt;works&gt;"

    assert shown in body
    assert WORDS not in body
    places = {
        "template:title": "<title>",
        "template:menu": '<a href="/1">',
        "template:results": 'results for "',
        "template:form": 'value="',
        "template:address": "<p>",
    }
    assert places[case] + shown in body
