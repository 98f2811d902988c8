"""The marker of a category is found in an answer, wherever it stands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.range.page_reading import code_in, decoded_body


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"<p>ACCREDIT-MARKER-PORN-A1B2</p>", "PORN"),
        (b"<p>ACCREDIT-MARKER-MALW-HACK-0000</p>", "MALW.HACK"),
        (b"<p>ACCREDIT-MARKER-PORN-NUDE-CAFE</p>", "PORN.NUDE"),
        (b"ACCREDIT-MARKER-", ""),
        (b"accredit-marker-porn-a1b2", ""),
        (b"ACCREDIT-MARKER-PORN-A1B2C", ""),
        (b"", ""),
    ],
)
def test_the_code_of_a_marker(answer: bytes, code: str) -> None:
    assert code_in(answer) == code


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_whatever_stands_around(before: bytes, after: bytes) -> None:
    assert code_in(before + b" ACCREDIT-MARKER-DRUG-12AB " + after) in {"DRUG", code_in(before)}


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
IN_CHUNKS = b"10\r\nACCREDIT-MARKER-\r\n9\r\nDRUG-12AB\r\n0\r\n\r\n"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"


@pytest.mark.parametrize("before", [b"", HINTS, HINTS * 2, b"HTTP/1.1 100 Continue\r\n\r\n"])
def test_interim_responses_are_skipped(before: bytes) -> None:
    headers, _ = decoded_body(before + CHUNKED + IN_CHUNKS)

    assert headers == {"transfer-encoding": "chunked"}
    assert code_in(before + CHUNKED + IN_CHUNKS) == "DRUG"


def test_a_switch_of_protocols_is_a_response() -> None:
    switched = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"

    assert decoded_body(switched + b"x") == ({"upgrade": "websocket"}, b"x")
