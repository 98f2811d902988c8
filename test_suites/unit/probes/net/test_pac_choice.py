"""The answers of a PAC file, as browsers read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.net.pac_script import DIRECT, KINDS, PORTS, read_choices
from probes.net.route import Address


def test_ways_come_in_order() -> None:
    choices = read_choices("PROXY a.example:3128; https b ;SOCKS5 [::1]:9;DIRECT;")

    assert ["PROXY a.example:3128", "HTTPS b:443", "SOCKS5 [::1]:9", "DIRECT"] == [
        *map(str, choices)
    ]
    assert ["http", "https", "socks5", "direct"] == [choice.kind for choice in choices]


@pytest.mark.parametrize("word", sorted(PORTS))
def test_a_proxy_without_port_listens_where_browsers_look(word: str) -> None:
    (choice,) = read_choices(f"{word} a.example")

    assert Address(host="a.example", port=PORTS[word]) == choice.address


@pytest.mark.parametrize("nothing", ["", "  "])
def test_nothing_means_straight_on(nothing: str) -> None:
    assert (DIRECT,) == read_choices(nothing)


def test_what_is_not_understood_is_passed_over_and_doubles_count_once() -> None:
    assert ["PROXY a:1", "DIRECT"] == [
        *map(
            str, read_choices("QUIC a:1; PROXY a:1; PROXY; PROXY a:x; PROXY a:1; DIRECT x; DIRECT")
        )
    ]


@pytest.mark.parametrize("wrong", [";", "nothing", "PROXY", "PROXY a:99999", "DIRECT now"])
def test_an_answer_without_any_way_says_so(wrong: str) -> None:
    with pytest.raises(ValueError, match="names no choice"):
        read_choices(wrong)


def test_version_four_of_socks_is_known_and_not_spoken() -> None:
    assert {"unspoken"} == {choice.kind for choice in read_choices("SOCKS a:1; SOCKS4 b:1")}


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused(answer: str) -> None:
    try:
        choices = read_choices(answer)
    except ValueError:
        return

    assert choices
    assert {choice.word for choice in choices} <= set(KINDS)
