"""The marker of a category is found in an answer, wherever it stands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.range.page_reading import code_in


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
