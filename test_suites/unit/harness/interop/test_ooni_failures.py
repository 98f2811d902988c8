"""Names of failures, old and new."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.interop.ooni_form import OLD_NAMES, UNKNOWN, failure_from
from harness.model.observation import FAILURES


@pytest.mark.parametrize("name", sorted(FAILURES))
def test_our_own_names_stay(name: str) -> None:
    assert (name, "") == (failure_from(name, "connect").name, failure_from(name, "connect").detail)


@pytest.mark.parametrize("name", sorted(OLD_NAMES))
def test_old_names_become_ours_and_are_kept_as_the_detail(name: str) -> None:
    made = failure_from(name, "response")

    assert made.name in FAILURES
    assert made.detail == name


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("unknown_failure: read tcp [scrubbed]: connection reset by peer", "connection_reset"),
        ("unknown_failure: remote error: tls: unrecognized name", "tls_alert"),
        ("unknown_failure: tls: first record does not look like a TLS handshake",
         "ssl_failed_handshake"),
        ("unknown_failure: x509: certificate signed by unknown authority", "ssl_unknown_authority"),
        ("unknown_failure: something else", UNKNOWN),
        ("", UNKNOWN),
    ],
)  # fmt: skip
def test_unknown_failures_are_read_for_what_they_tell(said: str, name: str) -> None:
    assert name == failure_from(said, "tls").name


@given(st.text(max_size=300))
def test_no_text_breaks_the_reader(said: str) -> None:
    assert failure_from(said, "response").name in FAILURES
