"""A notice is in the style of its fault, and never looks like a tunnel that was made."""

from __future__ import annotations

from typing import Any

import pytest

from harness.errors import UsageError
from probes.range.block_page_text import PAGE_FLAWS, block_document
from probes.range.connection import Request
from probes.range.faults import Fault, FaultKind
from probes.range.filter import Decision
from probes.range.filter_pages import block_answer
from probes.range.origin_pages import Pages, block_page
from probes.range.zone import BLOCK_HOST

HOST = "drug-001.canary.accredit.test"


def request(method: str = "GET") -> Request:
    """A request for the host."""
    target = f"{HOST}:443" if method == "CONNECT" else f"http://{HOST}/"
    return Request(
        method=method,
        target=target,
        headers={"host": HOST},
        lines=(b"Host: " + HOST.encode(), b"X: <nonce>"),
    )


def decision(kind: FaultKind | None) -> Decision:
    """What the filter decided in that style."""
    fault = Fault(kind=kind) if kind else None
    return Decision(host=HOST, category="DRUG", style=kind, fault=fault)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (None, 403),
        (FaultKind.PAGE_200, 200),
        (FaultKind.PAGE_403, 403),
        (FaultKind.PAGE_451, 451),
        (FaultKind.REFUSE, 503),
        (FaultKind.REDIRECT, 302),
        (FaultKind.CAPTIVE, 200),
        (FaultKind.FRAME, 200),
        (FaultKind.META_REFRESH, 200),
        (FaultKind.ECHO, 200),
        (FaultKind.CAPTCHA, 403),
    ],
)
def test_each_style_has_its_status(kind: FaultKind | None, status: int) -> None:
    assert status == block_answer(decision(kind), request()).status


@pytest.mark.parametrize("kind", [FaultKind.PAGE_200, FaultKind.FRAME, FaultKind.ECHO])
def test_a_refused_tunnel_is_never_200(kind: FaultKind) -> None:
    assert block_answer(decision(kind), request("CONNECT")).status >= 403


def test_an_echo_shows_the_request_but_runs_nothing() -> None:
    body = block_answer(decision(FaultKind.ECHO), request()).body

    assert b"&lt;nonce&gt;" in body
    assert b"<nonce>" not in body


def test_pages_that_lead_away_lead_to_the_filters_own() -> None:
    for kind in (FaultKind.FRAME, FaultKind.META_REFRESH):
        assert f"host={HOST}".encode() in block_answer(decision(kind), request()).body


PATH = "/a?q=%3Cb%3E"


def test_the_page_states_all_that_is_asked_and_escapes_the_address() -> None:
    page = block_document(HOST, "GAMB", "ks2", PATH).decode()

    for stated in ("Reason:", "Category: GAMB", "Policy in force: ks2", "Reference: ", "/appeal?"):
        assert stated in page
    assert "&lt;b&gt;" in page
    assert "<b>" not in page
    assert "Internet Watch Foundation" in block_document(HOST, "ILL.CSAM").decode()


@pytest.mark.parametrize("flaw", sorted({*PAGE_FLAWS} - {"cacheable"}))
def test_each_part_of_the_page_can_be_broken(flaw: str) -> None:
    category = "ILL.CSAM"

    assert block_document(HOST, category, "", PATH) != block_document(
        HOST, category, "", PATH, {flaw}
    )


def test_a_page_can_be_cached_if_it_is_broken_so() -> None:
    assert block_page(HOST, "GAMB").headers == ()
    assert "max-age" in dict(block_page(HOST, "GAMB", flaws={"cacheable"}).headers)["Cache-Control"]


def test_an_unknown_flaw_is_refused() -> None:
    unknown: Any = "smell"
    with pytest.raises(UsageError, match="no flaw 'smell' of a block page; known: appeal"):
        Fault(kind=FaultKind.PAGE_FLAW, flaw=unknown)


def test_the_page_that_a_redirect_leads_to_states_what_the_redirect_says() -> None:
    pages = Pages(key=b"k" * 32)
    page = pages.page(BLOCK_HOST, f"/?host={HOST}&to=GAMB&by=ks2", "http", "")

    assert page.body == block_document(HOST, "GAMB", "ks2")
