"""A notice is in the style of its fault, and never looks like a tunnel that was made."""

from __future__ import annotations

import pytest

from probes.range.connection import Request
from probes.range.faults import Fault, FaultKind
from probes.range.filter import Decision
from probes.range.filter_pages import block_answer

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
