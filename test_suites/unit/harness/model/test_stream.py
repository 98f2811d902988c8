"""Names of suppliers: which share a stream, and which are none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.model.stream import OWNER_NAME, same_name, stream_of


@pytest.mark.parametrize(
    "name", ["Acme", " ACME ", "acme\u200b", "\u202eAcme\u202c", "A\u00adcme", "Acme\u2060"]
)
def test_case_spaces_and_invisible_characters_make_no_other_supplier(name: str) -> None:
    assert stream_of(name) == "supplier:acme"


@pytest.mark.parametrize(
    ("one", "other"), [("Weiss", "Wei\u00df"), ("Net2", "Net\u00b2"), ("Acme", "Acme Ltd")]
)
def test_letters_that_only_look_alike_make_another(one: str, other: str) -> None:
    assert stream_of(one) != stream_of(other)


def test_a_composed_letter_is_the_same_as_its_parts() -> None:
    assert stream_of("Caf\u00e9") == stream_of("Cafe\u0301")


@given(st.text(max_size=40))
def test_a_name_that_was_compared_is_compared_as_itself(name: str) -> None:
    assert same_name(same_name(name)) == same_name(name)
    assert same_name(name.upper()) == same_name(same_name(name.upper()))


@pytest.mark.parametrize(
    "name", ["", " ", "\u200b", "a" * 201, "a\x07b", "a\ud800", "a\nb\x00", OWNER_NAME.upper()]
)
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="is not a supplier's name"):
        stream_of(name)


def test_a_service_without_a_supplier_has_a_stream_of_its_own() -> None:
    assert stream_of("", "Safe Net") == "service:safe net"
    assert stream_of("Acme", "Safe Net") == "supplier:acme"
    with pytest.raises(UsageError, match="is not the name of a service"):
        stream_of("", "a\x00")
