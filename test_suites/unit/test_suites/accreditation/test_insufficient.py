"""Insufficient is neither a pass nor a failed assertion."""

from __future__ import annotations

from test_suites.accreditation.insufficient import Insufficient


def test_is_no_assertion_error() -> None:
    assert issubclass(Insufficient, Exception)
    assert not issubclass(Insufficient, AssertionError)
