"""Not conforming is a failed assertion, to pytest and Allure alike."""

from __future__ import annotations

from test_suites.accreditation.nonconformity import DoesNotConform


def test_is_an_assertion_error() -> None:
    assert issubclass(DoesNotConform, AssertionError)
