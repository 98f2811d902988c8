"""Each column of an item table says what its cells are, and how to mend one."""

import pytest

from corpora.item_table import CHECKS, COLUMNS, VALUES


@pytest.mark.parametrize(
    ("column", "good", "bad"),
    [
        ("id", "a:1", "a b"),
        ("value_hmac", "hmac-sha256:k.1:" + "0" * 64, "hmac-sha256:k.1:" + "0" * 63),
        ("kind", "host", "page"),
        ("label_confidence", "0", "-0.1"),
        ("phases", "ks1|staff", "*|ks1"),
        ("applies_to", "sni", "tcp"),
        ("weight", "0.25", "inf"),
        ("lang", "cy", "c"),
        ("country", "GB", "GBR"),
        ("first_seen", "2026-02-28", "2026-02-29"),
        ("last_verified", "2024-02-29", "yesterday"),
        ("verify_status", "parked", "gone"),
        ("content_hash", "a" * 64, "A" * 64),
        ("sensitivity", "S4", "s4"),
    ],
)
def test_a_cell_is_right_or_told(column: str, good: str, bad: str) -> None:
    says, remedy = CHECKS[column]

    assert says(good)
    assert not says(bad)
    assert remedy


def test_what_is_checked_is_in_the_table_and_expected_is_not() -> None:
    assert set(CHECKS) < set(COLUMNS)
    assert "expected" not in CHECKS


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("url", "http://a.example", "a.example"),
        ("host", "A.example", "a/b"),
        ("suffix", "a.example", "*.a.example"),
        ("ip", "::1", "::g"),
        ("cidr", "2001:db8::/32", "2001:db8::1/32"),
    ],
)
def test_a_value_suits_its_kind(kind: str, good: str, bad: str) -> None:
    says, _ = VALUES[kind]

    assert says(good)
    assert not says(bad)
