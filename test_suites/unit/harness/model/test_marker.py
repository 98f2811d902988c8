"""Markers: what the origin shows is what the assessor expects, and nobody else can know it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.marker import (
    carrier_for,
    mark,
    nonce_for,
    path_words_for,
    plain_path,
    token_for,
    words_for,
)
from harness.model.observation import AttemptKey

KEY = AttemptKey(campaign="c", item="i", probe="web", line="proxy", profile="ks2")
keys = st.binary(min_size=16, max_size=64)


@given(keys)
def test_both_sides_derive_the_same_token(secret: bytes) -> None:
    marker = mark(secret, KEY, "A.accredit.test.")

    assert marker.token == token_for(secret, "a.accredit.test", marker.nonce)
    assert re.fullmatch("[0-9a-f]{32}", marker.token)
    assert marker.token != marker.nonce


@given(keys, keys)
def test_another_key_gives_another_token(one: bytes, other: bytes) -> None:
    same = token_for(one, "a.test", "n") == token_for(other, "a.test", "n")

    assert same == (one == other or one.ljust(64, b"\0") == other.ljust(64, b"\0"))


def test_a_marker_has_the_nonce_and_the_carrier_of_its_run() -> None:
    secret = b"k" * 32
    marker = mark(secret, KEY, "a.accredit.test", 2, "run")

    assert marker.nonce == nonce_for(secret, KEY, 2, "run")
    assert marker.carrier == carrier_for(secret, "run")


@pytest.mark.parametrize("path", ["/", "", "/?a=1", "//", "/#top"])
def test_a_path_is_the_same_however_it_is_written(path: str) -> None:
    assert "/" == plain_path(path)
    assert "/a b" == plain_path("/a%20b?c")
    assert path_words_for(b"k", "a.test", "/") == path_words_for(b"k", "A.test.", path)


def test_each_path_of_a_host_has_words_of_its_own() -> None:
    key, host = b"k" * 32, "a.test"
    root, home = path_words_for(key, host, "/"), path_words_for(key, host, "/home")

    assert 4 == len({*root} - {*home} - {*words_for(key, host, "", "host")})
    assert not {*root} & {*path_words_for(key, "b.test", "/")}
