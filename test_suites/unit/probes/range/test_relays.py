"""Relays show the pages of the origin's own hosts, which the address names in many ways."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.content_form import PageContent
from harness.model.marker import mark, receipt_for
from harness.model.observation import AttemptKey
from probes.range.origin_pages import Page, Pages
from probes.range.relays import FORMS, RelayRequest, relay_page, wanted_host
from probes.range.zone import RANGE
from probes.techniques.placeholders import WAYS

KEY = b"k" * 32
HOST = "x-1.ways.accredit.test"
RELAY = "bcdfghkl.relay.ways.accredit.test"
MARKER = mark(KEY, AttemptKey(campaign="c", item="i", probe="p", line="l", profile="ks2"), HOST)


def asked(path: str) -> Page:
    pages = Pages(key=KEY, contents={HOST: PageContent(code="DRUG")})
    return relay_page(
        RelayRequest(host=HOST, path=path, scheme="http", nonce=MARKER.nonce, pages=pages)
    )


@pytest.mark.parametrize(
    "path",
    [
        f"/https/{HOST}/", f"/?url=http://{HOST}/", f"/feed?src=http%3A%2F%2F{HOST}%2F",
        f"/web/2025id_/http://{HOST.upper()}/",
    ],
)  # fmt: skip
def test_a_host_is_named_in_clear(path: str) -> None:
    assert wanted_host(RELAY, path, RANGE) == HOST


@pytest.mark.parametrize("way", ["base64", "base32", "hex-text", "rot13", "reversed"])
@pytest.mark.parametrize("form", ["/p/{}/", "/?q={}&x=1", "/s/{}"])
def test_a_host_is_named_so_that_nothing_tells_it(way: str, form: str) -> None:
    encode: Callable[..., str] = WAYS[way]
    path = form.format(encode(HOST, None))

    assert HOST not in path
    assert wanted_host(RELAY, path, RANGE) == HOST


@pytest.mark.parametrize("way", ["dashes", "base32"])
def test_a_host_is_named_in_a_label(way: str) -> None:
    encode: Callable[..., str] = WAYS[way]

    assert wanted_host(f"{encode(HOST, None)}.any.{RELAY}", "/", RANGE) == HOST


@pytest.mark.parametrize(
    "path", ["/", "/http://www.example.org/", f"/http://{RELAY}/", f"/{'a' * 4000}/{HOST}"]
)
def test_no_page_of_other_sites_is_shown(path: str) -> None:
    assert wanted_host(RELAY, path, RANGE) == ""


def test_other_hosts_are_no_relays() -> None:
    assert wanted_host("open.ways.accredit.test", f"/http://{HOST}/", RANGE) == ""
    assert wanted_host("relay.ways.accredit.test", f"/http://{HOST}/", RANGE) == ""


@pytest.mark.parametrize("form", ["", *sorted(FORMS.keys() - {"s"})])
def test_every_form_shows_the_token_of_the_wanted_host(form: str) -> None:
    page = asked(f"/{form}?x={HOST}")

    assert page.status == 200
    assert MARKER.token.encode() in page.body
    assert (b"ACCREDIT-MARKER-DRUG" in page.body) == (page.content_type != "image/png")
    assert receipt_for(KEY, HOST, MARKER.nonce) in dict(page.headers)["ETag"]


def test_a_short_link_leads_to_the_page_and_does_not_show_it() -> None:
    page = asked("/s/abc")

    assert (page.status, dict(page.headers)["Location"]) == (301, f"http://{HOST}/")
    assert MARKER.token.encode() not in page.body


@given(st.text(max_size=60))
def test_any_path_names_a_host_of_the_zones_or_none(path: str) -> None:
    found = wanted_host(RELAY, f"/{path}", RANGE)

    assert not found or RANGE.is_within(found)
