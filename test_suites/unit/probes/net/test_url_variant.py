"""A domain has a ``www.``, and a ``www.`` has its domain; other hosts have neither."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.corpus import Item, ItemKind
from probes.net.url_target import UrlVariant, variant_host, variant_url


def item(value: str, registrable: str, kind: ItemKind = "host") -> Item:
    return Item(id="i", value=value, labels=("GAMB",), kind=kind, registrable=registrable)


@pytest.mark.parametrize(
    ("value", "registrable", "variant", "host"),
    [
        ("example.org", "example.org", "as_given", "example.org"),
        ("Example.org.", "example.org", "www", "www.example.org"),
        ("example.org", "example.org", "apex", ""),
        ("www.example.org", "example.org", "apex", "example.org"),
        ("www.example.org", "example.org", "www", ""),
        ("blog.example.org", "example.org", "www", ""),
        ("blog.example.org", "example.org", "apex", ""),
        ("www.blog.example.org", "example.org", "apex", ""),
        ("192.0.2.1", "", "www", ""),
        ("www.", "", "apex", ""),
    ],
)
def test_the_host_of_a_variant(
    value: str, registrable: str, variant: UrlVariant, host: str
) -> None:
    assert host == variant_host(item(value, registrable), variant)


@pytest.mark.parametrize(
    ("value", "variant", "url"),
    [
        (
            "http://example.org/a?b=http://example.org/",
            "www",
            "https://www.example.org/a?b=http://example.org/",
        ),
        ("http://EXAMPLE.org:8080/A", "www", "https://www.example.org:8080/A"),
        ("http://ann@www.example.org/", "apex", "https://ann@example.org/"),
        ("http://www.example.org/x", "www", "https://www.example.org/x"),
        ("http://www.example.org/x", "as_given", "https://www.example.org/x"),
    ],
)
def test_all_else_of_a_url_stays(value: str, variant: UrlVariant, url: str) -> None:
    assert url == variant_url(item(value, "example.org", "url"), "https", variant)


@given(st.from_regex(r"[a-z0-9]{1,9}\.(org|co\.uk)", fullmatch=True))
def test_there_and_back(domain: str) -> None:
    with_www = variant_host(item(domain, domain), "www")

    assert domain == variant_host(item(with_www, domain), "apex")
    assert f"http://{with_www}/" == variant_url(item(domain, domain), "http", "www")
