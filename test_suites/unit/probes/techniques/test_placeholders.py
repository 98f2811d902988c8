"""Templates of statements: escapes, placeholders, and ways to write a value."""

from __future__ import annotations

import random
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.techniques.placeholders import NAMES, WAYS, AtMark, Placeholder, pieces_of

ADDRESS = "192.0.2.10"


def written(value: str, way: str) -> str:
    return WAYS[way](value, random.Random(7))


def test_escapes_become_bytes() -> None:
    assert pieces_of(r"GET / HTTP/1.1\r\n\t\0\\\x7F") == (b"GET / HTTP/1.1\r\n\t\0\\\x7f",)


def test_braces_name_values_and_marks() -> None:
    assert pieces_of("{host:upper}{{x}}{cut}{pad:64}") == (
        Placeholder("host", "upper"), b"{x}", AtMark("cut"), Placeholder("pad", argument=64),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{hostt}", r"unknown placeholder '\{hostt\}'; "),
        ("{host:uper}", "unknown way 'uper'"),
        (r"\q", r"unknown escape '\\q'"),
        ("{host", "one brace alone"),
        ("a}", "one brace alone"),
        ("\\", "one brace alone"),
    ],
)
def test_a_fault_is_said_with_what_is_known(template: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        pieces_of(template)


@given(st.binary(max_size=60))
def test_any_bytes_can_be_written(data: bytes) -> None:
    text = "".join(f"\\x{octet:02x}" for octet in data)

    assert b"".join(each for each in pieces_of(text) if isinstance(each, bytes)) == data


@given(
    st.text(
        st.characters(exclude_characters="{}\\", categories=("L", "N", "P", "S", "Z")), max_size=60
    )
)
def test_other_text_stays_as_it_is(text: str) -> None:
    assert pieces_of(text) == ((text.encode(),) if text else ())


@pytest.mark.parametrize("way", ["decimal", "hex", "hex-octets", "octal", "short"])
@given(st.ip_addresses(v=4))
def test_every_notation_of_an_address_is_that_address(way: str, address: object) -> None:
    assert socket.inet_aton(written(str(address), way)) == socket.inet_aton(str(address))


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        ("upper", "A.TEST"), ("alternate", "a.tEsT"), ("percent", "a.t%65s%74"),
        ("percent-lower", "a.t%65s%74"), ("percent-twice", "a.t%2565s%2574"),
        ("fullwidth-first", "\uff41.test"), ("ideographic-dots", "a\u3002test"),
        ("soft-hyphen", "a.\u00adtest"),
    ],
)  # fmt: skip
def test_a_host_is_written_in_another_way(way: str, expected: str) -> None:
    assert written("a.test", way) == expected


def test_mixed_letters_are_drawn_and_stay_the_same_name() -> None:
    drawn = {WAYS["mixed"]("blocked.test", random.Random(seed)) for seed in range(20)}

    assert len(drawn) > 10
    assert {each.lower() for each in drawn} == {"blocked.test"}


def test_every_name_says_what_it_stands_for() -> None:
    assert all(NAMES.values())
    assert pieces_of("".join(f"{{{name}}}" for name in NAMES)) == tuple(map(Placeholder, NAMES))
