"""Nonces differ by attempt and run, and their key finds them wherever they stand."""

from __future__ import annotations

import uuid

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from harness.model.marker import find_nonce, new_run, nonce_for
from harness.model.observation import AttemptKey

KEY = AttemptKey(campaign="c", item="i", probe="web", line="proxy", profile="ks2")
SECRET = b"k" * 32
keys = st.binary(min_size=16, max_size=64)


def test_each_line_round_try_and_run_has_its_own_nonce() -> None:
    nonces = {
        nonce_for(SECRET, KEY),
        nonce_for(SECRET, KEY, 2),
        nonce_for(SECRET, KEY.on("control")),
        nonce_for(SECRET, msgspec.structs.replace(KEY, round=2)),
        nonce_for(SECRET, KEY, 1, "run"),
        nonce_for(SECRET, KEY, 1, "another run"),
    }

    assert 6 == len({nonce[:16] for nonce in nonces}) == len({nonce[16:] for nonce in nonces})


def test_runs_are_random() -> None:
    assert 100 == len({new_run() for _ in range(100)})


@given(keys, st.text(max_size=20), st.booleans())
def test_the_key_finds_its_nonce(secret: bytes, run: str, dashed: bool) -> None:
    nonce = nonce_for(secret, KEY, 1, run)
    written = str(uuid.UUID(nonce)) if dashed else nonce

    assert nonce == find_nonce(secret, ("text/html", f"theme=dark; sid={written}; a=b"))


@given(st.text(alphabet="0123456789abcdef-", max_size=80))
def test_other_digits_are_no_nonce(text: str) -> None:
    assert "" == find_nonce(SECRET, (text, "00-" + text, f"sid={text}"))


def test_another_key_finds_nothing() -> None:
    nonce = nonce_for(SECRET, KEY)

    assert "" == find_nonce(b"x" * 32, (nonce,))
    assert "" == find_nonce(SECRET, (nonce[16:] + nonce[:16], "0" + nonce, nonce[:-1] + "g"))


def test_a_nonce_among_others_is_found() -> None:
    nonce = nonce_for(SECRET, KEY)

    assert nonce == find_nonce(SECRET, (f"{'0' * 32}, {'1' * 32}", f"{'a' * 32}; {nonce}"))
