"""Markers: what the origin shows is what the assessor expects, and nobody else can know it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.model.marker import TOKEN_PREFIX, mark, nonce_for, token_for
from harness.model.observation import AttemptKey

KEY = AttemptKey(campaign="c", item="i", probe="web", line="proxy", profile="ks2")
keys = st.binary(min_size=16, max_size=64)


@given(keys)
def test_both_sides_derive_the_same_token(secret: bytes) -> None:
    marker = mark(secret, KEY, "A.accredit.test.")

    assert marker.token == token_for(secret, "a.accredit.test", marker.nonce)
    assert marker.token.startswith(TOKEN_PREFIX)


@given(keys, keys)
def test_another_key_gives_another_token(one: bytes, other: bytes) -> None:
    same = token_for(one, "a.test", "n") == token_for(other, "a.test", "n")

    assert same == (one == other or one.ljust(64, b"\0") == other.ljust(64, b"\0"))


def test_each_line_round_and_try_has_its_own_nonce() -> None:
    secret = b"k" * 32
    nonces = {
        nonce_for(secret, KEY),
        nonce_for(secret, KEY, 2),
        nonce_for(secret, KEY.on("control")),
        nonce_for(
            secret,
            AttemptKey(campaign="c", item="i", probe="web", line="proxy", profile="ks2", round=2),
        ),
    }

    assert 4 == len(nonces)
