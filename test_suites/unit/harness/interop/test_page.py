"""Kept pages are read leniently, and refused with a reason."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.interop.page import NOWHERE, read_page
from harness.interop.record import NotReadable
from harness.model.facts import WebFacts


def _facts(**page: Any) -> WebFacts:
    facts = read_page(json.dumps({"id": 1, "body": "<title>T</title>x", **page}).encode()).trials[0]
    assert isinstance(facts.service.facts, WebFacts)
    return facts.service.facts


def test_a_bare_page_is_a_page_from_nowhere() -> None:
    facts = _facts()

    assert (NOWHERE, 200, "T", "x") == (facts.url, facts.status, facts.title, facts.text)


@pytest.mark.parametrize(
    "headers",
    [{"Server": "squid"}, [["Server", "squid"]], {"Server": ["squid", "other"]}],
)
def test_headers_may_be_an_object_or_pairs(headers: Any) -> None:
    assert _facts(headers=headers).headers == (("server", "squid"),)


@pytest.mark.parametrize(("status", "read"), [(403, 403), ("403", 403), ("403 Forbidden", 403)])
def test_a_status_may_be_a_number_or_a_status_line(status: Any, read: int) -> None:
    assert _facts(status=status).status == read


def test_a_location_is_a_hop_wherever_it_stands() -> None:
    for page in ({"location": "http://b.example/"}, {"headers": {"Location": "http://b.example/"}}):
        facts = _facts(**page)
        assert facts.hops[0].location == "http://b.example/"
        assert facts.status == 302


def test_an_issuer_is_kept_and_the_control_makes_a_pair() -> None:
    line = json.dumps({"id": "a", "body": "x", "certificate_issuer": "CN=Filter",
                       "control": {"body": "y", "certificate_issuer": "CN=R3"}})  # fmt: skip

    record = read_page(line.encode())

    assert not record.alone
    assert isinstance(record.trials[0].service.facts, WebFacts)
    certificate = record.trials[0].service.facts.certificate
    assert certificate is not None
    assert certificate.issuer == "CN=Filter"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "truncated"),
        ("[]", "object"),
        ('{"body": "x"}', "`id` is missing"),
        ('{"id": "a", "body": 5}', r"\$\.body"),
        ('{"id": "a", "body": "x", "status": "soon"}', "`status` is not a number"),
        ('{"id": "a", "body": "x", "headers": 7}', "`headers` is neither"),
    ],
)
def test_a_line_that_cannot_be_read_says_why(line: str, reason: str) -> None:
    with pytest.raises(NotReadable, match=reason):
        read_page(line.encode())


@given(st.text(max_size=200))
def test_any_body_can_be_read(body: str) -> None:
    read_page(json.dumps({"id": "a", "body": body, "location": body, "url": body}).encode())
