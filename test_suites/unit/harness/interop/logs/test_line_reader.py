"""Fields that formats share: numbers, computers, and values that are absent."""

from __future__ import annotations

import pytest

from harness.interop.logs.line_reader import (
    UnreadableLine,
    client_and_device,
    http_status,
    shown,
    stated,
    whole_number,
)


@pytest.mark.parametrize(("text", "number"), [("0", 0), (" 12 ", 12), ("-", None), ("", None), ("9" * 18, 10**18 - 1)])  # fmt: skip
def test_a_number_is_read_and_a_hyphen_is_none(text: str, number: int | None) -> None:
    assert number == whole_number(text, "bytes")


@pytest.mark.parametrize("text", ["-1", "1.5", "1_0", "x", "9" * 19, "\u00b2", "\u0661"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(UnreadableLine, match="is not a number of bytes"):
        whole_number(text, "bytes")


def test_a_status_of_zero_is_none() -> None:
    assert (None, None, 403) == (http_status("000"), http_status("-"), http_status("403"))


def test_a_computer_is_an_address_or_a_name() -> None:
    assert ("10.0.0.7", "") == client_and_device("10.0.0.7")
    assert ("2001:db8::7", "") == client_and_device("2001:db8::7")
    assert ("", "lab-07") == client_and_device("lab-07")


def test_a_hyphen_alone_is_absent() -> None:
    assert ("", "", "--", "a-b") == (stated("-"), stated(""), stated("--"), stated("a-b"))


def test_a_message_quotes_the_beginning_of_a_line() -> None:
    assert repr("x" * 80 + "...") == shown("x" * 81)
    assert repr("x" * 80) == shown("x" * 80)
