"""The origin's end of tunnels answers those who have a nonce of its own, and nobody else."""

from __future__ import annotations

import pytest

from harness.model.marker import nonce_for, token_for
from harness.model.observation import AttemptKey
from probes.net.exchange_recorder import ExchangeRecorder
from probes.net.tunnel_pieces import Piece, Wanted, fetch_pieces, read_piece, write_wanted
from probes.range import tunnel_pages
from probes.range.arrival_log import ArrivalLog
from probes.range.origin_pages import Pages
from probes.range.tunnel_pages import TunnelPages

KEY, HOST = b"k" * 16, "x-1.ways.accredit.test"
ATTEMPT = AttemptKey(campaign="c", item="x", probe="techniques", line="l", profile="ks2")
NONCE = nonce_for(KEY, ATTEMPT)


@pytest.fixture
def tunnel() -> TunnelPages:
    return TunnelPages(pages=Pages(key=KEY), log=ArrivalLog())


def test_a_question_with_a_nonce_gets_pieces_of_the_page_and_is_logged(
    tunnel: TunnelPages,
) -> None:
    piece = read_piece(tunnel.answer(write_wanted(Wanted(HOST, NONCE, 1)), "udp", "ntp", 300))

    assert piece is not None
    assert piece.number == 1
    (arrival,) = tunnel.log.arrivals()
    assert (arrival.over, arrival.method, arrival.host, arrival.nonce) == (
        "udp",
        "ntp",
        HOST,
        NONCE,
    )


@pytest.mark.parametrize(
    ("wanted", "nonce"),
    [
        (Wanted(HOST, "0" * 32, 0), ""),
        (Wanted("elsewhere.example", NONCE, 0), NONCE),
        (Wanted(HOST, NONCE, 4000), NONCE),
    ],
)
def test_other_questions_get_no_answer(tunnel: TunnelPages, wanted: Wanted, nonce: str) -> None:
    assert tunnel.answer(write_wanted(wanted), "udp", "ntp", 300) == b""
    assert [arrival.nonce for arrival in tunnel.log.arrivals()] == [nonce]


def test_what_is_no_question_is_not_even_logged(tunnel: TunnelPages) -> None:
    assert tunnel.answer(b"hello", "udp", "ntp", 300) == b""
    assert tunnel.log.arrivals() == ()


async def test_few_pages_are_kept_and_each_attempt_has_its_own(
    tunnel: TunnelPages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tunnel_pages, "MOST_KEPT", 1)
    for item in ("a", "b", "a"):
        key = AttemptKey(campaign="c", item=item, probe="t", line="l", profile="ks2")
        nonce = nonce_for(KEY, key)
        recorder = ExchangeRecorder(100_000)

        async def ask(question: bytes, number: int) -> Piece:
            del number
            piece = read_piece(tunnel.answer(question, "udp", "ntp", 500))
            assert piece is not None
            return piece

        await fetch_pieces(ask, HOST, nonce, recorder)
        assert token_for(KEY, HOST, nonce).encode() in recorder.body
